//! Steps are stored from one invocation to the next: a JSON file for each scenario and number of patches.
//!
//! A step is used again for the same kernel image, scenario, agent, rules, seeds, finding and damonlab. A host failure is
//! not stored, nor is a build that failed, because a full disk fails one too.

use super::step::{Step, StepVerdict};
use crate::host::paths;
use crate::host::regular_file::cached_text;
use crate::mutants::SuiteKey;
use std::io;
use std::path::{Path, PathBuf};

/// What a step depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct StepKey<'a> {
    pub(super) suite: &'a SuiteKey,
    pub(super) criteria: &'a str,
    pub(super) image: &'a str,
}

/// The folder of one place.
pub(super) fn folder(out: &Path, applied: usize) -> PathBuf {
    out.join(format!("{applied:03}"))
}

fn file(out: &Path, applied: usize, scenario: &str) -> PathBuf {
    folder(out, applied).join(format!("{scenario}.json"))
}

/// The stored step, if it is still valid.
pub(super) fn load(out: &Path, applied: usize, scenario: &str, key: StepKey<'_>) -> Option<Step> {
    let step: Step = serde_json::from_str(&cached_text(&file(out, applied, scenario))?).ok()?;
    let same = step.applied == applied
        && step.image == key.image
        && step.criteria == key.criteria
        && step.suite == key.suite.digest
        && step.program == key.suite.program;
    same.then_some(Step { kept: true, ..step })
}

/// Stores a step that says something about the kernel.
pub(super) fn save(out: &Path, scenario: &str, step: &Step) -> io::Result<()> {
    if matches!(step.verdict, StepVerdict::NoAnswer { .. } | StepVerdict::DoesNotBuild { .. }) {
        return Ok(());
    }
    let text = serde_json::to_vec_pretty(step)?;
    paths::write_atomic(&file(out, step.applied, scenario), &text)
}

#[cfg(test)]
mod tests {
    use super::super::bisect_log::{BisectLog, Ending};
    use super::super::search::{Search, SearchResult};
    use super::super::step::tests::{bad, step};
    use super::*;
    use std::cell::Cell;

    fn suite(digest: &str, program: &str) -> SuiteKey {
        SuiteKey { digest: digest.into(), program: program.into() }
    }

    #[test]
    fn a_step_is_used_again_only_if_nothing_that_it_depends_on_changed() {
        let out = tempfile::tempdir().unwrap();
        save(out.path(), "idle", &step(3, StepVerdict::Good)).unwrap();
        let is_stored = |scenario, suite: &SuiteKey, criteria, image| {
            load(out.path(), 3, scenario, StepKey { suite, criteria, image }).is_some()
        };
        let same = suite("suite", "program");
        assert!(is_stored("idle", &same, "0..=0", "image 3"));
        assert!(!is_stored("pull-push", &same, "0..=0", "image 3"));
        assert!(!is_stored("idle", &same, "0..=1", "image 3"));
        assert!(!is_stored("idle", &same, "0..=0", "another image"));
        assert!(!is_stored("idle", &suite("another", "program"), "0..=0", "image 3"));
        assert!(!is_stored("idle", &suite("suite", "another"), "0..=0", "image 3"));
    }

    #[test]
    fn a_host_failure_a_failed_build_and_a_truncated_file_are_not_used_again() {
        let out = tempfile::tempdir().unwrap();
        let (same, why) = (suite("suite", "program"), String::new());
        let key = StepKey { suite: &same, criteria: "0..=0", image: "image 3" };
        save(out.path(), "idle", &step(3, StepVerdict::NoAnswer { why: why.clone() })).unwrap();
        save(out.path(), "idle", &step(3, StepVerdict::DoesNotBuild { why })).unwrap();
        assert_eq!(load(out.path(), 3, "idle", key), None);
        save(out.path(), "idle", &step(3, StepVerdict::Good)).unwrap();
        std::fs::write(file(out.path(), 3, "idle"), "{\"applied\":").unwrap();
        assert_eq!(load(out.path(), 3, "idle", key), None);
    }

    #[test]
    fn an_interrupted_bisection_continues_with_the_missing_steps() {
        let out = tempfile::tempdir().unwrap();
        let same = suite("suite", "program");
        let runs = Cell::new(0);
        let examine = |stop_at: Option<usize>| {
            let (out, same, runs) = (out.path(), &same, &runs);
            move |place: usize| {
                let image = format!("image {place}");
                let key = StepKey { suite: same, criteria: "0..=0", image: &image };
                if let Some(step) = load(out, place, "idle", key) {
                    return Ok(step);
                }
                if stop_at == Some(place) {
                    return Err("Ctrl-C");
                }
                runs.set(runs.get() + 1);
                let step = step(place, if place < 4 { StepVerdict::Good } else { bad(&["Q2"]) });
                save(out, "idle", &step).map_err(|_| "disk")?;
                Ok(step)
            }
        };
        let search = Search::new(5, None, None).unwrap();
        assert_eq!(BisectLog::of(search.clone(), examine(Some(4)), |_| Ok(())), Err("Ctrl-C"));
        assert_eq!(runs.get(), 3);
        let log = BisectLog::of(search, examine(None), |_| Ok(())).unwrap();
        assert_eq!((log.ending.clone(), runs.get()), (Ending::Result(SearchResult::First(4)), 4));
        assert_eq!(log.steps.iter().filter(|step| step.kept).count(), 3);
        assert_eq!(log.builds(), 1);
    }
}
