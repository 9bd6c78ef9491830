//! What damonlab tests. DAMON is the first subject; what stands below this folder knows none.

pub mod damon;
