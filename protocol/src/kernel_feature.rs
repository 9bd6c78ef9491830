//! Names for what not every kernel's DAMON has: a quota goal's metric, a tuner, probes, a tracepoint. A scenario
//! states needs by these names, and what a kernel turns out to lack is told by them. Pure.

use crate::kernel_file;
use crate::missing_feature::MissingFeature;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One of them, for instance `goal.node_eligible_mem_bp` or `pause`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KernelFeature(String);

/// How a kernel is asked. Files are relative to one kdamond with one context, one scheme, one goal, one filter
/// and one probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeatureProbe<'a> {
    /// `events/damon/NAME` in tracefs.
    Event(&'a str),
    /// A file takes the word.
    Word {
        /// The file.
        file: &'static str,
        /// The word.
        word: &'a str,
    },
    /// A file is there.
    File(&'static str),
    /// `/sys/module/NAME` is there.
    Module(&'a str),
    /// The file at an absolute path is there.
    Path(&'a str),
}

/// Kinds with a word each: `goal.WORD`; and the file that takes the word.
const WORDS: &[(&str, &str)] = &[
    ("ops", "contexts/0/operations"),
    ("action", "contexts/0/schemes/0/action"),
    ("tuner", "contexts/0/schemes/0/quotas/goal_tuner"),
    ("goal", "contexts/0/schemes/0/quotas/goals/0/target_metric"),
    ("filter", "contexts/0/schemes/0/filters/0/type"),
];

/// Names without a word, and the file that each stands for.
const FILES: &[(&str, &str)] = &[
    ("refresh_ms", "refresh_ms"),
    ("addr_unit", "contexts/0/addr_unit"),
    ("pause", "contexts/0/pause"),
    ("intervals_goal", "contexts/0/monitoring_attrs/intervals/intervals_goal/access_bp"),
    ("probes", "contexts/0/monitoring_attrs/probes/nr_probes"),
    ("probe_weight", "contexts/0/monitoring_attrs/probes/0/weight"),
    ("core_filters", "contexts/0/schemes/0/core_filters/nr_filters"),
    ("ops_filters", "contexts/0/schemes/0/ops_filters/nr_filters"),
    ("dests", "contexts/0/schemes/0/dests/nr_dests"),
    ("fail_charge", "contexts/0/schemes/0/quotas/fail_charge_num"),
    ("max_nr_snapshots", "contexts/0/schemes/0/stats/max_nr_snapshots"),
];

/// The kind of DAMON's tracepoints, and that of its modules (`damon_stat`).
const TRACEPOINT: &str = "tracepoint";
const MODULE: &str = "module";

impl KernelFeature {
    /// What `name` says; none if there is no such name. Whether the kernel's word is one is the caller's to know.
    pub fn parse(name: &str) -> Option<KernelFeature> {
        let need = KernelFeature(name.to_owned());
        need.question().is_some().then_some(need)
    }

    /// The kinds that take a word.
    pub fn kinds() -> impl Iterator<Item = &'static str> {
        WORDS.iter().map(|(kind, _)| *kind).chain([TRACEPOINT, MODULE])
    }

    /// The names without a word.
    pub fn alone() -> impl Iterator<Item = &'static str> {
        FILES.iter().map(|(name, _)| *name)
    }

    /// How to ask a kernel for it; none for a name that an older or newer damonlab gave.
    pub fn question(&self) -> Option<FeatureProbe<'_>> {
        if let Some((_, file)) = FILES.iter().find(|(name, _)| *name == self.0) {
            return Some(FeatureProbe::File(file));
        }
        if self.0.starts_with('/') {
            return kernel_file::check(&self.0).is_ok().then_some(FeatureProbe::Path(&self.0));
        }
        let (kind, word) = self.0.split_once('.')?;
        let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if word.is_empty() || !word.chars().all(sound) {
            return None;
        }
        match kind {
            TRACEPOINT => Some(FeatureProbe::Event(word)),
            MODULE => Some(FeatureProbe::Module(word)),
            _ => {
                let (_, file) = WORDS.iter().find(|(known, _)| *known == kind)?;
                Some(FeatureProbe::Word { file, word })
            }
        }
    }

    /// What a kernel that gave this answer lacks, where it has a name.
    pub fn behind(lack: &MissingFeature) -> Option<KernelFeature> {
        let (file, value) = match lack {
            MissingFeature::Damon | MissingFeature::HostRoot { .. } => return None,
            MissingFeature::Needs(needs) => return needs.first().cloned(),
            MissingFeature::Path { path, .. } => return KernelFeature::parse(path),
            MissingFeature::File { file, value } | MissingFeature::Word { file, value } => (file, value),
        };
        // Which of several schemes it was does not matter.
        let number = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let parts: Vec<&str> = file.split('/').map(|part| if number(part) { "0" } else { part }).collect();
        let file = parts.join("/");
        let file = file.strip_prefix("0/")?;
        let named = |(name, known): &(&str, &str)| (*known == file).then(|| (*name).to_owned());
        let word = || WORDS.iter().find_map(named).map(|kind| format!("{kind}.{value}"));
        FILES.iter().find_map(named).or_else(word).and_then(|name| KernelFeature::parse(&name))
    }

    /// What in a scenario's text asks for it: a key, or the kernel's word.
    pub fn asked_by(&self) -> &str {
        match self.0.as_str() {
            "probe_weight" => "weight",
            "fail_charge" => "fail_charge_num",
            path if path.starts_with('/') => path,
            name => name.split_once('.').map_or(name, |(_, word)| word),
        }
    }
}

impl fmt::Display for KernelFeature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_need_is_a_name_alone_or_a_kind_with_a_word() {
        let question = |name: &str| format!("{:?}", KernelFeature::parse(name).unwrap().question().unwrap());
        assert_eq!(question("pause"), "File(\"contexts/0/pause\")");
        assert_eq!(question("tracepoint.damos_esz"), "Event(\"damos_esz\")");
        assert!(question("tuner.temporal").contains("goal_tuner\", word: \"temporal\""));
        assert_eq!(question("/proc/sys/vm/swappiness"), "Path(\"/proc/sys/vm/swappiness\")");
        for name in ["", "/etc/passwd", "goal", "goal.", "pause.x", "metric.x", "goal.../x", "tracepoint.a b"]
        {
            assert_eq!(KernelFeature::parse(name), None, "{name}");
        }
    }

    #[test]
    fn what_a_write_found_missing_has_the_name_that_a_scenario_would_state() {
        let scheme = "0/contexts/0/schemes/1/quotas";
        let word = MissingFeature::Word {
            file: format!("{scheme}/goals/2/target_metric"),
            value: "active_mem_bp".into(),
        };
        assert_eq!(KernelFeature::behind(&word).unwrap().to_string(), "goal.active_mem_bp");
        let file = MissingFeature::File { file: format!("{scheme}/goal_tuner"), value: "temporal".into() };
        assert_eq!(KernelFeature::behind(&file).unwrap().to_string(), "tuner.temporal");
        let weight = "1/contexts/0/monitoring_attrs/probes/3/weight";
        let file = MissingFeature::File { file: weight.into(), value: "7".into() };
        assert_eq!(KernelFeature::behind(&file).unwrap().to_string(), "probe_weight");
        let other = MissingFeature::File { file: "0/contexts/0/new_thing".into(), value: "7".into() };
        assert_eq!(
            (KernelFeature::behind(&other), KernelFeature::behind(&MissingFeature::Damon)),
            (None, None)
        );
    }
}
