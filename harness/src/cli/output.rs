//! What a verb prints, and how the user wants it.

use super::error::CliError;
use super::sinks::{self, ReportFile, Sink};
use crate::host::progress::{self, Progress};
use crate::host::terminal;
use crate::host::text::unlike_a_result;
use crate::report::{Event, Format, Item, ListFormat, Listing, Started, Summary, Tally, Verbosity};
use clap::{Args, ValueEnum};
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// How the results of runs are printed.
#[derive(Debug, Clone, Args)]
pub(super) struct OutputArgs {
    /// Print failures and the last line only.
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
    /// Print everything of what passes, too: all expectations and rules, those that do not apply with the reason.
    #[arg(short, long)]
    verbose: bool,
    /// The format of the results on standard output.
    #[arg(long, value_enum, default_value = "human", value_name = "FORMAT")]
    format: Format,
    /// Write the results into FILE, too, in any format but github; can be given several times.
    #[arg(long, value_name = "FORMAT=FILE")]
    report: Vec<ReportFile>,
}

/// In which format lists are printed.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct FormatArgs {
    /// The format of the results.
    #[arg(long, value_enum, default_value = "human", value_name = "FORMAT")]
    format: ListFormat,
}

impl OutputArgs {
    /// Whether standard output is for people.
    pub(super) fn is_for_people(&self) -> bool {
        self.format.is_for_people()
    }

    /// Whether the results go nowhere but to people's eyes.
    pub(super) fn is_only_a_terminal(&self) -> bool {
        self.format == Format::Human && self.report.is_empty()
    }
}

impl FormatArgs {
    /// Whether it is this format.
    pub(super) fn is(self, format: ListFormat) -> bool {
        self.format == format
    }
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Makes it the choice of the whole process.
    pub(super) fn apply(self) {
        let choice = match self {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }

    /// What the user insists on.
    pub(super) fn forced(self) -> Option<bool> {
        match self {
            Color::Auto => None,
            Color::Always => Some(true),
            Color::Never => Some(false),
        }
    }
}

/// What stands at the end besides counts and time.
#[derive(Debug, Default)]
pub(super) struct Closing {
    /// The result of the command as a whole.
    pub(super) answer: Vec<String>,
    /// What else is worth knowing.
    pub(super) notes: Vec<String>,
    /// Both, for programs.
    pub(super) data: Value,
}

/// Items on their way to the user.
pub(super) struct Output {
    command: &'static str,
    sinks: Vec<Sink>,
    quiet: bool,
    tally: Tally,
    begun: Instant,
    /// What was reported, where it is to be stored.
    kept: Option<Reported>,
}

/// What a verb has reported.
#[derive(Debug, Clone, Default)]
pub(super) struct Reported {
    pub(super) names: Vec<String>,
    pub(super) kernel: Option<String>,
    pub(super) items: Vec<Item>,
}

impl OutputArgs {
    /// The same with a page in this file.
    pub(super) fn with_page(&self, file: Option<&Path>) -> OutputArgs {
        let mut output = self.clone();
        output.report.extend(file.map(|file| ReportFile::new(Format::Html, file)));
        output
    }
}

impl Output {
    /// The output of a verb.
    pub(super) fn new(command: &'static str, arguments: &OutputArgs) -> Result<Output, CliError> {
        let OutputArgs { quiet, verbose, format, report } = arguments;
        let verbosity = match (quiet, verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        };
        if !format.is_for_people() && verbosity != Verbosity::Normal {
            let option = if *quiet { "--quiet" } else { "--verbose" };
            return Err(CliError::NoEffect {
                option,
                on: "this --format, which always has everything".to_owned(),
            });
        }
        let sinks = sinks::all(*format, report, verbosity)?;
        let (tally, begun, kept) = (Tally::default(), Instant::now(), None);
        Ok(Output { command, sinks, quiet: *quiet, tally, begun, kept })
    }

    /// A document in FILE, or on standard output, and nothing else.
    pub(super) fn document(
        command: &'static str,
        format: Format,
        file: Option<&Path>,
    ) -> Result<Output, CliError> {
        let sinks = vec![sinks::one(format, file)?];
        let (tally, begun, kept) = (Tally::default(), Instant::now(), None);
        Ok(Output { command, sinks, quiet: false, tally, begun, kept })
    }

    /// The same output of another verb.
    pub(super) fn of(self, command: &'static str) -> Output {
        Output { command, ..self }
    }

    /// Keeps what is reported from now on, if `yes`.
    pub(super) fn keeping(self, yes: bool) -> Output {
        Output { kept: yes.then(Reported::default), ..self }
    }

    /// What was reported until now.
    pub(super) fn kept(&self) -> Option<Reported> {
        self.kept.clone()
    }

    /// Where progress goes.
    pub(super) fn progress(&self) -> Progress {
        Progress::stderr().quiet(self.quiet)
    }

    /// Work on `items` begins.
    pub(super) fn start(&mut self, items: Vec<String>, kernel: Option<&str>) -> Result<(), CliError> {
        self.begun = Instant::now();
        if let Some(kept) = &mut self.kept {
            (kept.names, kept.kernel) = (items.clone(), kernel.map(str::to_owned));
        }
        let started = Started { command: self.command, items, kernel: kernel.map(str::to_owned) };
        self.event(&Event::Started(&started))
    }

    /// An item has ended.
    pub(super) fn item(&mut self, item: &Item) -> Result<(), CliError> {
        self.tally.add(item);
        if let Some(kept) = &mut self.kept {
            kept.items.push(item.clone());
        }
        self.event(&Event::Finished(item))
    }

    /// Everything has ended.
    pub(super) fn finish(&mut self, closing: Closing) -> Result<(), CliError> {
        let Closing { answer, notes, data } = closing;
        let (tally, seconds) = (self.tally.clone(), self.begun.elapsed().as_secs_f64());
        let summary = Summary { command: self.command, answer, notes, tally, seconds, data };
        self.event(&Event::Summary(&summary))
    }

    fn event(&mut self, event: &Event<'_>) -> Result<(), CliError> {
        progress::suspend(|| self.sinks.iter_mut().try_for_each(|sink| sink.event(event)))
    }
}

/// Prints a result without items.
pub(super) fn list(listing: &Listing, arguments: FormatArgs) -> Result<(), CliError> {
    let mut reporter = sinks::stdout(arguments.format.into(), Verbosity::Normal);
    progress::suspend(|| reporter.listing(listing)).map_err(CliError::of_output)
}

/// The same, with the colours of a text that damonlab drew.
pub(super) fn list_in_colours(listing: &Listing, arguments: FormatArgs) -> Result<(), CliError> {
    match arguments.format {
        ListFormat::Human => print(&listing.text),
        ListFormat::Json => list(listing, arguments),
    }
}

/// Prints text that has one format only, with colours where they can be seen.
pub(super) fn print(text: &str) -> Result<(), CliError> {
    let text = unlike_a_result(text);
    let write = |mut out: Box<dyn Write>| out.write_all(text.as_bytes()).and_then(|()| out.flush());
    progress::suspend(|| write(Box::new(terminal::stdout(terminal::Lines::Cut)))).map_err(CliError::of_output)
}

#[cfg(test)]
mod tests {
    use super::super::command::{Cli, Verb};
    use super::*;
    use crate::host::fault::{Fault, Faulty};
    use clap::Parser;

    #[test]
    fn how_much_is_printed_for_people_has_no_effect_on_json_and_is_refused() {
        let words = ["damonlab", "run", "idle", "--format", "json", "--quiet"];
        let Verb::Run(run) = Cli::parse_from(words).verb else { panic!("it is the verb run") };
        let error = Output::new("run", &run.output).err().unwrap();
        assert_eq!(error.fault(), Fault::BadInput);
        assert!(error.to_string().starts_with("--quiet has no effect"), "{error}");
    }
}
