//! DAMON in the guest: configured, turned on, changed while it runs, asked for statistics, turned off.
//!
//! The agent reaches it through [`Damon`], through the steps that are about it, and through what is listed here.

mod configure;
mod features;
mod in_force;
mod inventory;
mod kdamonds;
mod listings;
mod race;
mod read_back;
mod stats;
mod steps;

pub use features::{Scratch, has};
pub use in_force::Damon;
pub use inventory::inventory;
pub use kdamonds::turn_off_all;
pub use listings::formats;
pub use race::attempt;
