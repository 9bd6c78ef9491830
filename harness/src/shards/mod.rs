//! Shards: the K-th of N parts of one `run`, `coverage`, `explore` or `mutants`, stored where it ran and joined again.
//!
//! A shard ends in a [`ShardFile`] below its `--out`: what was requested of the command ([`Call`]), what it reported of each
//! item, and what its last lines depend on ([`Totals`]). [`Joined`] has what the whole command would have reported.

mod call;
mod error;
mod file;
mod joined;
mod totals;

pub use call::{Call, digest, digest_of_files};
pub use error::MergeError;
pub use file::{ShardFile, units};
pub use joined::Joined;
pub use totals::{CoverageTotals, MutantsTotals, RunTotals, Statuses, Totals};
