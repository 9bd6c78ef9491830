//! A configuration of DAMON, in the kernel's own units and names.

use super::keyword::Keyword;
use crate::units::{Addr, NodeId};
use serde::{Deserialize, Serialize};

/// `kdamonds/<K>`: one kernel thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kdamond {
    /// `refresh_ms`: 0 is off.
    pub refresh_ms: u32,
    /// `contexts/0`.
    pub context: Context,
    /// `contexts/1` and so on. Linux 7.3 refuses a second context (`nr_contexts_store`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Context>,
    /// Files that the scenario names itself, in the order in which they are written: after all others of the kdamond.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sysfs: Vec<SysfsFile>,
}

/// A file below a kdamond's folder, and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SysfsFile {
    /// Relative to the kdamond's folder, for instance `contexts/0/schemes/0/core_filters/0/nid`.
    pub path: String,
    /// What is written, without a newline.
    pub value: String,
    /// The value is a keyword that the scenario introduces: a kernel that answers EINVAL does not know it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_keyword: bool,
}

/// `contexts/<C>`: what is monitored, how, and which schemes act on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// `operations`.
    pub ops: Keyword<Ops>,
    /// `addr_unit`, paddr only; 1 is the kernel's default.
    pub addr_unit: u64,
    /// `pause`.
    pub pause: bool,
    /// `monitoring_attrs/intervals`.
    pub intervals: Intervals,
    /// `monitoring_attrs/nr_regions`.
    pub nr_regions: Range,
    /// `monitoring_attrs/probes`.
    pub probes: Vec<Probe>,
    /// `monitoring_attrs/sample`; absent leaves the kernel's own choice. Linux 7.3 does not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<SampleControl>,
    /// `targets`.
    pub targets: Vec<Target>,
    /// `schemes`.
    pub schemes: Vec<Scheme>,
}

/// The monitoring operations set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ops {
    /// Virtual address spaces of processes.
    Vaddr,
    /// Fixed ranges of a virtual address space.
    Fvaddr,
    /// The physical address space.
    Paddr,
}

/// `monitoring_attrs/intervals`, in microseconds as in sysfs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intervals {
    /// `sample_us`.
    pub sample_us: u64,
    /// `aggr_us`.
    pub aggr_us: u64,
    /// `update_us`.
    pub update_us: u64,
    /// `intervals_goal`; absent leaves the auto-tuning off.
    pub goal: Option<IntervalsGoal>,
}

/// `monitoring_attrs/intervals/intervals_goal`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntervalsGoal {
    /// `access_bp`.
    pub access_bp: u64,
    /// `aggrs`: 0 is off.
    pub aggrs: u64,
    /// `min_sample_us`.
    pub min_sample_us: u64,
    /// `max_sample_us`.
    pub max_sample_us: u64,
}

/// A closed range, `min` and `max` in one sysfs folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The smallest value that is in.
    pub min: u64,
    /// The largest value that is in.
    pub max: u64,
}

/// `monitoring_attrs/sample`: how accesses are noticed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleControl {
    /// `primitives/page_table`.
    pub page_table: bool,
    /// `primitives/page_fault`.
    pub page_fault: bool,
    /// `filters`.
    pub filters: Vec<SampleFilter>,
}

/// `monitoring_attrs/sample/filters/<F>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleFilter {
    /// `type`, the kernel's keyword (`cpumask`, `threads`, `write`).
    pub kind: String,
    /// `matching`.
    pub matching: bool,
    /// `allow`.
    pub allow: bool,
    /// `cpumask`; empty for another type.
    pub cpumask: String,
    /// `tid_arr`; empty for another type.
    pub tid_arr: String,
}

/// `probes/<P>`: a data attribute to count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// `preps/<N>/prep_action`: what is done to a page before its attribute is read. Linux 7.3 does not have it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preps: Vec<String>,
    /// `weight`.
    pub weight: u32,
    /// `filters`; Linux 7.3 accepts `anon` and `memcg`.
    pub filters: Vec<Filter>,
}

/// `targets/<T>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// `pid_target`; absent for paddr.
    pub pid: Option<Pid>,
    /// `obsolete_target`.
    pub obsolete: bool,
    /// `regions`, sorted and disjoint, or the kernel refuses them.
    pub regions: Vec<AddrRange>,
}

/// The process that a virtual address target watches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Pid {
    /// A workload of the plan, by name.
    Workload(String),
    /// A number, as it is.
    Number(i32),
}

/// A range of addresses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AddrRange {
    /// Every physical range of a node; the guest finds them. One entry may become several regions.
    Node(NodeId),
    /// `start` up to but without `end`.
    Fixed {
        /// The first address.
        start: Addr,
        /// One past the last address.
        end: Addr,
    },
}

/// `schemes/<S>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheme {
    /// `action`, the kernel's keyword (`migrate_hot`, `stat`, ...).
    pub action: String,
    /// `target_nid`: -1 is the kernel's default and migrates nothing.
    pub target_nid: i32,
    /// `apply_interval_us`: 0 stands for the aggregation interval.
    pub apply_interval_us: u64,
    /// `access_pattern/sz`, in bytes.
    pub sz: Range,
    /// `access_pattern/nr_accesses`, in samples per aggregation.
    pub nr_accesses: Range,
    /// `access_pattern/age`, in aggregations.
    pub age: Range,
    /// `quotas`.
    pub quota: Quota,
    /// `watermarks`.
    pub watermarks: Watermarks,
    /// `core_filters`.
    pub core_filters: Vec<Filter>,
    /// `ops_filters`.
    pub ops_filters: Vec<Filter>,
    /// `filters`: the deprecated folder that takes both kinds.
    pub filters: Vec<Filter>,
    /// `dests`; only vaddr and fvaddr read them.
    pub dests: Vec<Dest>,
    /// `stats/max_nr_snapshots`: 0 is no limit.
    pub max_nr_snapshots: u64,
}

/// `quotas`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// `ms`: 0 is no limit.
    pub ms: u64,
    /// `bytes`: 0 is no limit.
    pub bytes: u64,
    /// `reset_interval_ms`.
    pub reset_interval_ms: u64,
    /// `goal_tuner`.
    pub goal_tuner: Keyword<GoalTuner>,
    /// `goals`.
    pub goals: Vec<Goal>,
    /// `weights/sz_permil`.
    pub weight_sz: u32,
    /// `weights/nr_accesses_permil`.
    pub weight_nr_accesses: u32,
    /// `weights/age_permil`.
    pub weight_age: u32,
    /// `fail_charge_num`.
    pub fail_charge_num: u32,
    /// `fail_charge_denom`: 0 charges failed regions in full.
    pub fail_charge_denom: u32,
}

/// `quotas/goal_tuner`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GoalTuner {
    /// A feedback loop that grows and shrinks the quota (`damos_goal_tune_esz_bp_consist`).
    Consist,
    /// All or nothing (`damos_goal_tune_esz_bp_temporal`).
    Temporal,
}

/// `quotas/goals/<G>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// `target_metric`, the kernel's keyword (`node_eligible_mem_bp`, ...).
    pub metric: String,
    /// `complement`: the metric is what is left of the whole. Linux 7.3 does not have it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub complement: bool,
    /// `target_value`. The kernel skips a goal of 0 silently.
    pub target_value: u64,
    /// `current_value`, for `user_input`.
    pub current_value: u64,
    /// `nid`.
    pub nid: i32,
    /// `path`, of a memory cgroup.
    pub path: String,
}

/// `watermarks`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watermarks {
    /// `metric`: `none` or `free_mem_rate`.
    pub metric: String,
    /// `interval_us`.
    pub interval_us: u64,
    /// `high`, permil.
    pub high: u64,
    /// `mid`, permil.
    pub mid: u64,
    /// `low`, permil.
    pub low: u64,
}

/// One filter of any of the three folders, or of a probe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// What is looked at, with its argument.
    pub kind: FilterKind,
    /// `matching`: whether it is about memory that matches, or that does not.
    pub matching: bool,
    /// `allow`: whether that memory is let in, or left out.
    pub allow: bool,
}

/// `type` and the files that belong to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FilterKind {
    /// `addr` with `addr_start` and `addr_end`. A node must have one range only.
    Addr(AddrRange),
    /// `target` with `damon_target_idx`.
    Target(u32),
    /// `anon`.
    Anon,
    /// `active`.
    Active,
    /// `young`.
    Young,
    /// `unmapped`.
    Unmapped,
    /// `memcg` with `memcg_path` (`path` in a probe).
    Memcg(String),
    /// `hugepage_size` with `min` and `max`, in bytes.
    HugepageSize(Range),
    /// `probe_hits_wsum` with `min` and `max`: the weighted sum of a region's probe hits. Not in Linux 7.3.
    ProbeHitsWsum(Range),
    /// `pgidle_set` of a probe. Not in Linux 7.3.
    PgidleSet,
    /// `pgidle_unset` of a probe. Not in Linux 7.3.
    PgidleUnset,
    /// A type that the scenario introduces; what it reads besides `matching` and `allow` is in [`Kdamond::sysfs`].
    Introduced {
        /// The keyword.
        name: String,
        /// Who evaluates it.
        layer: FilterLayer,
    },
}

/// What evaluates a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FilterLayer {
    /// DAMON's core, before the action is tried.
    Core,
    /// The operations set, page by page.
    Ops,
    /// A probe.
    Probe,
}

/// `dests/<D>`: one destination node of a migration and its share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dest {
    /// `id`: a node id.
    pub id: u32,
    /// `weight`.
    pub weight: u32,
}

/// A scheme of a kdamond, both counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemeAt {
    /// The kdamond.
    pub kdamond: usize,
    /// The scheme.
    pub scheme: usize,
}
