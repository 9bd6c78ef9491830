//! CXL bring-up: volatile devices become an online, movable NUMA node, by sysfs writes alone.
//!
//! [`tree`] finds devices, decoders and windows, [`region`] assembles a region, [`view`] reads which regions there are.

mod bring_up;
mod region;
mod tree;
mod view;

pub use bring_up::bring_up;
pub use view::{is_below_region, regions};
