//! What the kernel's log and its own tests say: reports of trouble, KTAP, and the bugs that are known already.

pub(in crate::check) mod kdamonds;
pub mod kernel_log;
pub(in crate::check) mod known;
pub(in crate::check) mod ktap;
pub(in crate::check) mod machine;
pub(in crate::check) mod splats;
