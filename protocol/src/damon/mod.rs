//! DAMON as its sysfs interface has it (Linux 7.3, `Documentation/admin-guide/mm/damon/usage.rst`).
//!
//! A configuration of [`Kdamond`]s is typed, in the kernel's own units and names. The host fills it from damo's kdamonds
//! format, and [`writes()`] turns it into the ordered sysfs writes that the guest makes. [`DamonProbe`] is how a guest finds out
//! whether the kernel's DAMON has a feature.

mod commands;
mod config;
mod features;
mod keyword;
mod spelling;
mod writes;

pub use commands::is_update;
pub use config::{
    AddrRange, Context, Dest, Filter, FilterKind, FilterLayer, Goal, GoalTuner, Intervals, IntervalsGoal,
    Kdamond, Ops, Pid, Probe, Quota, Range, SampleControl, SampleFilter, Scheme, SchemeAt, SysfsFile, Target,
    Watermarks,
};
pub use features::DamonProbe;
pub(crate) use features::{feature_at, feature_kinds, feature_names, is_unknown_keyword, probe};
pub use features::{file_feature, is_file};
pub use keyword::Keyword;
pub use writes::{
    MODULE, ROOT, Resolve, Unresolved, Write, goal_writes, goals_folder, online_writes, writes,
};
