//! `damonlab show`: a recording in the terminal.

use super::error::{CliError, VerbResult};
use super::follow;
use super::output::{self, FormatArgs};
use crate::host::terminal;
use crate::recording::Recording;
use crate::report::{self, ListFormat, PlotStyle, Section, ShowArgs};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

pub(super) const HELP: &str = "Examples: damonlab show results/pull-push/0001\n          \
    damonlab show results/pull-push/0001 --only goals,windows --all\n          \
    damonlab show results/pull-push/0001 --format json\n          \
    damonlab run pull-push --clock real & damonlab show --follow results/pull-push/0002";

/// The narrowest and the widest plots.
const WIDTHS: std::ops::RangeInclusive<u16> = 40..=400;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A folder with a recording.json; with --follow, one of a run under way.
    #[arg(value_name = "DIR")]
    recording: PathBuf,
    /// Show these parts only.
    #[arg(long, value_enum, value_name = "PART", value_delimiter = ',')]
    only: Vec<Section>,
    /// Show every row of long tables.
    #[arg(long)]
    all: bool,
    /// The columns of plots [default: those of the terminal].
    #[arg(long, value_name = "COLUMNS", value_parser = clap::value_parser!(u16).range(40..=400))]
    width: Option<u16>,
    /// The characters of plots. auto: braille and blocks, unless the terminal's locale is not UTF-8.
    #[arg(long, value_enum, default_value = "auto", value_name = "auto|unicode|ascii")]
    #[arg(hide_possible_values = true)]
    characters: Characters,
    /// Wait for the end of a run on the real clock, showing what its guest prints, and show its recording then.
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    format: FormatArgs,
}

/// The characters of plots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Characters {
    /// As the terminal can.
    Auto,
    /// Braille and blocks.
    Unicode,
    /// ASCII.
    Ascii,
}

/// How many rows a long table has.
const ROWS: usize = 16;

pub(super) fn show(arguments: &Arguments) -> VerbResult {
    arguments.check()?;
    if arguments.follow {
        follow::follow(&arguments.recording)?;
    }
    let recording = Recording::load(&arguments.recording)?;
    let screen = terminal::screen();
    let width = arguments.width.unwrap_or(screen.width.clamp(*WIDTHS.start(), *WIDTHS.end()));
    let unicode = match arguments.characters {
        Characters::Auto => screen.unicode,
        Characters::Unicode => true,
        Characters::Ascii => false,
    };
    let style = PlotStyle { width, unicode };
    let rows = (!arguments.all).then_some(ROWS);
    let shown = ShowArgs { style, only: arguments.only.clone(), rows };
    output::list_in_colours(&report::show(&recording, &shown), arguments.format)?;
    Ok(0)
}

impl Arguments {
    /// Refuses what has no effect on JSON, which has everything.
    fn check(&self) -> Result<(), CliError> {
        let options = [
            ("--only", !self.only.is_empty()),
            ("--all", self.all),
            ("--width", self.width.is_some()),
            ("--characters", self.characters != Characters::Auto),
        ];
        match options.into_iter().find(|(_, is_given)| *is_given) {
            Some((option, _)) if self.format.is(ListFormat::Json) => {
                let on = "--format json, which always has everything and no plots".to_owned();
                Err(CliError::NoEffect { option, on })
            }
            _ => Ok(()),
        }
    }
}
