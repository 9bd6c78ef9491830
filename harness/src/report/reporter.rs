//! What every format is: something that prints events.

use super::event::{Event, Listing};
use std::io;

/// Prints events in one format.
pub trait Reporter {
    /// Prints what has happened, at once.
    ///
    /// # Errors
    /// The output cannot be written.
    fn event(&mut self, event: &Event<'_>) -> io::Result<()>;

    /// Prints a result without items.
    ///
    /// # Errors
    /// The output cannot be written, or the format has no listings.
    fn listing(&mut self, listing: &Listing) -> io::Result<()> {
        let why = format!("this format is for results of runs; `damonlab {}` has none", listing.command);
        Err(io::Error::new(io::ErrorKind::Unsupported, why))
    }
}

/// How much is printed for people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Verbosity {
    /// Failures and the last line.
    Quiet,
    /// A line for what passes, and the whole story of what does not.
    #[default]
    Normal,
    /// Everything of everything.
    Verbose,
}
