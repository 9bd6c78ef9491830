//! What a pass of a scheme must act on, computed from the trace as the kernel computes it.
//!
//! [`passes`] divides the events of a run into passes. [`memory`] has the memory of one pass, with the accesses and ages that
//! the kernel saw. [`priority`] and [`choice`] select from it, and [`charge`] follows the quota from pass to pass.
//! [`part`] compares a pass with that, and [`replay`] does so for all passes of a scheme.

mod charge;
mod choice;
mod memory;
mod part;
mod passes;
pub(crate) mod priority;
mod progress;
pub(crate) mod replay;
