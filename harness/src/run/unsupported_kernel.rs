//! A kernel without DAMON: it has no verdict, and the user has to build another one.

use crate::host::text::{excerpt, foreign, quote};
use damonlab_protocol::missing_feature::MissingFeature;
use damonlab_protocol::record::GuestReport;

/// A kernel without DAMON. Only the guest can find that out, because an image does not list its configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("'{}' cannot run on {}: {}", foreign(scenario), quote(kernel), excerpt(&missing.to_string()))]
#[diagnostic(help(
    "build the kernel with the options of kernel-config/; `--kernel DIR`, with its source tree, does that"
))]
pub struct UnsupportedKernel {
    scenario: String,
    kernel: String,
    missing: MissingFeature,
}

impl UnsupportedKernel {
    /// The error if the guest found that `kernel` has no DAMON at all.
    pub(super) fn of(report: &GuestReport, scenario: &str, kernel: &str) -> Option<UnsupportedKernel> {
        let missing = report.missing.clone().filter(|missing| *missing == MissingFeature::Damon)?;
        Some(UnsupportedKernel { scenario: scenario.to_owned(), kernel: kernel.to_owned(), missing })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use miette::Diagnostic;

    fn misses(missing: MissingFeature) -> GuestReport {
        GuestReport { missing: Some(missing), ..GuestReport::default() }
    }

    #[test]
    fn a_kernel_without_damon_is_named_with_what_is_missing_and_how_to_build_it() {
        let error = UnsupportedKernel::of(&misses(MissingFeature::Damon), "idle", "/b/bzImage (linux 6.1.0)")
            .unwrap();
        let text = error.to_string();
        assert!(text.starts_with("'idle' cannot run on /b/bzImage (linux 6.1.0): the kernel has no /sys/"));
        assert!(text.ends_with("/kdamonds (CONFIG_DAMON_SYSFS=y)"), "{text}");
        assert!(error.help().unwrap().to_string().contains("kernel-config/"));
    }

    #[test]
    fn a_kernel_that_misses_another_feature_is_not_unsupported() {
        let file = "0/contexts/0/schemes/0/quotas/goals/0/target_metric".to_owned();
        let keyword = MissingFeature::Keyword { file, value: "node_eligible_mem_bp".into() };
        for missing in [keyword, MissingFeature::HostRoot { kind: "9p".into() }] {
            assert_eq!(UnsupportedKernel::of(&misses(missing), "pull-push", "linux"), None);
        }
    }

    #[test]
    fn a_guest_that_misses_no_feature_is_not_on_an_unsupported_kernel() {
        let report = GuestReport { errors: vec!["no memory".into()], ..GuestReport::default() };
        assert_eq!(UnsupportedKernel::of(&report, "idle", "linux"), None);
    }

    #[test]
    fn a_report_without_a_missing_feature_is_written_as_by_older_guests() {
        let text = serde_json::to_string(&GuestReport::default()).unwrap();
        assert!(!text.contains("lack"), "{text}");
        assert_eq!(serde_json::from_str::<GuestReport>(&text).unwrap().missing, None);
        let text = serde_json::to_string(&misses(MissingFeature::Damon)).unwrap();
        assert_eq!(serde_json::from_str::<GuestReport>(&text).unwrap(), misses(MissingFeature::Damon));
    }
}
