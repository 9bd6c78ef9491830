//! A plot: its title, and lines or a heat map.

use damonlab_protocol::units::Nanos;
use serde::Serialize;
use std::ops::Range;

/// A value at a moment of guest time.
pub type Point = (Nanos, f64);

/// One drawing.
#[derive(Debug, Clone, PartialEq)]
pub struct Plot {
    /// Where it belongs.
    pub section: Section,
    /// What is drawn, for instance `kdamond 0, scheme 1: share of node 1`.
    pub title: String,
    /// How to read it, in a sentence.
    pub about: String,
    /// Numbers that the drawing comes to, each with its name.
    pub facts: Vec<(&'static str, String)>,
    /// The drawing.
    pub content: Content,
}

/// What a plot is about; the order is that of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Section {
    /// Whether the goals were reached.
    Goals,
    /// What the schemes were allowed to do, and did.
    Quotas,
    /// Where the memory was, and what moved it.
    Placement,
    /// What DAMON saw.
    Accesses,
    /// The counters of the schemes.
    Schemes,
    /// What it cost.
    Cost,
    /// The memory of the nodes.
    Memory,
    /// The kernel's counters.
    Counters,
}

impl Section {
    /// Its heading.
    pub fn heading(self) -> &'static str {
        match self {
            Section::Goals => "Goals",
            Section::Quotas => "Quotas and charges",
            Section::Placement => "Placement and migration",
            Section::Accesses => "Accesses that DAMON saw",
            Section::Schemes => "Scheme statistics",
            Section::Cost => "Cost of kdamond",
            Section::Memory => "Memory of the nodes",
            Section::Counters => "Counters of /proc/vmstat",
        }
    }
}

/// What a plot shows.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Values over time.
    Lines(Lines),
    /// Addresses over time.
    Heat(HeatMap),
}

/// Values over time, on one axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Lines {
    /// The unit of all of them.
    pub unit: Unit,
    /// In the order of the legend.
    pub series: Vec<Series>,
    /// Values that do not change, such as a target.
    pub levels: Vec<Level>,
}

/// The unit of a value axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// 1/10000.
    BasisPoints,
    /// Bytes.
    Bytes,
    /// A number of things.
    Count,
    /// Instructions of the guest's processor.
    Instructions,
    /// Nanoseconds of a processor.
    Nanoseconds,
}

/// One line of a plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What it is called.
    pub name: String,
    /// How its points are joined.
    pub shape: Shape,
    /// In the order of time.
    pub points: Vec<Point>,
}

/// How the points of a line are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// A value lasts until the next one.
    Steps,
    /// As [`Shape::Steps`], with what is below them filled.
    Area,
    /// Straight lines: the value changes in between.
    Line,
    /// As [`Shape::Line`], and it is what the plot is about.
    Mean,
}

/// A value that does not change.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// What it is called.
    pub name: String,
    /// The value.
    pub value: f64,
    /// How far from it counts as near; none if that has no meaning.
    pub near: Option<f64>,
}

/// Addresses over time.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatMap {
    /// The stretches of addresses, one above the other, the lowest first. What lies between them is left out.
    pub stretches: Vec<Stretch>,
    /// The time of the first column's beginning and of the last one's end.
    pub time: Span,
    /// How many columns there are.
    pub columns: usize,
    /// How many rows there are.
    pub rows: usize,
    /// The highest value of each cell, column by column from the lowest address on; none where nothing was seen.
    pub cells: Vec<Option<u32>>,
    /// What a cell counts.
    pub counts: &'static str,
}

/// One stretch of addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Its first address.
    pub start: u64,
    /// One past its last address.
    pub end: u64,
    /// What lies there, if that is known.
    pub name: Option<String>,
    /// The rows of the map that show it.
    pub rows: Range<usize>,
    /// Nothing was ever counted there, so that it has fewer rows than its size would give it.
    pub is_cold: bool,
}

/// A stretch of guest time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its beginning.
    pub begin: Nanos,
    /// Its end.
    pub end: Nanos,
}

/// A step of a scenario, to be marked on plots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it is called.
    pub name: String,
    /// When it was carried out.
    pub span: Span,
}

impl Series {
    /// One without points yet.
    pub fn new(name: impl Into<String>, shape: Shape) -> Series {
        Series { name: name.into(), shape, points: Vec::new() }
    }
}

impl Plot {
    /// A plot of lines without numbers beside it.
    pub fn lines(section: Section, title: impl Into<String>, about: impl Into<String>, lines: Lines) -> Plot {
        let (title, about) = (title.into(), about.into());
        Plot { section, title, about, facts: Vec::new(), content: Content::Lines(lines) }
    }

    /// Whether nothing is in it that could be drawn.
    pub fn is_empty(&self) -> bool {
        match &self.content {
            Content::Lines(lines) => lines.series.iter().all(|series| series.points.is_empty()),
            Content::Heat(heat) => heat.cells.iter().all(Option::is_none),
        }
    }

    /// How many points its lines have.
    pub fn points(&self) -> usize {
        match &self.content {
            Content::Lines(lines) => lines.series.iter().map(|series| series.points.len()).sum(),
            Content::Heat(_) => 0,
        }
    }
}
