//! DAMON as its sysfs interface has it (Linux 7.3, `Documentation/admin-guide/mm/damon/usage.rst`).
//!
//! [`config`] is a configuration, typed, in the kernel's own units and names; [`writes`](mod@writes) turns one into an
//! ordered list of sysfs writes; [`features`] names what not every kernel's DAMON has. The host fills a configuration
//! from damo's kdamonds format, the guest writes it.

mod config;
mod features;
mod writes;

pub use config::{
    AddrRange, Context, Dest, Filter, FilterKind, Goal, GoalTuner, Intervals, IntervalsGoal, Kdamond, Ops,
    Pid, Probe, Quota, Range, Scheme, SchemeAt, Target, Watermarks,
};
pub use features::DamonProbe;
pub(crate) use features::{feature_at, feature_kinds, feature_names, probe, takes_keyword};
pub use writes::{MODULE, ROOT, Resolve, Unresolved, Write, goal_writes, online_writes, writes};
