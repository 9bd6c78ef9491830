//! Where results go: standard output, the files of `--report`, and the job's summary on GitHub.

use super::error::CliError;
use crate::host::terminal::{self, Terminal};
use crate::host::variables;
use crate::report::{Event, Format, Reporter, Verbosity};
use clap::ValueEnum;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The file that GitHub shows as the summary of a job's step.
const SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// A file of `--report`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReportFile {
    format: Format,
    path: PathBuf,
}

impl ReportFile {
    /// A file of this format.
    pub(super) fn new(format: Format, path: &Path) -> ReportFile {
        ReportFile { format, path: path.to_owned() }
    }

    /// The names of the formats that a file can have.
    pub(super) fn formats() -> impl Iterator<Item = String> {
        let in_files = Format::value_variants().iter().filter(|format| **format != Format::Github);
        in_files.filter_map(|format| Some(format.to_possible_value()?.get_name().to_owned()))
    }
}

impl FromStr for ReportFile {
    type Err = String;

    fn from_str(text: &str) -> Result<ReportFile, String> {
        let wanted = || {
            let names: Vec<String> = ReportFile::formats().collect();
            format!("wanted: FORMAT=FILE with FORMAT one of {}", names.join(", "))
        };
        let (format, path) = text.split_once('=').filter(|(_, path)| !path.is_empty()).ok_or_else(wanted)?;
        let format = Format::from_str(format, false).map_err(|_| wanted())?;
        if format == Format::Github {
            return Err(format!(
                "GitHub reads commands from standard output alone (--format github); {}",
                wanted()
            ));
        }
        Ok(ReportFile { format, path: path.into() })
    }
}

/// Something that results are written to.
pub(super) struct Sink {
    reporter: Box<dyn Reporter>,
    /// None is standard output.
    path: Option<PathBuf>,
}

impl Sink {
    /// Writes what has happened.
    pub(super) fn event(&mut self, event: &Event<'_>) -> Result<(), CliError> {
        self.reporter.event(event).map_err(|cause| match &self.path {
            Some(path) => CliError::ReportFile { path: path.clone(), cause },
            None => CliError::of_output(cause),
        })
    }

    fn file(format: Format, path: &Path, open: impl Fn(&Path) -> io::Result<File>) -> Result<Sink, CliError> {
        let file = open(path).map_err(|cause| CliError::ReportFile { path: path.to_owned(), cause })?;
        let plain = anstream::StripStream::new(Box::new(file) as Box<dyn Write>);
        let out = Terminal::new(plain, format.lines());
        let reporter = format.reporter(Box::new(out), Verbosity::Normal);
        Ok(Sink { reporter, path: Some(path.to_owned()) })
    }
}

/// Everything that the results of a command are written to. Files are made at once: a folder that cannot be written is
/// noticed before the first run, and the file of an earlier command is gone.
pub(super) fn all(format: Format, files: &[ReportFile], verbosity: Verbosity) -> Result<Vec<Sink>, CliError> {
    let mut sinks = vec![Sink { reporter: stdout(format, verbosity), path: None }];
    for (index, ReportFile { format, path }) in files.iter().enumerate() {
        if files[..index].iter().any(|other| other.path == *path) {
            let on = format!("{}, which an earlier one writes already", crate::host::text::shown(path));
            return Err(CliError::NoEffect { option: "the second --report", on });
        }
        sinks.push(Sink::file(*format, path, make)?);
    }
    if let Some(path) = variables::value(SUMMARY).filter(|_| format == Format::Github) {
        sinks.push(Sink::file(Format::Markdown, Path::new(&path), append)?);
    }
    Ok(sinks)
}

/// A file that is made at once, or standard output.
pub(super) fn one(format: Format, file: Option<&Path>) -> Result<Sink, CliError> {
    match file {
        Some(path) => Sink::file(format, path, make),
        None => Ok(Sink { reporter: stdout(format, Verbosity::Normal), path: None }),
    }
}

/// A reporter that prints on standard output.
pub(super) fn stdout(format: Format, verbosity: Verbosity) -> Box<dyn Reporter> {
    format.reporter(Box::new(terminal::stdout(format.lines())), verbosity)
}

/// A new file, in a folder that may be new, too.
fn make(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    File::create(path)
}

/// The summary of a step may have the text of other commands.
fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_format_that_files_can_have() {
        let file = ReportFile::from_str("junit=out/a=b.xml").unwrap();
        assert_eq!(file, ReportFile { format: Format::Junit, path: "out/a=b.xml".into() });
        for wrong in ["junit", "junit=", "xml=x", "github=x", "=x"] {
            let error = ReportFile::from_str(wrong).unwrap_err();
            assert!(error.contains("one of human, json, junit, ktap, markdown, html, mail"), "{error}");
        }
    }
}
