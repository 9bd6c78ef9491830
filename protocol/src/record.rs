//! What the guest sends back: named sections, each one file of a recording.
//!
//! Text sections are as the kernel rendered them. Structured ones are JSON: [`GuestReport`] once,
//! [`Sample`] a line each.

use crate::inventory::Inventory;
use crate::kernel_file::FileWrite;
use crate::machine_view::{Difference, MachineView};
use crate::missing_feature::MissingFeature;
pub use crate::race::TaskRecord;
pub use crate::refusal::Refusal;
use crate::units::{Addr, Bytes, Nanos, NodeId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Names of the sections; a recording's file has the same name.
pub mod section {
    /// The instance's `trace` file.
    pub const TRACE: &str = "trace.txt";
    /// [`super::Sample`] a line, JSON.
    pub const SAMPLES: &str = "samples.jsonl";
    /// `/dev/kmsg` from boot to the end: `priority,time-us;message` a line, continuation lines dropped.
    pub const DMESG: &str = "dmesg.txt";
    /// [`super::GuestReport`], JSON.
    pub const REPORT: &str = "guest.json";
    /// The `format` files of every event of the `damon` system, one after the other, sorted by name,
    /// with the `ID:` line left out: ids depend on what else is built in.
    pub const FORMATS: &str = "formats.txt";
    /// The tree under `/sys/kernel/mm/damon` after configuration and before `on`: one path a line, relative
    /// to that folder, sorted by path, with mode (`-rw-------`, `drwxr-xr-x`) in front. Files and folders.
    pub const SYSFS: &str = "sysfs.txt";
    /// The ring buffer's own bytes, and what is needed to read them: blocks, each a line `path length` and so
    /// many bytes. Paths are relative to the tracing instance: `events/header_page`, `events/<system>/<event>/format`
    /// (with `ID:`) of every event that the plan names, `per_cpu/cpu<N>/trace_pipe_raw` in whole sub-buffers.
    pub const RAW: &str = "trace.raw";
    /// KTAP: the output of programs of the host as comments, and how each ended. Empty where none ran.
    pub const TESTS: &str = "tests.txt";
    /// What a kernel with `CONFIG_GCOV_KERNEL` counted, in blocks as in [`RAW`]: the `.gcda` files of debugfs, whose paths
    /// are those of the objects where they were built. Another kernel's guest does not send it.
    pub const GCOV: &str = "gcov.bin";
}

/// The size of a ring buffer's sub-buffer: a page, unless `buffer_subbuf_size_kb` sets another size.
pub const SUB_BUFFER: usize = 4096;

/// So many bytes of a CPU's ring buffer are kept at most in [`section::RAW`].
pub const RAW_LIMIT: usize = 32 << 20;

/// [`section::GCOV`] has so many bytes of counts at most.
pub const GCOV_LIMIT: usize = 16 << 20;

/// How the guest fared.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuestReport {
    /// `uname -r` and `uname -v`.
    pub kernel: String,
    /// When the guest was stopped at its ready point, CLOCK_MONOTONIC; none where the machine cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_point: Option<Nanos>,
    /// Why the guest stopped early, one cause a line; empty when the plan was carried out whole.
    pub errors: Vec<String>,
    /// What the kernel does not have and the plan needs, if that is why.
    #[serde(default, rename = "lack", skip_serializing_if = "Option::is_none")]
    pub missing: Option<MissingFeature>,
    /// What the kernel's DAMON shows of itself, if the plan asks for it and the kernel has DAMON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<Inventory>,
    /// Each node's physical ranges, `start` and one past the end.
    pub node_ranges: BTreeMap<NodeId, Vec<(Addr, Addr)>>,
    /// Each workload's pid.
    pub workload_pids: BTreeMap<String, i32>,
    /// The machine as the kernel shows it once all memory is online.
    pub machine: MachineView,
    /// Where that is not what the plan wants; nothing was started then.
    pub differences: Vec<Difference>,
    /// Events that the plan named and the kernel does not have.
    pub missing_events: Vec<String>,
    /// What the files of the plan's `boot_writes` have once all are written, as in [`StepRecord::read_back`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub boot_files: Vec<FileWrite>,
    /// One entry a step, in order; shorter than the plan's when the guest stopped early.
    pub steps: Vec<StepRecord>,
    /// Loss accounting of the ring buffer, one entry a CPU.
    pub trace_stats: Vec<TraceStats>,
    /// pid of each kdamond while it ran, by index; for matching trace lines.
    pub kdamond_pids: Vec<i32>,
    /// The statistics of each scheme at the end, in the order of the configuration then in force: as they were
    /// brought up to date right before `off`. The kernel answers before it applies schemes, so one more
    /// `damos_stat_after_apply_interval` may come after them.
    pub kdamond_stats: Vec<Vec<SchemeStats>>,
}

/// How one step went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepRecord {
    /// CLOCK_MONOTONIC at its start.
    pub begin: Nanos,
    /// CLOCK_MONOTONIC at its end.
    pub end: Nanos,
    /// The write that the kernel refused.
    pub refused: Option<Refusal>,
    /// When each kdamond had answered a command that changes its configuration, by index: CLOCK_MONOTONIC. The
    /// agent comes first at the CPU then, so this is as good as the moment at which it took effect.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answered: BTreeMap<usize, Nanos>,
    /// What the files that the scenario names itself have after the step, by their first line; one that cannot be read
    /// is left out. Paths are relative to [`crate::damon::ROOT`] or absolute.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read_back: Vec<FileWrite>,
    /// How each of the steps went that were carried out at once, in the plan's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<TaskRecord>,
}

/// `per_cpu/cpuN/stats` of the tracing instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceStats {
    /// The CPU.
    pub cpu: u32,
    /// `entries`.
    pub entries: u64,
    /// `overrun`: the oldest events were overwritten.
    pub overrun: u64,
    /// `commit overrun`.
    pub commit_overrun: u64,
    /// `dropped events`.
    pub dropped: u64,
}

/// The state of memory at one moment of guest time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// CLOCK_MONOTONIC, the clock of the trace's time stamps too (`trace_clock` is `mono`).
    pub time: Nanos,
    /// `nodeN/meminfo`, every field in bytes, by node.
    pub nodes: BTreeMap<NodeId, BTreeMap<String, Bytes>>,
    /// `/proc/vmstat`, the counters that begin with one of the plan's prefixes.
    pub vmstat: BTreeMap<String, u64>,
    /// Where each workload's pages are: `N<node>=<pages>` of its `/proc/PID/numa_maps`, in bytes. Only the
    /// memory of the plan counts, not the process's own code and stack, so the sum is the plan's
    /// size. Empty once the workload has ended.
    pub workloads: BTreeMap<String, BTreeMap<NodeId, Bytes>>,
    /// `stats/*` of every scheme of every kdamond, after `update_schemes_stats`.
    pub schemes: Vec<Vec<SchemeStats>>,
    /// How long each kdamond that runs has had the CPU, to the nanosecond (its process CPU clock); by index. An older
    /// damonlab did not record it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cpu: BTreeMap<usize, Nanos>,
}

/// Which counters of `/proc/vmstat` a sample keeps, unless the scenario names others.
pub const VMSTAT_PREFIXES: &[&str] =
    &["pgmigrate_", "pgpromote_", "pgdemote_", "numa_", "pgfault", "nr_isolated_"];

/// `schemes/<S>/stats` and `quotas/effective_bytes`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemeStats {
    /// `nr_tried`.
    pub nr_tried: u64,
    /// `sz_tried`.
    pub sz_tried: u64,
    /// `nr_applied`.
    pub nr_applied: u64,
    /// `sz_applied`.
    pub sz_applied: u64,
    /// `sz_ops_filter_passed`.
    pub sz_ops_filter_passed: u64,
    /// `qt_exceeds`.
    pub qt_exceeds: u64,
    /// `nr_snapshots`.
    pub nr_snapshots: u64,
    /// `quotas/effective_bytes`.
    pub effective_bytes: u64,
}
