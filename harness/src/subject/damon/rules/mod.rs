//! The families of rules about DAMON, a file each. [`registry::RULES`] lists them.

pub(crate) mod ages;
pub(crate) mod apply;
#[cfg(test)]
pub(crate) mod charge_resume;
pub(crate) mod counters;
pub(crate) mod dumps;
pub(crate) mod filters;
pub(crate) mod goal_stuck_at_zero;
pub(crate) mod goal_sums;
pub(crate) mod goal_vs_pages;
pub(crate) mod goals;
pub(crate) mod migration;
pub(crate) mod once_a_pass;
pub(crate) mod pause;
pub(crate) mod placement;
pub(crate) mod probes;
pub(crate) mod quota;
pub(crate) mod quota_priority;
pub(crate) mod region_count;
pub(crate) mod region_splits;
pub(crate) mod regions;
pub(crate) mod registry;
pub(crate) mod selected;
pub(crate) mod selection;
pub(crate) mod stats;
pub(crate) mod sysfs;
pub(crate) mod tuning;
pub(crate) mod witness;
