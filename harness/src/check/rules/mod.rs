//! The families of invariants, a file each: pure functions from a recording's view to an outcome. Their ids, in order,
//! are in the table above.

pub(in crate::check) mod ages;
pub(in crate::check) mod apply;
pub(in crate::check) mod charge_resume;
pub(in crate::check) mod counters;
pub(in crate::check) mod dumps;
pub(in crate::check) mod filters;
pub(in crate::check) mod goal_stuck_at_zero;
pub(in crate::check) mod goal_sums;
pub(in crate::check) mod goal_vs_pages;
pub(in crate::check) mod goals;
pub(in crate::check) mod health;
pub(in crate::check) mod migration;
pub(in crate::check) mod pause;
pub(in crate::check) mod placement;
pub(in crate::check) mod probes;
pub(in crate::check) mod quota;
pub(in crate::check) mod region_count;
pub(in crate::check) mod regions;
pub(in crate::check) mod stats;
pub(in crate::check) mod sysfs;
pub(in crate::check) mod text;
pub(in crate::check) mod tuning;
