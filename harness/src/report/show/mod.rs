//! A recording as tables and plots in the terminal, one file a section.
//!
//! For programs `show` has `recording`, `scenario`, `seed`, `kernel`, `clock`, `events`, `guest_seconds`, `steps`, `schemes`,
//! `measures`, `series` (`kind`, `name`, `unit`, `points` of seconds and value, `target`), `passes` and `targets` (the regions of the
//! last aggregation).

mod data;
mod goals;
mod listing;
mod memory;
mod regions;
mod schemes;
mod section;
mod steps;

pub use listing::show;
pub use section::{Section, ShowArgs};
