//! What a plan needs and the kernel does not have: the kernel is too old, or built without it. That says nothing
//! about whether it works.

use crate::damon::{self, ROOT};
use crate::kernel_feature::KernelFeature;
use crate::refusal::Refusal;
use serde::{Deserialize, Serialize};

/// What the kernel does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum MissingFeature {
    /// DAMON's folder in sysfs.
    #[error("the kernel has no {ROOT} (CONFIG_DAMON_SYSFS=y)")]
    Damon,
    /// What the plan states that it needs; never empty.
    #[error("the kernel has no {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Needs(Vec<KernelFeature>),
    /// A file that is to have another value than the kernel's default.
    #[error("the kernel has no {ROOT}/{file}, which should become '{value}'")]
    File {
        /// Relative to [`ROOT`].
        file: String,
        /// What should be written.
        value: String,
    },
    /// A file outside DAMON's folder that a scenario writes.
    #[error("the kernel has no {path}, which should become '{value}'")]
    Path {
        /// Absolute.
        path: String,
        /// What should be written.
        value: String,
    },
    /// A file system that shows the host's files.
    #[error("the kernel has no {kind} file system, and so cannot show the host's files")]
    HostRoot {
        /// `9p` or `overlay`.
        kind: String,
    },
    /// A keyword that a file does not take.
    #[error("the kernel does not know '{value}', which should go into {ROOT}/{file}")]
    #[serde(rename = "word")]
    Keyword {
        /// Relative to [`ROOT`].
        file: String,
        /// The keyword.
        value: String,
    },
}

impl MissingFeature {
    /// What a refusal says about the kernel rather than about the configuration, if it does.
    pub fn behind(refusal: &Refusal) -> Option<MissingFeature> {
        let unknown = refusal.errno == "EINVAL" && damon::is_unknown_keyword(&refusal.file, &refusal.value);
        unknown.then(|| MissingFeature::Keyword { file: refusal.file.clone(), value: refusal.value.clone() })
    }

    /// The names of the features, as a scenario would state them; none where what is missing has no name.
    pub fn features(&self) -> Vec<KernelFeature> {
        match self {
            MissingFeature::Damon | MissingFeature::HostRoot { .. } => Vec::new(),
            MissingFeature::Needs(needs) => needs.clone(),
            MissingFeature::Path { path, .. } => KernelFeature::parse(path).into_iter().collect(),
            MissingFeature::File { file, value } | MissingFeature::Keyword { file, value } => {
                let name = damon::feature_at(file, value);
                name.and_then(|name| KernelFeature::parse(&name)).into_iter().collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(errno: &str, file: &str, value: &str) -> Refusal {
        Refusal { errno: errno.into(), file: file.into(), value: value.into() }
    }

    #[test]
    fn a_metric_that_is_refused_is_one_that_the_kernel_does_not_know() {
        let file = "0/contexts/0/schemes/0/quotas/goals/0/target_metric";
        let missing = MissingFeature::behind(&refusal("EINVAL", file, "node_eligible_mem_bp")).unwrap();
        assert_eq!(
            missing.to_string(),
            format!("the kernel does not know 'node_eligible_mem_bp', which should go into {ROOT}/{file}")
        );
        assert_eq!(MissingFeature::behind(&refusal("ENOMEM", file, "node_eligible_mem_bp")), None);
    }

    #[test]
    fn a_refused_configuration_is_no_missing_feature() {
        assert_eq!(MissingFeature::behind(&refusal("EINVAL", "0/state", "on")), None);
        let filter = "0/contexts/0/schemes/0/core_filters/0/type";
        assert_eq!(MissingFeature::behind(&refusal("EINVAL", filter, "anon")), None);
        assert_eq!(MissingFeature::behind(&refusal("EINVAL", "0/contexts/nr_contexts", "2")), None);
    }

    #[test]
    fn a_type_of_filter_that_its_own_folder_refuses_is_one_that_the_kernel_does_not_know() {
        let named = |file: &str, value: &str| {
            names(MissingFeature::behind(&refusal("EINVAL", &format!("0/contexts/0/{file}"), value)).unwrap())
        };
        for folder in ["core_filters", "filters"] {
            let file = format!("schemes/1/{folder}/0/type");
            assert_eq!(named(&file, "probe_hits_wsum"), ["filter.probe_hits_wsum"], "{folder}");
        }
        let probe = "monitoring_attrs/probes/0";
        assert_eq!(named(&format!("{probe}/filters/1/type"), "pgidle_set"), ["probe_filter.pgidle_set"]);
        assert_eq!(named(&format!("{probe}/preps/0/prep_action"), "other"), ["probe_prep.other"]);
    }

    fn names(missing: MissingFeature) -> Vec<String> {
        missing.features().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_a_write_found_missing_has_the_name_that_a_scenario_would_state() {
        let scheme = "0/contexts/0/schemes/1/quotas";
        let file = format!("{scheme}/goals/2/target_metric");
        assert_eq!(
            names(MissingFeature::Keyword { file, value: "active_mem_bp".into() }),
            ["goal.active_mem_bp"]
        );
        let file = format!("{scheme}/goal_tuner");
        assert_eq!(names(MissingFeature::File { file, value: "temporal".into() }), ["tuner.temporal"]);
        let file = "1/contexts/0/monitoring_attrs/probes/3/weight".to_owned();
        assert_eq!(names(MissingFeature::File { file, value: "7".into() }), ["probe_weight"]);
        let path = "/sys/kernel/mm/numa/demotion_enabled".to_owned();
        assert_eq!(names(MissingFeature::Path { path: path.clone(), value: "1".into() }), [path]);
    }

    #[test]
    fn what_has_no_name_gives_none() {
        let file = "0/contexts/0/new_thing".to_owned();
        assert!(names(MissingFeature::File { file, value: "7".into() }).is_empty());
        assert!(names(MissingFeature::Damon).is_empty());
    }
}
