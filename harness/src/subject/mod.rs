//! The parts of the kernel that damonlab knows, a folder each. What stands below knows none of them.

pub mod damon;
