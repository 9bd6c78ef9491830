//! What a pass of a scheme must act on, computed from the trace as the kernel computes it.
//!
//! [`passes`] divides the events of a run into passes. [`memory`] has the memory of one pass, with the accesses and ages that
//! the kernel saw. [`priority`] and [`choice`] select from it, and [`charge`] follows the quota from pass to pass.
//! [`replay`] puts them together for one scheme.

mod charge;
mod choice;
mod memory;
mod passes;
pub(crate) mod priority;
pub(crate) mod replay;
