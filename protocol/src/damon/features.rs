//! What not every kernel's DAMON has: a quota goal's metric, a tuner, probes, a tracepoint. Each has a name, and a way
//! to find out whether a kernel has it.

/// How to find out about one of them. Files are relative to one kdamond with one context, one scheme, one goal, one
/// filter and one probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DamonProbe<'a> {
    /// `events/damon/NAME` in tracefs.
    Event(&'a str),
    /// A file takes the keyword.
    Keyword {
        /// The file.
        file: &'static str,
        /// The keyword.
        keyword: &'a str,
    },
    /// A file is there.
    File(&'a str),
}

/// Kinds with a keyword each, `goal.KEYWORD`, and the file that takes the keyword.
const KEYWORDS: &[(&str, &str)] = &[
    ("ops", "contexts/0/operations"),
    ("action", "contexts/0/schemes/0/action"),
    ("tuner", "contexts/0/schemes/0/quotas/goal_tuner"),
    ("goal", "contexts/0/schemes/0/quotas/goals/0/target_metric"),
    ("filter", "contexts/0/schemes/0/filters/0/type"),
    ("probe_filter", "contexts/0/monitoring_attrs/probes/0/filters/0/type"),
    ("watermark", "contexts/0/schemes/0/watermarks/metric"),
    ("probe_prep", "contexts/0/monitoring_attrs/probes/0/preps/0/prep_action"),
];

/// Names without a keyword, and the file that each stands for.
const FILES: &[(&str, &str)] = &[
    ("refresh_ms", "refresh_ms"),
    ("addr_unit", "contexts/0/addr_unit"),
    ("pause", "contexts/0/pause"),
    ("intervals_goal", "contexts/0/monitoring_attrs/intervals/intervals_goal/access_bp"),
    ("probes", "contexts/0/monitoring_attrs/probes/nr_probes"),
    ("probe_weight", "contexts/0/monitoring_attrs/probes/0/weight"),
    ("probe_preps", "contexts/0/monitoring_attrs/probes/0/preps/nr_preps"),
    ("sample_control", "contexts/0/monitoring_attrs/sample/primitives/page_table"),
    ("complement", "contexts/0/schemes/0/quotas/goals/0/complement"),
    ("core_filters", "contexts/0/schemes/0/core_filters/nr_filters"),
    ("ops_filters", "contexts/0/schemes/0/ops_filters/nr_filters"),
    ("dests", "contexts/0/schemes/0/dests/nr_dests"),
    ("fail_charge", "contexts/0/schemes/0/quotas/fail_charge_num"),
    ("max_nr_snapshots", "contexts/0/schemes/0/stats/max_nr_snapshots"),
];

/// Files that take a keyword, and say EINVAL for no other reason than that they do not know it
/// (`mm/damon/sysfs.c`, `mm/damon/sysfs-schemes.c`). A filter's `type` is not among them: it answers EINVAL also where
/// the keyword is right and the folder is not.
const KEYWORD_FILES: &[&str] =
    &["operations", "action", "goal_tuner", "target_metric", "metric", "prep_action"];

/// Types of filters that DAMON's core handles, and that `ops_filters` never takes.
const CORE_TYPES: &[&str] = &["addr", "target", "probe_hits_wsum"];

/// The kind of the tracepoints.
const TRACEPOINT: &str = "tracepoint";

/// The kind of files without a name of their own: `sysfs.PATH`.
const SYSFS: &str = "sysfs";

/// The longest path below a kdamond's folder.
const MAX_PATH: usize = 500;

/// The kinds that take a keyword or a name.
pub fn feature_kinds() -> impl Iterator<Item = &'static str> {
    KEYWORDS.iter().map(|(kind, _)| *kind).chain([TRACEPOINT, SYSFS])
}

/// The names without a keyword.
pub fn feature_names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

/// How to find out about the feature `name`; none if there is no such name.
pub fn probe(name: &str) -> Option<DamonProbe<'_>> {
    if let Some((_, file)) = FILES.iter().find(|(known, _)| *known == name) {
        return Some(DamonProbe::File(file));
    }
    let (kind, keyword) = name.split_once('.')?;
    if kind == SYSFS {
        return is_file(keyword).then_some(DamonProbe::File(keyword));
    }
    if kind == TRACEPOINT {
        return Some(DamonProbe::Event(keyword));
    }
    let (_, file) = KEYWORDS.iter().find(|(known, _)| *known == kind)?;
    Some(DamonProbe::Keyword { file, keyword })
}

/// Whether `path` names a file below a kdamond's folder: relative, without `..`, of plain characters.
pub fn is_file(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let part = |part: &str| !matches!(part, "" | "." | "..") && part.chars().all(plain);
    path.len() <= MAX_PATH && path.split('/').all(part)
}

/// The name of the feature that is the file `path` below a kdamond's folder. Which of several schemes has it does not
/// matter.
pub fn file_feature(path: &str) -> String {
    format!("{SYSFS}.{}", with_zeros(path))
}

/// The path of the same file in the first context, scheme, goal, filter and so on.
fn with_zeros(path: &str) -> String {
    let number = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<&str> = path.split('/').map(|part| if number(part) { "0" } else { part }).collect();
    parts.join("/")
}

/// The name of the feature that a kernel does not have, where `file` is missing, or takes no `value`. The
/// file is relative to the kdamonds. Which of several schemes it was does not matter.
pub fn feature_at(file: &str, value: &str) -> Option<String> {
    let file = with_zeros(file);
    // A type of filter is known to all folders of a scheme or to none.
    let file = match file.ends_with("/type") {
        true => file.replace("/core_filters/", "/filters/").replace("/ops_filters/", "/filters/"),
        false => file,
    };
    let file = file.strip_prefix("0/")?;
    let named = |(name, known): &(&str, &str)| (*known == file).then(|| (*name).to_owned());
    let keyword = || KEYWORDS.iter().find_map(named).map(|kind| format!("{kind}.{value}"));
    FILES.iter().find_map(named).or_else(keyword)
}

/// Whether EINVAL for `value` in `file` means that the kernel does not know the keyword.
pub fn is_unknown_keyword(file: &str, value: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or_default();
    let in_its_folder = || match file.rsplit('/').nth(2) {
        Some("core_filters") => CORE_TYPES.contains(&value),
        Some("ops_filters") => !CORE_TYPES.contains(&value),
        _ => true,
    };
    KEYWORD_FILES.contains(&name) || (name == "type" && in_its_folder())
}
