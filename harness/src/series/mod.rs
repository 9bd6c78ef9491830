//! Patches as users have them (mails, mboxes, maildirs, files, branches), read into a list of diffs in the order in which
//! they are applied. Nothing here knows a kernel: kernel/apply decides whether a diff applies.

mod already;
mod damage;
mod diff;
mod encoded_words;
mod error;
mod fit;
mod gather;
mod mbox;
mod names;
mod order;
mod parse;
mod patch;
mod patch_mail;
mod quilt;
mod range;
mod read;
mod reroll;
mod reverse;
mod subject_line;
mod tree_paths;

#[cfg(test)]
mod tests;

pub use already::has;
pub use damage::{Damage, DamageKind, FETCH_AGAIN};
pub use diff::{Diff, FileDiff, Hunk};
pub use error::SeriesError;
pub use fit::{Fit, Misfit, fit};
pub use patch::{Patch, Series};
pub use read::{of_text, read, read_patches, without_duplicates};
pub use tree_paths::{link_stays_inside, symlink_ancestor};
