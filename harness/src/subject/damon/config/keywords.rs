//! The keywords that DAMON's sysfs takes: those of Linux 7.3, and those that damo 3.4.3 has for what comes after it. Data
//! only.

/// `schemes/<S>/action` (`damos_sysfs_action_names`).
pub(crate) const ACTIONS: &[&str] = &[
    "willneed",
    "cold",
    "pageout",
    "hugepage",
    "nohugepage",
    "collapse",
    "lru_prio",
    "lru_deprio",
    "migrate_hot",
    "migrate_cold",
    "stat",
];

/// `operations`.
pub(crate) const OPS: &[&str] = &["vaddr", "fvaddr", "paddr"];

/// `goal_tuner`.
pub(crate) const TUNERS: &[&str] = &["consist", "temporal"];

/// `watermarks/metric`.
pub(crate) const WATERMARK_METRICS: &[&str] = &["none", "free_mem_rate"];

/// What a quota goal's metric is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Metric<'a> {
    pub name: &'a str,
    /// It reads `nid`.
    pub node: bool,
    /// It reads `path`.
    pub memcg: bool,
    /// What its value is.
    pub unit: MetricUnit,
    /// It needs the `paddr` operations.
    pub paddr: bool,
}

/// The unit of a metric's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetricUnit {
    Plain,
    Micros,
    BasisPoints,
}

const fn metric(name: &'static str, node: bool, memcg: bool, unit: MetricUnit) -> Metric<'static> {
    Metric { name, node, memcg, unit, paddr: false }
}

const fn paddr(metric: Metric<'static>) -> Metric<'static> {
    Metric { paddr: true, ..metric }
}

/// `quotas/goals/<G>/target_metric` (`damos_sysfs_quota_goal_metric_names`).
pub(crate) const METRICS: &[Metric<'static>] = &[
    metric("user_input", false, false, MetricUnit::Plain),
    metric("some_mem_psi_us", false, false, MetricUnit::Micros),
    metric("node_mem_used_bp", true, false, MetricUnit::BasisPoints),
    metric("node_mem_free_bp", true, false, MetricUnit::BasisPoints),
    metric("node_memcg_used_bp", true, true, MetricUnit::BasisPoints),
    metric("node_memcg_free_bp", true, true, MetricUnit::BasisPoints),
    metric("active_mem_bp", false, false, MetricUnit::BasisPoints),
    metric("inactive_mem_bp", false, false, MetricUnit::BasisPoints),
    paddr(metric("node_eligible_mem_bp", true, false, MetricUnit::BasisPoints)),
];

/// Filter types that DAMON's core handles.
pub(crate) const CORE_FILTERS: &[&str] = &["addr", "target", "probe_hits_wsum"];

/// Filter types that the operations set handles.
pub(crate) const OPS_FILTERS: &[&str] = &["anon", "active", "memcg", "young", "hugepage_size", "unmapped"];

/// Filter types of the deprecated `filters` folder: both kinds.
pub(crate) const ALL_FILTERS: &[&str] =
    &["addr", "target", "probe_hits_wsum", "anon", "active", "memcg", "young", "hugepage_size", "unmapped"];

/// Filter types of a probe.
pub(crate) const PROBE_FILTERS: &[&str] = &["anon", "memcg", "pgidle_unset", "pgidle_set", "hugepage_size"];

/// `probes/<P>/preps/<N>/prep_action`.
pub(crate) const PREP_ACTIONS: &[&str] = &["set_pgidle"];

/// Filter types of `monitoring_attrs/sample`.
pub(crate) const SAMPLE_FILTERS: &[&str] = &["cpumask", "threads", "write"];

/// `nr_probes` at most.
pub(crate) const MAX_PROBES: usize = 4;
