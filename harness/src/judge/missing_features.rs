//! A kernel without a feature that a scenario needs makes the run a skip that names the feature, and a failure where every
//! kernel of its series has the feature: then a patch removed it.

use crate::check::finding::{Origin, Violation};
use crate::check::log::splats::version;
use crate::check::{Finding, RunEnd, Verdict};
use crate::host::text::excerpt;
use crate::recording::Recording;
use crate::scenario::{Scenario, known_since};
use damonlab_protocol::kernel_feature::KernelFeature;
use damonlab_protocol::missing_feature::MissingFeature;
use damonlab_protocol::record::GuestReport;

/// The errno of a write into a file that is not there.
const ABSENT: &str = "ENOENT";

/// The verdict if the kernel does not have what the run needs: by the scenario's `needs`, by what it configures, or because
/// one of its steps writes into a file that is not there.
pub(super) fn missing(recording: &Recording) -> Option<Verdict> {
    let lost = lost(recording);
    if !lost.is_empty() {
        return Some(Verdict::Fail(lost));
    }
    lacking(&recording.report, &recording.scenario).or_else(|| unwritten(recording))
}

/// The findings about features that the run needs, that the kernel does not have, and that each kernel of its series has.
fn lost(recording: &Recording) -> Vec<Finding> {
    let lack = recording.report.missing.as_ref();
    let mut features = lack.map(MissingFeature::features).unwrap_or_default();
    // A file without a name of its own is known by its path.
    if let (true, Some(MissingFeature::File { file, .. })) = (features.is_empty(), lack) {
        features.extend(KernelFeature::kdamond_file(file));
    }
    features.extend(unwritten_files(recording).into_iter().filter_map(KernelFeature::kdamond_file));
    features.iter().filter_map(|feature| lost_feature(recording, feature)).collect()
}

/// The finding about a tracepoint of DAMON that the kernel does not have and each kernel of its series has.
pub(super) fn lost_event(recording: &Recording, event: &str) -> Option<Finding> {
    lost_feature(recording, &KernelFeature::tracepoint(event)?)
}

fn lost_feature(recording: &Recording, feature: &KernelFeature) -> Option<Finding> {
    let kernel = &recording.report.kernel;
    let (major, minor) = known_since(feature, version(kernel)?)?;
    let expected = format!("{feature}, which linux has since {major}.{minor} at the latest");
    let violation = Violation::new(expected, format!("linux {} without it", excerpt(kernel)));
    let scenario_line = recording.scenario.places.line_that_needs(feature).map(|line| line as u64);
    Some(Finding { scenario_line, ..Finding::of(Origin::RunEnd(RunEnd::LostFeature), violation) })
}

/// The files that steps write and the kernel does not have, each once.
fn unwritten_files(recording: &Recording) -> Vec<&str> {
    let steps = recording.plan.steps.iter().zip(&recording.report.steps);
    let absent = steps.filter_map(|(step, record)| {
        let refusal = record.refused.as_ref().filter(|refusal| refusal.errno == ABSENT)?;
        (step.refusal()? != Some(ABSENT)).then_some(refusal.file.as_str())
    });
    let mut files: Vec<&str> = Vec::new();
    absent.for_each(|file| {
        if !files.contains(&file) {
            files.push(file)
        }
    });
    files
}

/// The skip for a kernel without them.
fn unwritten(recording: &Recording) -> Option<Verdict> {
    let files = unwritten_files(recording);
    let reason = |file: &&str| match recording.scenario.places.line_with(file) {
        Some(line) => format!("the file {file}: needed by line {line}"),
        None => format!("the file {file}"),
    };
    let reasons: Vec<String> = files.iter().take(8).map(reason).collect();
    let why = format!("the kernel does not have {}", reasons.join("; "));
    (!files.is_empty()).then(|| Verdict::Skip(excerpt(&why)))
}

/// The verdict if the kernel does not have a feature that `scenario` needs, by its `needs` or by what it configures.
fn lacking(report: &GuestReport, scenario: &Scenario) -> Option<Verdict> {
    let lack = report.missing.as_ref()?;
    let needs = lack.features();
    // The guest is not trusted: its text may be long, and there may be much of it.
    let reasons: Vec<String> = needs.iter().take(8).map(|need| reason(need, scenario)).collect();
    let why = match lack {
        MissingFeature::HostRoot { .. } => format!("{lack}: run with --profile host-root"),
        MissingFeature::Keyword { value, .. } if reasons.is_empty() => match scenario.places.line_of(value) {
            Some(line) => format!("{lack}: needed by line {line}"),
            None => lack.to_string(),
        },
        _ if reasons.is_empty() => lack.to_string(),
        _ => format!("the kernel does not have {}", reasons.join("; ")),
    };
    Some(Verdict::Skip(excerpt(&why)))
}

fn reason(need: &KernelFeature, scenario: &Scenario) -> String {
    match scenario.places.line_that_needs(need) {
        Some(line) => format!("{need}: needed by line {line}"),
        None => need.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lacks(lack: MissingFeature) -> GuestReport {
        GuestReport { missing: Some(lack), ..GuestReport::default() }
    }

    fn skipped(lack: MissingFeature) -> String {
        let path = crate::bundled::home().join("scenarios/pull-push.yaml");
        lacking(&lacks(lack), &Scenario::load(&path).unwrap()).unwrap().to_string()
    }

    #[test]
    fn a_kernel_that_does_not_know_the_metric_skips_the_scenario_with_the_line_that_needs_it() {
        let file = "0/contexts/0/schemes/0/quotas/goals/0/target_metric".to_owned();
        let lack = MissingFeature::Keyword { file, value: "node_eligible_mem_bp".into() };
        let text = skipped(lack);
        let (why, line) = text.rsplit_once(' ').unwrap();
        assert_eq!(why, "skip: the kernel does not have goal.node_eligible_mem_bp: needed by line");
        let shipped = std::fs::read_to_string(crate::bundled::home().join("scenarios/pull-push.yaml"));
        let line = shipped.unwrap().lines().nth(line.parse::<usize>().unwrap() - 1).unwrap().to_owned();
        assert!(line.contains("metric: node_eligible_mem_bp"), "{line}");
    }

    #[test]
    fn a_step_that_writes_into_a_file_that_is_not_there_is_a_skip_unless_it_expects_that() {
        let mut recording = crate::subject::damon::testing::stored("refused");
        assert_eq!(missing(&recording), None);
        for record in &mut recording.report.steps {
            record.refused = record.refused.take().map(|refusal| damonlab_protocol::record::Refusal {
                errno: ABSENT.to_owned(),
                file: "module/damon_new/enabled".to_owned(),
                ..refusal
            });
        }
        let why = "skip: the kernel does not have the file module/damon_new/enabled";
        assert_eq!(missing(&recording).map(|verdict| verdict.to_string()).as_deref(), Some(why));
    }

    /// What comes of a kernel of the series that does not have something.
    fn on(kernel: &str, lack: MissingFeature) -> String {
        let mut recording = crate::subject::damon::testing::Model::pull_push().recording();
        recording.report.kernel = kernel.to_owned();
        recording.report.missing = Some(lack);
        missing(&recording).unwrap().to_string()
    }

    #[test]
    fn what_each_kernel_of_the_series_has_is_no_skip_but_a_failure() {
        let file = |path: &str| MissingFeature::File { file: path.to_owned(), value: "1".to_owned() };
        let metric = MissingFeature::Keyword {
            file: "0/contexts/0/schemes/1/quotas/goals/0/target_metric".into(),
            value: "node_mem_used_bp".into(),
        };
        let stated = MissingFeature::Needs(vec![KernelFeature::parse("tracepoint.damos_esz").unwrap()]);
        for lack in
            [file("0/contexts/0/schemes/3/apply_interval_us"), file("0/contexts/0/pause"), metric, stated]
        {
            let text = on("7.3.4-1~bpo13+1", lack.clone());
            assert!(text.starts_with("fail") && text.contains("lost-feature"), "{text}");
            // An older kernel never had them, but for the first, and of a newer one nothing is known.
            assert!(on("7.4.0-rc1", lack).starts_with("skip"));
        }
        assert!(on("6.12.117", file("0/contexts/0/pause")).starts_with("skip"));
        assert!(on("6.12.117", file("0/contexts/0/schemes/3/apply_interval_us")).starts_with("fail"));
        assert!(on("7.3.4", file("0/contexts/0/schemes/0/of_a_patch")).starts_with("skip"));
    }

    #[test]
    fn a_file_of_the_series_that_a_step_cannot_write_since_it_is_gone_is_a_failure() {
        let mut recording = crate::subject::damon::testing::stored("refused");
        for record in &mut recording.report.steps {
            record.refused = record.refused.take().map(|refusal| damonlab_protocol::record::Refusal {
                errno: ABSENT.to_owned(),
                file: "0/contexts/0/pause".to_owned(),
                ..refusal
            });
        }
        let Some(Verdict::Fail(findings)) = missing(&recording) else { panic!("it is a failure") };
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].expected.ends_with("which linux has since 7.2 at the latest"), "{findings:?}");
    }

    #[test]
    fn a_tracepoint_of_the_series_that_is_gone_fails_the_run() {
        let mut recording = crate::subject::damon::testing::stored("pull-push-short");
        recording.report.missing_events.push("damon:damos_before_apply".to_owned());
        let ids = |recording: &Recording| -> Vec<String> {
            crate::judge::judge(recording).findings.iter().map(|one| one.id().to_owned()).collect()
        };
        assert!(ids(&recording).contains(&"lost-feature".to_owned()), "{:?}", ids(&recording));
        recording.report.missing_events = vec!["damon:damos_of_a_patch".to_owned()];
        assert!(ids(&recording).is_empty(), "{:?}", ids(&recording));
    }

    #[test]
    fn every_stated_feature_that_is_missing_is_named() {
        let needs = ["tracepoint.damos_new", "probe_weight"].map(|name| KernelFeature::parse(name).unwrap());
        assert_eq!(
            skipped(MissingFeature::Needs(needs.to_vec())),
            "skip: the kernel does not have tracepoint.damos_new; probe_weight"
        );
    }

    #[test]
    fn a_file_that_has_no_name_is_shown_as_it_is_and_without_control_characters() {
        let file = "0/contexts/0/brand_new\u{1b}[31m".to_owned();
        let text = skipped(MissingFeature::File { file, value: "1".into() });
        assert!(text.contains("brand_new") && text.contains("which should become '1'"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn a_kernel_that_cannot_show_the_hosts_files_is_a_skip_with_the_way_out() {
        let lack = MissingFeature::HostRoot { kind: "9p".into() };
        let why = "skip: the kernel has no 9p file system, and so cannot show the host's files: run with --profile \
                   host-root";
        assert_eq!(skipped(lack), why);
    }
}
