//! Checkpoints: guests that were booted once and saved at their ready point, from which later runs start.
//!
//! Each is a folder, named by a digest of all inputs (`key.rs`). It is completed under another name and then renamed. Before
//! each use its files are compared with their digests, and a damaged checkpoint is made anew. Each key has a lock: to make
//! a checkpoint takes it exclusively, to start from one shares it. So no checkpoint is made twice, and none is removed
//! while QEMU reads it.

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
pub(super) use store::{Checkpoint, Lookup};
