//! Steps that are kept from one call to the next: a JSON file for each scenario and number of patches.
//!
//! A step is used again for the same kernel image, scenario, agent, rules, seeds, finding and damonlab. Where the host
//! failed, or a build, which a full disk ends as well, nothing is kept.

use super::step::{Step, StepVerdict};
use crate::host::paths;
use crate::mutants::SuiteKey;
use std::io;
use std::path::{Path, PathBuf};

/// What a step must be of to be used again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) suite: &'a SuiteKey,
    pub(super) asked: &'a str,
    pub(super) image: &'a str,
}

/// The folder for all of one place.
pub(super) fn folder(out: &Path, applied: usize) -> PathBuf {
    out.join(format!("{applied:03}"))
}

fn file(out: &Path, applied: usize, scenario: &str) -> PathBuf {
    folder(out, applied).join(format!("{scenario}.json"))
}

/// The kept step, where it still holds.
pub(super) fn kept(out: &Path, applied: usize, scenario: &str, wanted: Wanted<'_>) -> Option<Step> {
    let text = std::fs::read(file(out, applied, scenario)).ok()?;
    let step: Step = serde_json::from_slice(&text).ok()?;
    let same = step.applied == applied
        && step.image == wanted.image
        && step.asked == wanted.asked
        && step.suite == wanted.suite.digest
        && step.program == wanted.suite.program;
    same.then_some(Step { kept: true, ..step })
}

/// Keeps a step that says something about the kernel.
pub(super) fn keep(out: &Path, scenario: &str, step: &Step) -> io::Result<()> {
    if matches!(step.outcome, StepVerdict::NoAnswer { .. } | StepVerdict::DoesNotBuild { .. }) {
        return Ok(());
    }
    let text = serde_json::to_vec_pretty(step)?;
    paths::write_atomic(&file(out, step.applied, scenario), &text)
}

#[cfg(test)]
mod tests {
    use super::super::bisect_log::{Ending, log};
    use super::super::search::{End, Search};
    use super::super::step::tests::{bad, step};
    use super::*;
    use std::cell::Cell;

    fn suite(digest: &str, program: &str) -> SuiteKey {
        SuiteKey { digest: digest.into(), program: program.into() }
    }

    #[test]
    fn a_step_is_used_again_for_the_same_question_only() {
        let out = tempfile::tempdir().unwrap();
        let kept_step = step(3, StepVerdict::Good);
        keep(out.path(), "idle", &kept_step).unwrap();
        let again = |scenario, suite: &SuiteKey, asked, image| {
            kept(out.path(), 3, scenario, Wanted { suite, asked, image }).is_some()
        };
        let same = suite("suite", "program");
        assert!(again("idle", &same, "0..=0", "image 3"));
        assert!(!again("pull-push", &same, "0..=0", "image 3"));
        assert!(!again("idle", &same, "0..=1", "image 3"));
        assert!(!again("idle", &same, "0..=0", "another image"));
        assert!(!again("idle", &suite("another", "program"), "0..=0", "image 3"));
        assert!(!again("idle", &suite("suite", "another"), "0..=0", "image 3"));
    }

    #[test]
    fn a_host_that_failed_a_build_that_ended_and_a_cut_file_are_no_steps() {
        let out = tempfile::tempdir().unwrap();
        let (same, why) = (suite("suite", "program"), String::new());
        let wanted = Wanted { suite: &same, asked: "0..=0", image: "image 3" };
        keep(out.path(), "idle", &step(3, StepVerdict::NoAnswer { why: why.clone() })).unwrap();
        keep(out.path(), "idle", &step(3, StepVerdict::DoesNotBuild { why })).unwrap();
        assert_eq!(kept(out.path(), 3, "idle", wanted), None);
        keep(out.path(), "idle", &step(3, StepVerdict::Good)).unwrap();
        std::fs::write(file(out.path(), 3, "idle"), "{\"applied\":").unwrap();
        assert_eq!(kept(out.path(), 3, "idle", wanted), None);
    }

    #[test]
    fn a_bisection_that_was_stopped_goes_on_with_what_is_missing() {
        let out = tempfile::tempdir().unwrap();
        let same = suite("suite", "program");
        let run = Cell::new(0);
        let examine = |stop_at: Option<usize>| {
            let (out, same, run) = (out.path(), &same, &run);
            move |place: usize| {
                let image = format!("image {place}");
                let wanted = Wanted { suite: same, asked: "0..=0", image: &image };
                if let Some(step) = kept(out, place, "idle", wanted) {
                    return Ok(step);
                }
                if stop_at == Some(place) {
                    return Err("Ctrl-C");
                }
                run.set(run.get() + 1);
                let step = step(place, if place < 4 { StepVerdict::Good } else { bad(&["Q2"]) });
                keep(out, "idle", &step).map_err(|_| "disk")?;
                Ok(step)
            }
        };
        let search = Search::new(5, None, None).unwrap();
        assert_eq!(log(search.clone(), examine(Some(4)), |_| Ok(())), Err("Ctrl-C"));
        assert_eq!(run.get(), 3);
        let log = log(search, examine(None), |_| Ok(())).unwrap();
        assert_eq!((log.ending.clone(), run.get()), (Ending::Answer(End::First(4)), 4));
        assert_eq!(log.steps.iter().filter(|step| step.kept).count(), 3);
        assert_eq!(log.builds(), 1);
    }
}
