//! Checkpoints: guests that were booted once and saved at their ready point, to be started from there.
//!
//! A folder each, named by everything that went in ([`key`]). It is made whole under another name and then
//! renamed; before each use its files are compared with their digests, and what does not fit is made anew.
//! A lock a key: whoever makes one holds it alone, whoever starts from one shares it, so nobody makes the
//! same one twice and nobody's is taken away while QEMU reads it.

mod argv;
mod digest;
mod evict;
mod files;
pub(super) mod key;
mod making;
mod store;

#[cfg(test)]
mod tests;

pub use evict::{Listed, limit, list};
pub(super) use making::Making;
pub use store::Store;
pub(super) use store::{Checkpoint, Found};
