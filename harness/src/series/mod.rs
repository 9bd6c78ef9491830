//! Patches as people have them, mails, mboxes, maildirs, files and branches, read into a list of diffs in the order in
//! which they are applied. Nothing in here knows a kernel: whether a diff fits is another's question.

mod damage;
mod diff;
mod error;
mod fit;
mod gather;
mod letter;
mod mbox;
mod names;
mod order;
mod parse;
mod patch;
mod range;
mod reach;
mod read;
mod tag;

#[cfg(test)]
mod tests;

pub use damage::{Damage, GET_IT_WHOLE, Harm};
pub use diff::{Diff, FileDiff, Hunk};
pub use error::SeriesError;
pub use fit::{Fit, Misfit, fit};
pub use patch::{Patch, Series};
pub use reach::{link_on_the_way, link_stays};
pub use read::{read, read_patches, without_doubles};
