//! What the kernel's log and its own tests say: reports of trouble, KTAP, and the bugs that are known already.

pub mod kernel_log;
pub(crate) mod ktap;
pub(crate) mod splats;
