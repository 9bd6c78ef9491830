//! What a scenario must have for a function of DAMON's to be executed, where that follows from its name or its text. For the
//! lines that no scenario executed. Pure.

/// What has to stand in a scenario, and the first of these in the function's name or in the line decides.
struct Row {
    /// A part of the path.
    path: &'static str,
    /// A part of the function's name or of the line.
    part: &'static str,
    /// What reaches it.
    key: &'static str,
}

const fn row(path: &'static str, part: &'static str, key: &'static str) -> Row {
    Row { path, part, key }
}

const TABLE: &[Row] = &[
    row("mm/damon/", "alloc(", "a failed allocation; no scenario reaches it"),
    row("mm/damon/", "ENOMEM", "a failed allocation; no scenario reaches it"),
    row("mm/damon/", "quota->ms", "`quotas.time_ms` of a scheme"),
    row("mm/damon/", "time_esz", "`quotas.time_ms` of a scheme"),
    row(
        "mm/damon/",
        "memcg",
        "a filter with `memcg_path`, or a goal with the metric `node_memcg_used_bp` or `node_memcg_free_bp`",
    ),
    row("mm/damon/", "hugepage", "an ops filter `hugepage_size`, and a workload with `huge_pages: true`"),
    row("mm/damon/", "psi", "a goal with the metric `some_mem_psi_us`"),
    row("mm/damon/", "wmark", "`watermarks` of a scheme"),
    row("mm/damon/", "watermark", "`watermarks` of a scheme"),
    row("mm/damon/", "intervals_goal", "`intervals.intervals_goal` of a context"),
    row("mm/damon/", "probe", "`probes` of a context"),
    row("mm/damon/", "lru_prio", "the actions `lru_prio` and `lru_deprio`"),
    row("mm/damon/", "pageout", "the action `pageout`"),
    row("mm/damon/", "migrate", "the actions `migrate_hot` and `migrate_cold`"),
    row("mm/damon/", "goal", "`quotas.goals` of a scheme"),
    row("mm/damon/", "score", "`quotas` with `weights`"),
    row("mm/damon/", "quota", "`quotas` of a scheme"),
    row("mm/damon/", "filter", "`core_filters` or `ops_filters` of a scheme"),
    row("mm/damon/", "dest", "`dests` of a scheme"),
    row("mm/damon/", "commit", "a step `commit`"),
    row("mm/damon/vaddr.c", "", "`ops: vaddr` or `fvaddr` of a context"),
    row("mm/damon/paddr.c", "", "`ops: paddr` of a context"),
    row("mm/damon/reclaim.c", "", "a step `write` into `module/damon_reclaim/...`"),
    row("mm/damon/lru_sort.c", "", "a step `write` into `module/damon_lru_sort/...`"),
    row("mm/damon/stat.c", "", "a step `write` into `module/damon_stat/...`"),
    row("mm/damon/sysfs", "_store", "a key that is written into this sysfs file, or a step `write`"),
];

/// What a scenario needs to execute the line `text` of `function`, in the file at `path`; none where nobody knows.
pub(crate) fn reaching(path: &str, function: &str, text: &str) -> Option<&'static str> {
    let fits =
        |row: &&Row| path.contains(row.path) && (function.contains(row.part) || text.contains(row.part));
    TABLE.iter().find(fits).map(|row| row.key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_follows_from_the_function_or_the_line() {
        for (path, function, text, part) in [
            ("mm/damon/core.c", "damos_new_filter", "return -ENOMEM;", "failed allocation"),
            ("mm/damon/core.c", "damos_wmark_metric_value", "return -EINVAL;", "`watermarks`"),
            (
                "mm/damon/core.c",
                "damos_commit",
                "case DAMOS_QUOTA_NODE_MEMCG_USED_BP:\tmemcg",
                "`memcg_path`",
            ),
            ("mm/damon/core.c", "damos_set_effective_quota", "esz = min(time_esz, esz);", "time_ms"),
            ("mm/damon/vaddr.c", "damon_va_x", "x++;", "`ops: vaddr`"),
            ("mm/damon/sysfs.c", "x_store", "return count;", "step `write`"),
        ] {
            let key = reaching(path, function, text).unwrap();
            assert!(key.contains(part), "{function}: {key}");
        }
    }

    #[test]
    fn elsewhere_nothing_is_known() {
        assert_eq!(reaching("mm/migrate.c", "migrate_folio", "return -ENOMEM;"), None);
        assert_eq!(reaching("mm/damon/core.c", "damon_foo", "bar();"), None);
    }
}
