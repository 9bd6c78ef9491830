//! What races with other steps how often, and out of which values. Data only.

/// What races with other steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Racer {
    Commit,
    Retarget,
    Pause,
    Resume,
    Stop,
    Start,
    Command,
    File,
    Module,
    ReadBack,
    Move,
    End,
    Hotplug,
    Path,
}

/// What races with other steps: how often it is drawn, and what it is.
pub(super) const RACERS: &[(u32, Racer)] = &[
    (4, Racer::Commit),
    (2, Racer::Retarget),
    (2, Racer::Pause),
    (1, Racer::Resume),
    (4, Racer::Stop),
    (2, Racer::Start),
    (5, Racer::Command),
    (7, Racer::File),
    (3, Racer::Module),
    (4, Racer::ReadBack),
    (3, Racer::Move),
    (2, Racer::End),
    (3, Racer::Hotplug),
    (1, Racer::Path),
];

/// Commands that race, in the `state` of a kdamond.
pub(super) const RACING_COMMANDS: &[&str] = &[
    "update_schemes_stats",
    "update_schemes_tried_regions",
    "update_schemes_tried_bytes",
    "clear_schemes_tried_regions",
    "update_schemes_effective_quotas",
    "update_tuned_intervals",
    "commit",
    "commit_schemes_quota_goals",
    "on",
    "off",
];

/// Values that race, and the files below `/sys/kernel/mm/damon/admin/kdamonds` that they are written into. Writes of a
/// number of folders take away and make what others are just reading.
pub(super) const RACING_WRITES: &[(&str, &str)] = &[
    ("nr_kdamonds", "1"),
    ("nr_kdamonds", "2"),
    ("nr_kdamonds", "0"),
    ("0/refresh_ms", "10"),
    ("0/contexts/nr_contexts", "0"),
    ("0/contexts/nr_contexts", "1"),
    ("0/contexts/0/operations", "vaddr"),
    ("0/contexts/0/operations", "paddr"),
    ("0/contexts/0/pause", "Y"),
    ("0/contexts/0/addr_unit", "2"),
    ("0/contexts/0/monitoring_attrs/intervals/sample_us", "1000"),
    ("0/contexts/0/monitoring_attrs/intervals/aggr_us", "20000"),
    ("0/contexts/0/monitoring_attrs/intervals/update_us", "1"),
    ("0/contexts/0/monitoring_attrs/nr_regions/min", "3"),
    ("0/contexts/0/monitoring_attrs/nr_regions/max", "1000"),
    ("0/contexts/0/monitoring_attrs/probes/nr_probes", "2"),
    ("0/contexts/0/targets/nr_targets", "0"),
    ("0/contexts/0/targets/nr_targets", "1"),
    ("0/contexts/0/targets/0/regions/nr_regions", "0"),
    ("0/contexts/0/targets/0/obsolete_target", "Y"),
    ("0/contexts/0/schemes/nr_schemes", "0"),
    ("0/contexts/0/schemes/nr_schemes", "3"),
    ("0/contexts/0/schemes/0/action", "pageout"),
    ("0/contexts/0/schemes/0/apply_interval_us", "1"),
    ("0/contexts/0/schemes/0/quotas/bytes", "4096"),
    ("0/contexts/0/schemes/0/quotas/goals/nr_goals", "2"),
    ("0/contexts/0/schemes/0/quotas/goals/nr_goals", "0"),
    ("0/contexts/0/schemes/0/core_filters/nr_filters", "2"),
    ("0/contexts/0/schemes/0/ops_filters/nr_filters", "0"),
    ("0/contexts/0/schemes/0/watermarks/metric", "free_mem_rate"),
];

/// The same for the parameters of modules.
pub(super) const RACING_PARAMETERS: &[(&str, &str)] = &[
    ("module/damon_stat/enabled", "Y"),
    ("module/damon_stat/enabled", "N"),
    ("module/damon_reclaim/enabled", "Y"),
    ("module/damon_reclaim/enabled", "N"),
    ("module/damon_reclaim/commit_inputs", "Y"),
    ("module/damon_reclaim/min_age", "1000"),
    ("module/damon_lru_sort/enabled", "Y"),
    ("module/damon_lru_sort/enabled", "N"),
    ("module/damon_lru_sort/commit_inputs", "Y"),
];

/// Kernel files that move memory while others race.
pub(super) const RACING_PATHS: &[(&str, &str)] =
    &[("/proc/sys/vm/compact_memory", "1"), ("/proc/sys/vm/drop_caches", "3")];

/// How often a step among several at once is carried out.
pub(super) const TIMES: &[(u32, u64)] = &[(8, 1), (2, 2), (3, 5), (3, 20), (1, 60)];
