//! The formats that results can be printed in. A new one is a file of its own, a line in [`Format`], and a line in
//! [`Format::reporter`].

use super::human::Human;
use super::json::JsonLines;
use super::reporter::{Reporter, Verbosity};
use crate::host::terminal::Lines;
use clap::ValueEnum;
use std::io::Write;

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Human,
    /// For programs: JSON, one object a line.
    Json,
}

impl Format {
    /// Whether its lines may be cut.
    pub fn lines(self) -> Lines {
        match self {
            Format::Human => Lines::Cut,
            Format::Json => Lines::Whole,
        }
    }

    /// A reporter that prints to `out`, which takes the colours away where nobody can see them.
    pub fn reporter(self, out: Box<dyn Write>, verbosity: Verbosity) -> Box<dyn Reporter> {
        match self {
            Format::Human => Box::new(Human::new(out, verbosity)),
            Format::Json => Box::new(JsonLines::new(out)),
        }
    }
}
