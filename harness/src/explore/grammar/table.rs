//! What is drawn how often, and out of which values. Data only.

use super::part::Part;

/// A named machine, as the generator sees it.
pub(super) struct Named {
    pub(super) name: &'static str,
    pub(super) nodes: &'static [NodeTraits],
}

/// A node of a machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct NodeTraits {
    /// Its memory in MiB; 0 is none.
    pub(super) mib: u64,
    /// It can go offline.
    pub(super) removable: bool,
    /// QEMU may emulate each access to it, so little memory of workloads is on it.
    pub(super) emulated: bool,
    /// It lies on both sides of the hole below 4 GiB.
    pub(super) split: bool,
}

const fn dram(mib: u64) -> NodeTraits {
    NodeTraits { mib, removable: false, emulated: false, split: false }
}

const fn removable(mib: u64) -> NodeTraits {
    NodeTraits { mib, removable: true, emulated: false, split: false }
}

const fn cxl(mib: u64) -> NodeTraits {
    NodeTraits { mib, removable: true, emulated: true, split: false }
}

const fn split(mib: u64) -> NodeTraits {
    NodeTraits { mib, removable: false, emulated: false, split: true }
}

const fn named(name: &'static str, nodes: &'static [NodeTraits]) -> Option<Named> {
    Some(Named { name, nodes })
}

/// The machines by name; none is a generated one. CXL memory is slow to emulate, so it is rare.
pub(super) const MACHINES: &[(u32, Option<Named>)] = &[
    (28, named("dram-slow", &[dram(512), dram(512)])),
    (24, named("dram2", &[dram(512), dram(512)])),
    (12, named("soft-reserved", &[dram(512), removable(512)])),
    (8, named("three-tier", &[dram(512), split(256), dram(256)])),
    (6, named("memoryless", &[dram(0), dram(512), dram(256)])),
    (2, named("cxl1", &[dram(512), cxl(256)])),
    (1, named("cxl2", &[dram(512), cxl(256), cxl(256)])),
    (1, named("cxl-qos", &[dram(512), cxl(256)])),
    (1, named("cxl-interleave", &[dram(512), cxl(512), cxl(512)])),
    (17, None),
];

/// So many neighbouring scenarios share a generated machine, so that it boots once and not for each of them.
pub(super) const SCENARIOS_OF_A_MACHINE: u64 = 40;

/// The blocks of 128 MiB of a generated machine's node.
pub(super) const BLOCKS: &[(u32, u64)] = &[(2, 1), (4, 2), (2, 3), (4, 4)];

/// The latency in ns and the bandwidth in MiB/s of a generated node, seen from the CPU.
pub(super) const SPEEDS: &[(u64, u64)] =
    &[(120, 10_240), (150, 8_192), (250, 10_240), (300, 5_120), (1_000, 1_024), (2_999, 1), (121, 65_534)];

/// Chances in percent of the parts that a scenario may have or not.
pub(super) const CHANCES: &[(Part, u32)] = &[
    (Part::Workload, 85),
    (Part::Memcg, 12),
    (Part::Huge, 10),
    (Part::Swap, 25),
    (Part::Kdamond, 22),
    (Part::Vaddr, 20),
    (Part::Intervals, 10),
    (Part::Regions, 40),
    (Part::Probe, 15),
    (Part::Scheme, 92),
    (Part::Quota, 60),
    (Part::Goal, 45),
    (Part::Weights, 30),
    (Part::Filter, 35),
    (Part::Watermarks, 8),
    (Part::Migrate, 45),
    (Part::Commit, 30),
    (Part::Retarget, 12),
    (Part::Pause, 8),
    (Part::Restart, 8),
    (Part::Hotplug, 50),
    (Part::Refused, 12),
    (Part::Module, 4),
    (Part::Phase, 25),
    (Part::Race, 15),
    (Part::Tiering, 15),
    (Part::Witness, 22),
    (Part::Snapshots, 7),
    (Part::FullNode, 5),
    (Part::AbsentNode, 8),
    (Part::Command, 10),
    (Part::Invalid, 6),
];

/// The sizes of workloads in KiB.
pub(super) const WORKLOADS: &[(u32, u64)] =
    &[(1, 4), (1, 8), (1, 1_020), (2, 2_048), (3, 4_096), (2, 6_144), (4, 8_192), (1, 12_284), (3, 16_384)];

/// The size of a large workload of huge pages in KiB: some passes over it exceed 32 bits.
pub(super) const LARGE: u64 = 128 << 10;

/// How often workloads touch their memory, in ms.
pub(super) const TOUCHES: &[u64] = &[5, 10, 15, 20, 40, 40, 100, 250];

/// So many pages a workload touches in a ms at most, so that the guest has time left.
pub(super) const PAGES_A_MS: u64 = 100;

/// Sampling intervals in us.
pub(super) const SAMPLES: &[(u32, u64)] = &[(3, 5_000), (5, 10_000), (3, 20_000), (1, 7_001), (1, 2_000)];

/// Aggregation intervals in samples.
pub(super) const AGGREGATIONS: &[(u32, u64)] = &[(1, 1), (1, 2), (3, 5), (4, 10), (6, 20), (1, 7)];

/// `nr_regions`; some have more than half of the maximum at least.
pub(super) const REGIONS: &[(u64, u64)] = &[
    (3, 3),
    (3, 10),
    (3, 100),
    (10, 100),
    (10, 200),
    (10, 400),
    (20, 50),
    (100, 101),
    (50, 300),
    (30, 50),
    (60, 100),
    (20, 30),
];

/// Sizes of quotas in bytes: nothing, a page, one less and more than others, as good as all.
pub(super) const QUOTAS: &[(u32, u64)] = &[
    (1, 0),
    (1, 1),
    (2, 4_096),
    (1, 4_097),
    (1, 65_535),
    (3, 262_144),
    (5, 1 << 20),
    (1, (1 << 20) - 1),
    (3, 4 << 20),
    (2, 8 << 20),
    (1, 1 << 30),
    (1, u64::MAX),
];

/// The least quota of a scheme with core filters, but for one in [`SMALL_QUOTA_BEHIND_A_FILTER`]: the kernel splits a
/// region at what is left of a quota before a filter rejects it, so a quota of a page takes minutes
/// (docs/explore.md).
pub(super) const QUOTA_BEHIND_A_FILTER: u64 = 1 << 20;

/// One scheme in so many keeps its small quota.
pub(super) const SMALL_QUOTA_BEHIND_A_FILTER: u64 = 50;

/// Reset intervals of quotas in ms.
pub(super) const RESETS: &[(u32, u64)] = &[(1, 0), (1, 1), (2, 50), (4, 100), (4, 200), (3, 400), (1, 1_000)];

/// Targets of goals that are shares, in basis points.
pub(super) const SHARES: &[u64] = &[1, 100, 1_000, 3_000, 5_000, 7_000, 9_000, 9_999, 10_000];

/// Metrics of goals by what they read. The first is DAMON's own and needs paddr.
pub(super) const METRICS: &[(u32, &str)] = &[
    (6, "node_eligible_mem_bp"),
    (2, "node_mem_used_bp"),
    (2, "node_mem_free_bp"),
    (2, "node_memcg_used_bp"),
    (1, "node_memcg_free_bp"),
    (1, "active_mem_bp"),
    (1, "inactive_mem_bp"),
    (1, "some_mem_psi_us"),
    (2, "user_input"),
];

/// In so many of 100 schemes all filters are in the deprecated folder.
pub(super) const DEPRECATED_FILTERS: u32 = 8;

/// Actions of paddr that do not migrate.
pub(super) const PADDR_ACTIONS: &[(u32, &str)] =
    &[(4, "stat"), (3, "pageout"), (2, "lru_prio"), (2, "lru_deprio")];

/// Actions of virtual addresses that do not migrate.
pub(super) const VADDR_ACTIONS: &[(u32, &str)] = &[
    (4, "stat"),
    (2, "pageout"),
    (1, "willneed"),
    (1, "cold"),
    (1, "hugepage"),
    (1, "nohugepage"),
    (1, "collapse"),
];

/// Sampling intervals in us and aggregations in samples with which all hot memory is seen.
pub(super) const TIERING_INTERVALS: &[(u64, u64)] = &[(5_000, 20), (10_000, 20), (10_000, 10), (20_000, 10)];

/// `nr_regions` that show where hot memory is.
pub(super) const TIERING_REGIONS: &[(u64, u64)] = &[(10, 100), (10, 200), (10, 300), (20, 400), (100, 300)];

/// Shares of the first of two nodes, in basis points.
pub(super) const TIERING_SHARES: &[u64] = &[1_000, 3_000, 5_000, 7_000, 9_000, 10_000];

/// Sizes of hot workloads in MiB.
pub(super) const TIERING_WORKLOADS: &[(u32, u64)] = &[(2, 4), (4, 8), (3, 16)];

/// Sizes of cold workloads beside them in MiB.
pub(super) const COLD: &[u64] = &[64, 128, 192];

/// Quotas that move hot memory in some windows.
pub(super) const TIERING_QUOTAS: &[(u32, u64)] = &[(3, 1 << 20), (3, 2 << 20), (2, 4 << 20), (1, 16 << 20)];

/// How long schemes work that keep memory at shares, until the first change.
pub(super) const TIERING_TIMES: &[&str] = &["5s", "6s", "8s"];

/// Actions with priorities, of a scheme whose regions a witness shows.
pub(super) const WITNESSED_ACTIONS: &[&str] =
    &["migrate_hot", "migrate_cold", "pageout", "lru_prio", "lru_deprio", "stat"];

/// Quotas of such a scheme, which leave out most of the memory.
pub(super) const WITNESSED_QUOTAS: &[u64] = &[262_144, 1 << 20, 2 << 20, 8 << 20, 64 << 20];

/// Reset intervals of such a scheme in ms.
pub(super) const WITNESSED_RESETS: &[u64] = &[50, 100, 200, 400];

/// Weights of the size, the accesses and the age of which one alone counts, or two.
pub(super) const PLAIN_WEIGHTS: &[(u32, [u64; 3])] =
    &[(4, [0, 1_000, 0]), (2, [0, 0, 1_000]), (2, [0, 500, 500]), (1, [1, 1, 1]), (1, [1_000, 0, 0])];

/// How much of a node is left free by a workload that nearly fills it, in MiB.
pub(super) const LEFT_FREE: u64 = 32;

/// Ids of nodes that no machine has.
pub(super) const ABSENT_NODES: &[u64] = &[9, 40_000];

/// A value that only a commit finds out to be wrong.
pub(super) struct WrongValue {
    /// Below `/sys/kernel/mm/damon/admin/kdamonds`.
    pub(super) file: &'static str,
    pub(super) value: &'static str,
    /// The right one; none where that is the least number of regions.
    pub(super) right: Option<&'static str>,
}

/// Values that are wrong for every configuration that is drawn; the first one for physical addresses alone.
pub(super) const WRONG_VALUES: &[WrongValue] = &[
    WrongValue { file: "0/contexts/0/addr_unit", value: "3", right: Some("1") },
    WrongValue { file: "0/contexts/0/monitoring_attrs/nr_regions/min", value: "1000000", right: None },
    WrongValue { file: "0/contexts/0/monitoring_attrs/nr_regions/min", value: "2", right: None },
];

/// Commands that a paused kdamond does not carry out.
pub(super) const PAUSED_COMMANDS: &[&str] = &["update_schemes_tried_regions", "update_schemes_tried_bytes"];

/// Commands that a kdamond that has stopped does not carry out.
pub(super) const STOPPED_COMMANDS: &[&str] =
    &["commit", "update_schemes_tried_regions", "update_schemes_tried_bytes", "update_schemes_stats"];

/// Commands that need a context.
pub(super) const WITHOUT_CONTEXT_COMMANDS: &[&str] = &[
    "update_schemes_stats",
    "update_schemes_tried_regions",
    "update_schemes_tried_bytes",
    "clear_schemes_tried_regions",
    "update_tuned_intervals",
    "commit_schemes_quota_goals",
];

/// Ranges that overlap, as they are or once they are rounded to pages.
pub(super) const OVERLAPS: &[&[(u64, u64)]] = &[
    &[(0x100_0000, 0x300_0000), (0x200_0000, 0x400_0000)],
    &[(0x100_0000, 0x300_0800), (0x300_0900, 0x400_0000)],
    &[(0x100_0000, 0x300_0001), (0x300_0000, 0x400_0000)],
];

/// Values that a file refuses with EINVAL while its kdamond runs, whatever the configuration is.
pub(super) const REFUSED: &[(&str, &str, &str)] = &[
    ("0/state", "on", "EBUSY"),
    ("0/state", "x", "EINVAL"),
    ("nr_kdamonds", "2", "EBUSY"),
    ("nr_kdamonds", "-1", "EINVAL"),
    ("0/refresh_ms", "x", "EINVAL"),
    ("0/contexts/nr_contexts", "2", "EINVAL"),
    ("0/contexts/0/operations", "x", "EINVAL"),
    ("0/contexts/0/addr_unit", "0", "EINVAL"),
    ("0/contexts/0/pause", "x", "EINVAL"),
    ("0/contexts/0/monitoring_attrs/intervals/sample_us", "x", "EINVAL"),
    ("0/contexts/0/monitoring_attrs/nr_regions/min", "x", "EINVAL"),
    ("0/contexts/0/monitoring_attrs/probes/nr_probes", "-1", "EINVAL"),
    ("0/contexts/0/targets/nr_targets", "-1", "EINVAL"),
    ("0/contexts/0/schemes/nr_schemes", "-1", "EINVAL"),
    ("module/damon_stat/enabled", "Y", "EBUSY"),
];

/// Words by which a patch shows that it is about a part.
pub(super) const HINTS: &[(Part, &[&str])] = &[
    (Part::Memcg, &["memcg"]),
    (Part::Huge, &["huge", "thp"]),
    (Part::Swap, &["pageout", "swap"]),
    (Part::Vaddr, &["damon_va_", "damos_va_", "vaddr"]),
    (Part::Intervals, &["intervals_goal", "tune_intervals", "aggr_interval", "sample_interval"]),
    (Part::Regions, &["nr_regions", "split_region", "merge_region"]),
    (Part::Probe, &["probe"]),
    (Part::Quota, &["quota", "esz", "charged"]),
    (Part::Goal, &["goal", "score", "eligible"]),
    (Part::Weights, &["weight", "priorit", "histogram"]),
    (Part::Filter, &["filter"]),
    (Part::Watermarks, &["wmark", "watermark"]),
    (Part::Migrate, &["migrate", "target_nid", "dests"]),
    (Part::Commit, &["commit"]),
    (Part::Pause, &["pause"]),
    (Part::Hotplug, &["hotplug", "offline", "online_page"]),
    (Part::Module, &["damon_stat", "damon_reclaim", "damon_lru_sort"]),
    (Part::Tiering, &["eligible", "feed_loop", "goal_tune", "quota_score", "effective_quota"]),
    (Part::Witness, &["score", "priorit", "split", "apply_interval", "->age", "histogram", "merge"]),
    (Part::Snapshots, &["snapshots"]),
    (Part::FullNode, &["nodemask", "nmask", "migration_target", "migrate_folio"]),
    (Part::AbsentNode, &["invalid_mem_node"]),
    (
        Part::Command,
        &["damon_call", "damos_walk", "_obsolete", "walk_control", "contexts->nr", "tried_regions"],
    ),
    (Part::Invalid, &["test_ctx", "overlap", "is_power_of_2", "min_region_sz", "-einval", "is_ready"]),
    (Part::Race, &["mutex", "_lock", "kref", "kobject_", "completion", "rcu"]),
];

/// On so many parts a series leans at most.
pub(super) const MOST_OF_A_SERIES: usize = 4;
