//! `damonlab report`: a page about stored recordings for a browser, or a text for a mail.

use super::check::{self, Recordings, Statuses};
use super::error::VerbResult;
use super::expect_change::ExpectChangeArgs;
use super::output::{self, Output};
use super::rules_args::RulesArgs;
use crate::host::text::shown;
use crate::report::Format;
use clap::{Args, ValueEnum};
use damonlab_protocol::units::Bytes;
use std::path::{Path, PathBuf};

pub(super) const HELP: &str = "Examples: damonlab report results/pull-push/0001\n          \
    damonlab report results/pull-push/* -o pull-push.html\n          \
    damonlab report results/pull-push/* --format mail\n\n\
    The page is one file that loads nothing. Recordings of one scenario on one kernel with several seeds share a plot of\n\
    each goal. The recordings are judged with today's rules. Exit status: 0 if all could be read, whatever their verdicts\n\
    are; 2 if not.";

/// Where a page goes.
const PAGE: &str = "report.html";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Folders with a recording.json.
    #[arg(required = true, value_name = "DIR")]
    recordings: Vec<PathBuf>,
    /// Write into FILE [default: report.html; a mail goes to standard output].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What to write.
    #[arg(long, value_enum, default_value = "html", value_name = "FORMAT")]
    format: DocumentFormat,
    #[command(flatten)]
    rules: RulesArgs,
    #[command(flatten)]
    expect_change: ExpectChangeArgs,
}

/// A document about recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DocumentFormat {
    /// A page for a browser, with plots.
    Html,
    /// Plain text of 72 columns, for a cover letter or a reply.
    Mail,
}

pub(super) fn report(arguments: &Arguments) -> VerbResult {
    let Arguments { recordings: dirs, output: file, format, rules, expect_change } = arguments;
    let (format, default) = match format {
        DocumentFormat::Html => (Format::Html, Some(Path::new(PAGE))),
        DocumentFormat::Mail => (Format::Mail, None),
    };
    let file = file.as_deref().or(default);
    let mut output = Output::document("report", format, file)?;
    let Statuses { unreadable, .. } = check::judge(&Recordings { dirs, rules, expect_change }, &mut output)?;
    if let Some(file) = file {
        let size = Bytes(file.metadata().map_or(0, |meta| meta.len()));
        output::print(&format!("{}: {} KiB\n", shown(file), size.0.div_ceil(1024)))?;
    }
    Ok(unreadable)
}
