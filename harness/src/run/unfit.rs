//! A kernel that does not have what a scenario asks for: the user's to mend, and no verdict on the kernel.

use crate::host::text::excerpt;
use crate::kernel::WANTED;
use damonlab_guest::lack::Lack;
use damonlab_guest::record::GuestReport;

/// Why a scenario cannot run on a kernel. Found out in the guest: an image does not say what is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("'{scenario}' cannot run on {kernel}: {}", excerpt(&lack.to_string()))]
#[diagnostic(help("{}", help(lack)))]
pub struct Unfit {
    scenario: String,
    kernel: String,
    lack: Lack,
}

impl Unfit {
    /// What the guest found missing in `kernel`, if anything.
    pub(super) fn of(report: &GuestReport, scenario: &str, kernel: &str) -> Option<Unfit> {
        let lack = report.lack.clone().filter(|lack| !matches!(lack, Lack::HostRoot { .. }))?;
        Some(Unfit { scenario: scenario.to_owned(), kernel: kernel.to_owned(), lack })
    }
}

/// Why a scenario is skipped on a kernel that is a good one otherwise.
pub(super) fn skipped(report: &GuestReport) -> Option<String> {
    match &report.lack {
        Some(lack @ Lack::HostRoot { .. }) => {
            Some(format!("{}: run with --config kernel-config/host-root.config", excerpt(&lack.to_string())))
        }
        _ => None,
    }
}

fn help(lack: &Lack) -> String {
    match lack {
        Lack::HostRoot { .. } => "build the kernel with kernel-config/host-root.config".to_owned(),
        Lack::Damon => "build the kernel with the options of kernel-config/; `--kernel DIR` with its source \
                        tree does that"
            .to_owned(),
        Lack::File { .. } | Lack::Word { .. } => format!(
            "the shipped scenarios want linux {WANTED} or newer; give such a kernel with --kernel, or take a \
             scenario that does without"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use miette::Diagnostic;

    fn unfit(lack: Lack) -> Unfit {
        let report = GuestReport { lack: Some(lack), ..GuestReport::default() };
        Unfit::of(&report, "idle", "/b/bzImage (linux 6.1.0)").unwrap()
    }

    #[test]
    fn a_kernel_without_damon_is_named_with_what_is_missing_and_how_to_get_it() {
        let error = unfit(Lack::Damon);
        let text = error.to_string();
        assert!(text.starts_with("'idle' cannot run on /b/bzImage (linux 6.1.0): the kernel has no /sys/"));
        assert!(text.ends_with("/kdamonds (CONFIG_DAMON_SYSFS=y)"), "{text}");
        assert!(error.help().unwrap().to_string().contains("kernel-config/"));
    }

    #[test]
    fn a_kernel_that_does_not_know_the_metric_is_told_which_is_new_enough() {
        let word =
            Lack::Word { file: "0/target_metric\u{1b}[31m".into(), value: "node_eligible_mem_bp".into() };
        let error = unfit(word);
        assert!(error.to_string().contains(" does not know 'node_eligible_mem_bp', "), "{error}");
        assert!(!error.to_string().contains('\u{1b}'), "{error}");
        assert!(error.help().unwrap().to_string().contains("linux 7.2 or newer"));
    }

    #[test]
    fn a_kernel_that_cannot_show_the_hosts_files_is_a_skip_with_the_way_out() {
        let report =
            GuestReport { lack: Some(Lack::HostRoot { kind: "9p".into() }), ..GuestReport::default() };
        assert_eq!(Unfit::of(&report, "selftests", "linux"), None);
        let why = "the kernel has no 9p file system, and so cannot show the host's files: run with --config \
                   kernel-config/host-root.config";
        assert_eq!(skipped(&report).as_deref(), Some(why));
        assert_eq!(skipped(&GuestReport::default()), None);
    }

    #[test]
    fn a_guest_that_missed_nothing_may_fail_for_other_reasons() {
        let report = GuestReport { errors: vec!["no memory".into()], ..GuestReport::default() };
        assert_eq!(Unfit::of(&report, "idle", "linux"), None);
    }

    #[test]
    fn an_older_guests_report_lacks_nothing_and_is_written_as_before() {
        let text = serde_json::to_string(&GuestReport::default()).unwrap();
        assert!(!text.contains("lack"), "{text}");
        assert_eq!(serde_json::from_str::<GuestReport>(&text).unwrap().lack, None);
        let lacks = GuestReport { lack: Some(Lack::Damon), ..GuestReport::default() };
        let text = serde_json::to_string(&lacks).unwrap();
        assert_eq!(serde_json::from_str::<GuestReport>(&text).unwrap(), lacks);
    }
}
