//! A kdamond's configuration as sysfs writes, in the order in which the kernel accepts them.
//!
//! `nr_*` files make the folders that later writes go into, so order matters. Files and defaults are
//! those of Linux 7.3 (`mm/damon/sysfs.c`, `mm/damon/sysfs-schemes.c`). Every file is written, also
//! where the value is the kernel's default, so that nothing depends on what was there before; a write
//! of a default is marked, for a kernel that does not have the file.

use super::config::{
    AddrRange, Context, Filter, FilterKind, Goal, IntervalsGoal, Kdamond, Pid, Probe, Quota, Range, Scheme,
    SchemeAt, SysfsFile, Target, Watermarks,
};
use crate::units::{Addr, NodeId};
use std::fmt::Display;

/// The folder that every [`Write::path`] is relative to.
pub const ROOT: &str = "/sys/kernel/mm/damon/admin/kdamonds";

/// What a file's name begins with that is a parameter of a module, `module/NAME/PARAMETER`, and none below [`ROOT`].
pub const MODULE: &str = "module/";

/// One write to one sysfs file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Relative to [`ROOT`], for instance `0/contexts/0/operations`.
    pub path: String,
    /// What is written, without a newline.
    pub value: String,
    /// The value is what a fresh folder of the kernel has anyway: where the kernel does not have the
    /// file, nothing is lost by leaving the write out.
    pub is_default: bool,
    /// EINVAL means that the kernel does not know the value.
    pub is_keyword: bool,
}

/// What only the guest knows.
pub trait Resolve {
    /// The physical ranges of a node, sorted; empty where the node has no memory.
    fn node_ranges(&self, node: NodeId) -> Vec<(Addr, Addr)>;
    /// The pid of a workload.
    fn workload_pid(&self, name: &str) -> Option<i32>;
}

/// A name in the configuration that stands for nothing in this guest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// A node without memory.
    #[error("{0} has no memory")]
    EmptyNode(NodeId),
    /// A filter takes one range; the node has more.
    #[error("{0} has {1} ranges of addresses, and an addr filter takes one")]
    SplitNode(NodeId, usize),
    /// No workload of that name.
    #[error("there is no workload named '{0}'")]
    Workload(String),
}

/// All writes that configure `kdamonds`, from `nr_kdamonds` on, up to but without `state`.
///
/// The ranges of an [`AddrRange::Node`] are divided by the context's `addr_unit`, since that is the
/// unit of addresses in sysfs; those of an [`AddrRange::Fixed`] are written as they are.
pub fn writes(kdamonds: &[Kdamond], resolve: &impl Resolve) -> Result<Vec<Write>, Unresolved> {
    let mut list = List { writes: Vec::new(), resolve, addr_unit: 1 };
    list.put("", "nr_kdamonds", kdamonds.len(), false);
    for (index, kdamond) in kdamonds.iter().enumerate() {
        list.kdamond(&index.to_string(), kdamond)?;
    }
    Ok(list.writes)
}

/// The writes that give a kdamond that runs another configuration: all of them, for making folders anew takes
/// what was in them. `nr_kdamonds` is left out: the kernel does not change it while one runs.
pub fn online_writes(kdamonds: &[Kdamond], resolve: &impl Resolve) -> Result<Vec<Write>, Unresolved> {
    let mut writes = writes(kdamonds, resolve)?;
    writes.retain(|write| write.path != "nr_kdamonds");
    Ok(writes)
}

/// The folder of a scheme's goals, relative to its kdamond's.
pub fn goals_folder(scheme: usize) -> String {
    format!("contexts/0/schemes/{scheme}/quotas/goals/")
}

/// The writes that give one scheme of `kdamonds` its goals, and touch nothing else.
pub fn goal_writes(kdamonds: &[Kdamond], at: SchemeAt) -> Vec<Write> {
    let Some(kdamond) = kdamonds.get(at.kdamond) else { return Vec::new() };
    let Some(scheme) = kdamond.context.schemes.get(at.scheme) else { return Vec::new() };
    let mut list = List { writes: Vec::new(), resolve: &Nothing, addr_unit: 1 };
    list.goals(&format!("{}/contexts/0/schemes/{}/quotas", at.kdamond, at.scheme), &scheme.quota.goals);
    let folder = goals_folder(at.scheme);
    let own: Vec<SysfsFile> =
        kdamond.sysfs.iter().filter(|file| file.path.starts_with(&folder)).cloned().collect();
    list.own_files(&at.kdamond.to_string(), &own);
    list.writes
}

/// For what has no name in it.
struct Nothing;

impl Resolve for Nothing {
    fn node_ranges(&self, _: NodeId) -> Vec<(Addr, Addr)> {
        Vec::new()
    }

    fn workload_pid(&self, _: &str) -> Option<i32> {
        None
    }
}

/// Defaults of `monitoring_attrs` (`damon_sysfs_attrs_add_dirs`).
const SAMPLE_US: u64 = 5_000;
const AGGR_US: u64 = 100_000;
const UPDATE_US: u64 = 60_000_000;
const NR_REGIONS: Range = Range { min: 10, max: 1_000 };

struct List<'a, R: Resolve> {
    writes: Vec<Write>,
    resolve: &'a R,
    /// Of the context that is being written.
    addr_unit: u64,
}

impl<R: Resolve> List<'_, R> {
    fn put(&mut self, folder: &str, file: &str, value: impl Display, is_default: bool) {
        let path = if folder.is_empty() { file.to_owned() } else { format!("{folder}/{file}") };
        self.writes.push(Write { path, value: value.to_string(), is_default, is_keyword: false });
    }

    /// A write whose default is `default`.
    fn set<T: Display + PartialEq>(&mut self, folder: &str, file: &str, value: T, default: T) {
        let is_default = value == default;
        self.put(folder, file, value, is_default);
    }

    /// A boolean whose default is no, as all of DAMON's are.
    fn flag(&mut self, folder: &str, file: &str, value: bool) {
        self.put(folder, file, if value { "Y" } else { "N" }, !value);
    }

    fn kdamond(&mut self, at: &str, kdamond: &Kdamond) -> Result<(), Unresolved> {
        self.set(at, "refresh_ms", kdamond.refresh_ms, 0);
        self.put(at, "contexts/nr_contexts", 1 + kdamond.others.len(), false);
        for (index, context) in std::iter::once(&kdamond.context).chain(&kdamond.others).enumerate() {
            self.context(&format!("{at}/contexts/{index}"), context)?;
        }
        self.own_files(at, &kdamond.sysfs);
        Ok(())
    }

    /// What the scenario names itself comes last: by then every folder is there, and nothing makes one anew.
    fn own_files(&mut self, at: &str, files: &[SysfsFile]) {
        self.writes.extend(files.iter().map(|file| Write {
            path: format!("{at}/{}", file.path),
            value: file.value.clone(),
            is_default: false,
            is_keyword: file.is_keyword,
        }));
    }

    fn context(&mut self, at: &str, context: &Context) -> Result<(), Unresolved> {
        self.addr_unit = context.addr_unit.max(1);
        self.set(at, "operations", context.ops.as_str(), "vaddr");
        self.set(at, "addr_unit", context.addr_unit, 1);
        self.flag(at, "pause", context.pause);
        self.monitoring(&format!("{at}/monitoring_attrs"), context);
        let targets = format!("{at}/targets");
        self.set(&targets, "nr_targets", context.targets.len(), 0);
        for (index, target) in context.targets.iter().enumerate() {
            self.target(&format!("{targets}/{index}"), target)?;
        }
        let schemes = format!("{at}/schemes");
        self.set(&schemes, "nr_schemes", context.schemes.len(), 0);
        for (index, scheme) in context.schemes.iter().enumerate() {
            self.scheme(&format!("{schemes}/{index}"), scheme)?;
        }
        Ok(())
    }

    fn monitoring(&mut self, at: &str, context: &Context) {
        let intervals = format!("{at}/intervals");
        self.set(&intervals, "sample_us", context.intervals.sample_us, SAMPLE_US);
        self.set(&intervals, "aggr_us", context.intervals.aggr_us, AGGR_US);
        self.set(&intervals, "update_us", context.intervals.update_us, UPDATE_US);
        let off = IntervalsGoal { access_bp: 0, aggrs: 0, min_sample_us: 0, max_sample_us: 0 };
        let goal = context.intervals.goal.as_ref().unwrap_or(&off);
        let folder = format!("{intervals}/intervals_goal");
        self.set(&folder, "access_bp", goal.access_bp, 0);
        self.set(&folder, "aggrs", goal.aggrs, 0);
        self.set(&folder, "min_sample_us", goal.min_sample_us, 0);
        self.set(&folder, "max_sample_us", goal.max_sample_us, 0);
        let regions = format!("{at}/nr_regions");
        self.set(&regions, "min", context.nr_regions.min, NR_REGIONS.min);
        self.set(&regions, "max", context.nr_regions.max, NR_REGIONS.max);
        let probes = format!("{at}/probes");
        self.set(&probes, "nr_probes", context.probes.len(), 0);
        for (index, probe) in context.probes.iter().enumerate() {
            self.probe(&format!("{probes}/{index}"), probe);
        }
        if let Some(sample) = &context.sample {
            self.sample_control(&format!("{at}/sample"), sample);
        }
    }

    fn probe(&mut self, at: &str, probe: &Probe) {
        self.set(at, "weight", probe.weight, 0);
        // Files that Linux 7.3 does not have are written where they matter only: their folders are made anew.
        if !probe.preps.is_empty() {
            self.put(at, "preps/nr_preps", probe.preps.len(), false);
        }
        for (index, action) in probe.preps.iter().enumerate() {
            self.put(&format!("{at}/preps/{index}"), "prep_action", action, false);
        }
        let folder = format!("{at}/filters");
        self.set(&folder, "nr_filters", probe.filters.len(), 0);
        for (index, filter) in probe.filters.iter().enumerate() {
            let at = format!("{folder}/{index}");
            self.filter_head(&at, filter);
            match &filter.kind {
                FilterKind::Memcg(path) => self.text(&at, "path", path),
                FilterKind::HugepageSize(range) => self.range(&at, *range),
                _ => {}
            }
        }
    }

    fn target(&mut self, at: &str, target: &Target) -> Result<(), Unresolved> {
        if let Some(pid) = &target.pid {
            let pid = self.pid(pid)?;
            self.put(at, "pid_target", pid, false);
        }
        self.flag(at, "obsolete_target", target.obsolete);
        let mut ranges = Vec::new();
        for region in &target.regions {
            ranges.extend(self.ranges(region)?);
        }
        let folder = format!("{at}/regions");
        self.set(&folder, "nr_regions", ranges.len(), 0);
        for (index, (start, end)) in ranges.into_iter().enumerate() {
            let at = format!("{folder}/{index}");
            self.set(&at, "start", start.0, 0);
            self.set(&at, "end", end.0, 0);
        }
        Ok(())
    }

    fn scheme(&mut self, at: &str, scheme: &Scheme) -> Result<(), Unresolved> {
        self.set(at, "action", scheme.action.as_str(), "stat");
        self.set(at, "target_nid", scheme.target_nid, -1);
        self.set(at, "apply_interval_us", scheme.apply_interval_us, 0);
        self.range(&format!("{at}/access_pattern/sz"), scheme.sz);
        self.range(&format!("{at}/access_pattern/nr_accesses"), scheme.nr_accesses);
        self.range(&format!("{at}/access_pattern/age"), scheme.age);
        self.quota(&format!("{at}/quotas"), &scheme.quota);
        self.watermarks(&format!("{at}/watermarks"), &scheme.watermarks);
        self.filters(&format!("{at}/core_filters"), &scheme.core_filters)?;
        self.filters(&format!("{at}/ops_filters"), &scheme.ops_filters)?;
        self.filters(&format!("{at}/filters"), &scheme.filters)?;
        let dests = format!("{at}/dests");
        self.set(&dests, "nr_dests", scheme.dests.len(), 0);
        for (index, dest) in scheme.dests.iter().enumerate() {
            let at = format!("{dests}/{index}");
            self.set(&at, "id", dest.id, 0);
            self.set(&at, "weight", dest.weight, 0);
        }
        self.set(at, "stats/max_nr_snapshots", scheme.max_nr_snapshots, 0);
        Ok(())
    }

    fn range(&mut self, at: &str, range: Range) {
        self.set(at, "min", range.min, 0);
        self.set(at, "max", range.max, 0);
    }

    fn quota(&mut self, at: &str, quota: &Quota) {
        self.set(at, "ms", quota.ms, 0);
        self.set(at, "bytes", quota.bytes, 0);
        self.set(at, "reset_interval_ms", quota.reset_interval_ms, 0);
        self.set(at, "weights/sz_permil", quota.weight_sz, 0);
        self.set(at, "weights/nr_accesses_permil", quota.weight_nr_accesses, 0);
        self.set(at, "weights/age_permil", quota.weight_age, 0);
        self.set(at, "goal_tuner", quota.goal_tuner.as_str(), "consist");
        self.set(at, "fail_charge_num", quota.fail_charge_num, 0);
        self.set(at, "fail_charge_denom", quota.fail_charge_denom, 0);
        self.goals(at, &quota.goals);
    }

    fn goals(&mut self, at: &str, goals: &[Goal]) {
        let folder = format!("{at}/goals");
        self.set(&folder, "nr_goals", goals.len(), 0);
        for (index, goal) in goals.iter().enumerate() {
            self.goal(&format!("{folder}/{index}"), goal);
        }
    }

    fn goal(&mut self, at: &str, goal: &Goal) {
        self.set(at, "target_metric", goal.metric.as_str(), "user_input");
        if goal.complement {
            self.flag(at, "complement", true);
        }
        self.set(at, "target_value", goal.target_value, 0);
        self.set(at, "current_value", goal.current_value, 0);
        self.set(at, "nid", goal.nid, 0);
        self.text(at, "path", &goal.path);
    }

    fn watermarks(&mut self, at: &str, watermarks: &Watermarks) {
        self.set(at, "metric", watermarks.metric.as_str(), "none");
        self.set(at, "interval_us", watermarks.interval_us, 0);
        self.set(at, "high", watermarks.high, 0);
        self.set(at, "mid", watermarks.mid, 0);
        self.set(at, "low", watermarks.low, 0);
    }

    fn filters(&mut self, folder: &str, filters: &[Filter]) -> Result<(), Unresolved> {
        self.set(folder, "nr_filters", filters.len(), 0);
        for (index, filter) in filters.iter().enumerate() {
            self.filter(&format!("{folder}/{index}"), filter)?;
        }
        Ok(())
    }

    fn filter(&mut self, at: &str, filter: &Filter) -> Result<(), Unresolved> {
        self.filter_head(at, filter);
        match &filter.kind {
            FilterKind::Addr(range) => {
                let (start, end) = self.one_range(range)?;
                self.set(at, "addr_start", start.0, 0);
                self.set(at, "addr_end", end.0, 0);
            }
            FilterKind::Target(index) => self.set(at, "damon_target_idx", *index, 0),
            FilterKind::Memcg(path) => self.text(at, "memcg_path", path),
            FilterKind::HugepageSize(range) | FilterKind::ProbeHitsWsum(range) => self.range(at, *range),
            FilterKind::Anon
            | FilterKind::Active
            | FilterKind::Young
            | FilterKind::Unmapped
            | FilterKind::PgidleSet
            | FilterKind::PgidleUnset
            | FilterKind::Introduced { .. } => {}
        }
        Ok(())
    }

    /// `type` comes first: where the folder does not take the type, the kernel refuses it there.
    fn filter_head(&mut self, at: &str, filter: &Filter) {
        self.set(at, "type", filter.kind.keyword(), "anon");
        self.flag(at, "matching", filter.matching);
        self.flag(at, "allow", filter.allow);
    }

    /// Writing nothing into a text file never reaches the kernel (`sysfs_kf_write`), so an empty text,
    /// which is the default, is left out.
    fn text(&mut self, at: &str, file: &str, value: &str) {
        if !value.is_empty() {
            self.put(at, file, value, false);
        }
    }

    fn pid(&self, pid: &Pid) -> Result<i32, Unresolved> {
        match pid {
            Pid::Number(number) => Ok(*number),
            Pid::Workload(name) => {
                self.resolve.workload_pid(name).ok_or_else(|| Unresolved::Workload(name.clone()))
            }
        }
    }

    fn ranges(&self, range: &AddrRange) -> Result<Vec<(Addr, Addr)>, Unresolved> {
        match range {
            AddrRange::Fixed { start, end } => Ok(vec![(*start, *end)]),
            AddrRange::Node(node) => {
                let ranges = self.resolve.node_ranges(*node);
                if ranges.is_empty() {
                    return Err(Unresolved::EmptyNode(*node));
                }
                let unit = self.addr_unit;
                Ok(ranges
                    .into_iter()
                    .map(|(start, end)| (Addr(start.0 / unit), Addr(end.0 / unit)))
                    .collect())
            }
        }
    }

    fn one_range(&self, range: &AddrRange) -> Result<(Addr, Addr), Unresolved> {
        let ranges = self.ranges(range)?;
        match (range, ranges.as_slice()) {
            (_, [only]) => Ok(*only),
            (AddrRange::Node(node), several) => Err(Unresolved::SplitNode(*node, several.len())),
            (AddrRange::Fixed { start, end }, _) => Ok((*start, *end)),
        }
    }
}

mod sample;
#[cfg(test)]
mod tests;
