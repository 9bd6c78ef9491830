//! The kernel's log and the results of its own tests: reports of bugs, KTAP, and the reports that are known already.

pub mod kernel_log;
pub(crate) mod ktap;
pub(crate) mod splats;
