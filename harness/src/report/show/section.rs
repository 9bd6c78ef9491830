//! The parts of what is shown, and what they are made from.

use super::super::plot::PlotStyle;
use crate::recording::Recording;
use crate::subject::{Aggregation, Pass, Series};
use clap::ValueEnum;
use damonlab_protocol::units::Nanos;

/// A part, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Section {
    /// The steps and their times.
    Steps,
    /// Each scheme's configuration and statistics.
    Schemes,
    /// Each goal over the windows, and the effective quotas.
    Goals,
    /// The charge windows one by one.
    Windows,
    /// Where the workloads' memory is.
    Memory,
    /// The accesses by address, and the regions at the end.
    Regions,
}

/// How it is shown.
#[derive(Debug, Clone)]
pub struct ShowArgs {
    /// What the terminal can show.
    pub style: PlotStyle,
    /// The parts; all of them if there are none.
    pub only: Vec<Section>,
    /// How many rows of a long table are shown; none for all.
    pub rows: Option<usize>,
}

/// What the sections are made from.
pub(super) struct Contents<'a> {
    pub(super) recording: &'a Recording,
    pub(super) series: Vec<Series>,
    pub(super) aggregations: Vec<Aggregation>,
    pub(super) passes: Vec<Pass>,
}

impl Contents<'_> {
    /// The seconds of guest time from the first step to the end of the last, which all plots share.
    pub(super) fn range(&self) -> (f64, f64) {
        let steps = &self.recording.report.steps;
        let times = self.series.iter().flat_map(|one| [one.points.first(), one.points.last()]);
        let times: Vec<Nanos> = times.flatten().map(|point| point.time).collect();
        let begin = steps.first().map(|step| step.begin).or(times.iter().min().copied());
        let end = steps.last().map(|step| step.end).or(times.iter().max().copied());
        let seconds = |time: Option<Nanos>| time.map_or(0.0, |time| time.0 as f64 / 1e9);
        (seconds(begin), seconds(end))
    }
}
