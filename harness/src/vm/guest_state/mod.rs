//! The state of a guest that hangs, taken before it is ended: what its CPUs ran in the last guest milliseconds, their
//! stacks, and what the kernel itself says about its tasks.
//!
//! [`take()`] asks QEMU and the guest's kernel, within seconds, and makes a page of text. It explains a run, and judges
//! nothing.

mod activity;
mod memory;
mod page;
mod registers;
mod stack;
mod state;
mod symbols;
mod sysrq;
mod take;
mod task_dump;

pub(super) use state::Taken;
pub(super) use take::{Hung, discard, take};
