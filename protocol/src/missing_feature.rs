//! What a plan asks of a kernel that does not have it: the kernel is too old, or built without it. That says
//! nothing about whether it works.

use crate::damon::ROOT;
use crate::kernel_feature::KernelFeature;
use crate::record::Refusal;
use serde::{Deserialize, Serialize};

/// Files that take one of the kernel's own words, and say EINVAL for no other reason than that they do
/// not know it (`mm/damon/sysfs.c`, `mm/damon/sysfs-schemes.c`). A filter's `type` is not among them: it
/// says so too where the word is right and the folder is not.
const WORD_FILES: &[&str] = &["operations", "action", "goal_tuner", "target_metric", "metric"];

/// What the kernel lacks.
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
    /// A word that a file does not take.
    #[error("the kernel does not know '{value}', which should go into {ROOT}/{file}")]
    Word {
        /// Relative to [`ROOT`].
        file: String,
        /// The word.
        value: String,
    },
}

impl MissingFeature {
    /// What a refusal says about the kernel rather than about the configuration, if it does.
    pub fn behind(refusal: &Refusal) -> Option<MissingFeature> {
        let name = refusal.file.rsplit('/').next().unwrap_or_default();
        let unknown = refusal.errno == "EINVAL" && WORD_FILES.contains(&name);
        unknown.then(|| MissingFeature::Word { file: refusal.file.clone(), value: refusal.value.clone() })
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
        let lack = MissingFeature::behind(&refusal("EINVAL", file, "node_eligible_mem_bp")).unwrap();
        assert_eq!(
            lack.to_string(),
            format!("the kernel does not know 'node_eligible_mem_bp', which should go into {ROOT}/{file}")
        );
        assert_eq!(MissingFeature::behind(&refusal("ENOMEM", file, "node_eligible_mem_bp")), None);
    }

    #[test]
    fn a_configuration_that_is_refused_is_no_lack_of_the_kernel() {
        assert_eq!(MissingFeature::behind(&refusal("EINVAL", "0/state", "on")), None);
        let filter = "0/contexts/0/schemes/0/core_filters/0/type";
        assert_eq!(MissingFeature::behind(&refusal("EINVAL", filter, "anon")), None);
    }
}
