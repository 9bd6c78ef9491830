//! The formats that results can be printed in. A new one is a file of its own, a line in [`Format`], and a line in
//! [`Format::reporter`].

use super::document::Document;
use super::github::Github;
use super::human::Human;
use super::json::JsonLines;
use super::reporter::{Reporter, Verbosity};
use super::{junit, ktap, mail, markdown, page};
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
    /// JUnit XML, in the end.
    Junit,
    /// KTAP, in the end.
    Ktap,
    /// Markdown, in the end.
    Markdown,
    /// A page for a browser with plots, in the end.
    Html,
    /// Plain text for a cover letter or a reply, in the end.
    Mail,
    /// For people, with annotations and a job summary on GitHub.
    Github,
}

/// A format of what has no items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For people.
    Human,
    /// For programs: JSON, one object a line.
    Json,
}

impl From<ListFormat> for Format {
    fn from(format: ListFormat) -> Format {
        match format {
            ListFormat::Human => Format::Human,
            ListFormat::Json => Format::Json,
        }
    }
}

impl Format {
    /// Whether its lines may be cut.
    pub fn lines(self) -> Lines {
        match self {
            Format::Human => Lines::Cut,
            Format::Json | Format::Junit | Format::Ktap | Format::Markdown | Format::Html | Format::Mail => {
                Lines::Whole
            }
            Format::Github => Lines::Commands,
        }
    }

    /// Whether it is for people, who choose how much of it they see.
    pub fn is_for_people(self) -> bool {
        matches!(self, Format::Human | Format::Github)
    }

    /// A reporter that prints to `out`, which takes the colours away where nobody can see them.
    pub fn reporter(self, out: Box<dyn Write>, verbosity: Verbosity) -> Box<dyn Reporter> {
        match self {
            Format::Human => Box::new(Human::new(out, verbosity)),
            Format::Json => Box::new(JsonLines::new(out)),
            Format::Junit => Box::new(Document::new(junit::render, out)),
            Format::Ktap => Box::new(Document::new(ktap::render, out)),
            Format::Markdown => Box::new(Document::new(markdown::render, out)),
            Format::Html => Box::new(Document::with_data(page::render, out)),
            Format::Mail => Box::new(Document::with_data(mail::render, out)),
            Format::Github => Box::new(Github::new(out, verbosity)),
        }
    }
}
