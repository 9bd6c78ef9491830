//! Runs the suite on the kernel of a mutant, several scenarios at a time.

use super::catch::{Catch, Strength};
use super::mutant::{Kind, Mutant};
use super::order::order;
use super::result::{MutantResult, Record};
use super::runner::{MutantRunner, Stop};
use crate::check::Verdict;
use crate::judge::Report;
use crate::recording::Recording;
use crate::run::{KernelRunError, RunEnv, RunError, ScenarioSource, suite};
use crate::scenario::SnapshotKind;
use crate::snapshot;
use fs_err as fs;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::time::Instant;

/// The scenarios that have run on one mutant so far.
#[derive(Default)]
struct SuiteProgress {
    ran: Vec<(String, String)>,
    best: Option<Catch>,
    no_answer: Option<String>,
    intended: BTreeSet<String>,
}

impl MutantRunner<'_> {
    /// Adds what the suite comes to on a mutant to its record.
    pub(super) fn run_suite(
        &self,
        mutant: &Mutant,
        env: &RunEnv,
        record: &mut Record,
    ) -> Result<(), KernelRunError> {
        let names = self.names();
        let order = order(mutant, &names);
        let begun = Instant::now();
        let mut suite = SuiteProgress::default();
        let work = |index: &usize| self.run_scenario(env, &self.scenarios[*index], self.seed);
        let each = |index: &usize, report| self.add(mutant.kind, &self.scenarios[*index], report, &mut suite);
        let ended = suite::ordered(&order.indices, self.jobs, work, each);
        remove_unjudged(&env.out, &names, &suite)?;
        record.result = match ended {
            Err(Stop::Error(error)) => return Err(error),
            Err(Stop::NoBoot(why)) => MutantResult::DoesNotBoot { why },
            Ok(()) | Err(Stop::Caught) => match (suite.best, suite.no_answer) {
                (Some(catch), _) => MutantResult::Noticed(catch),
                (None, Some(why)) => MutantResult::NoAnswer { why },
                (None, None) => MutantResult::Unnoticed,
            },
        };
        record.ran = suite.ran;
        record.unknown_scenarios = order.unknown;
        record.intended = suite.intended;
        record.run_seconds = begun.elapsed().as_secs_f64();
        record.suite.clone_from(&self.suite.digest);
        record.program.clone_from(&self.suite.program);
        Ok(())
    }

    /// Adds a run that ended.
    fn add(
        &self,
        kind: Kind,
        source: &ScenarioSource,
        report: Result<Report, RunError>,
        suite: &mut SuiteProgress,
    ) -> Result<(), Stop> {
        let name = &source.scenario.name;
        let report = match report {
            Ok(report) => report,
            // A config fragment, for instance, may take away what this scenario needs.
            Err(RunError::UnsupportedKernel(_)) => {
                suite.ran.push((name.clone(), "unsupported".to_owned()));
                return Ok(());
            }
            Err(error) => return Err(Stop::Error(error.into())),
        };
        suite.ran.push((name.clone(), report.verdict.word().to_owned()));
        suite.intended.extend(report.intended_rules());
        let catch = match &report.verdict {
            Verdict::Fail(findings) if report.never_began() => {
                return Err(Stop::NoBoot(findings.first().map(ToString::to_string).unwrap_or_default()));
            }
            Verdict::Fail(findings) => Catch::by(findings, source.scenario.clock, name, self.seed),
            Verdict::Pass => self.by_snapshot(source, &report),
            Verdict::Infra(why) => {
                suite.no_answer.get_or_insert_with(|| format!("{name}: {why}"));
                None
            }
            Verdict::Skip(_) | Verdict::Unstable(_) => None,
        };
        let Some(catch) = catch else {
            if matches!(report.verdict, Verdict::Pass) {
                fs::remove_dir_all(&report.dir).map_err(|cause| Stop::Error(cause.into()))?;
            }
            return Ok(());
        };
        let counts = catch.strength == Strength::Invariant;
        if suite.best.as_ref().is_none_or(|best| best.strength < catch.strength) {
            suite.best = Some(catch);
        }
        if counts && kind == Kind::Regression && !self.all_scenarios { Err(Stop::Caught) } else { Ok(()) }
    }

    /// The catch by a stored snapshot, all of which are of seed 0.
    fn by_snapshot(&self, source: &ScenarioSource, report: &Report) -> Option<Catch> {
        let kind = SnapshotKind::Behaviour;
        if self.seed != 0 || !source.scenario.snapshot.contains(&kind) {
            return None;
        }
        let stored = snapshot::stored(&report.scenario, kind)?;
        let recording = Recording::load(&report.dir).ok()?;
        if snapshot::not_compared(kind, &recording).is_some() {
            return None;
        }
        let sentence = snapshot::first_difference(&stored, &snapshot::behaviour(&recording))?;
        let (scenario, ids) = (report.scenario.clone(), vec!["snapshot".to_owned()]);
        Some(Catch { strength: Strength::Snapshot, ids, scenario, seed: self.seed, sentence })
    }
}

/// Removes the recordings of `scenarios` that were still running when the suite ended, and so were not judged.
fn remove_unjudged(out: &Path, scenarios: &[&str], suite: &SuiteProgress) -> io::Result<()> {
    let was_judged = |name: &str| suite.ran.iter().any(|(ran, _)| ran == name);
    for name in scenarios.iter().filter(|name| !was_judged(name)) {
        let folder = out.join(name);
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::runner::testing::runner;
    use super::*;
    use crate::judge::testing::violating;

    #[test]
    fn a_run_that_violates_only_what_is_meant_to_change_catches_nothing_and_shows_the_change() {
        let out = tempfile::tempdir().unwrap();
        let (suite, unseen) = runner(out.path(), |runner| {
            let mut suite = SuiteProgress::default();
            let report = violating(&["Q2"]).with_expected_changes(runner.changes);
            // What passes is removed.
            let dir = out.path().join("idle/0001");
            fs::create_dir_all(&dir).unwrap();
            let report = Report { dir, ..report };
            assert!(runner.add(Kind::Equivalent, &runner.scenarios[0], Ok(report), &mut suite).is_ok());
            suite
        });
        assert_eq!((suite.intended.iter().map(String::as_str).collect(), unseen), (vec!["Q2"], Vec::new()));
        assert!(suite.best.is_none() && !out.path().join("idle/0001").exists());
    }

    #[test]
    fn a_recording_that_was_not_judged_is_removed_and_the_others_stay() {
        let out = tempfile::tempdir().unwrap();
        for name in ["idle", "pull-push"] {
            fs::create_dir_all(out.path().join(name).join("0001")).unwrap();
        }
        let suite = SuiteProgress { ran: vec![("idle".into(), "fail".into())], ..SuiteProgress::default() };
        remove_unjudged(out.path(), &["idle", "pull-push", "cold"], &suite).unwrap();
        assert!(out.path().join("idle/0001").exists() && !out.path().join("pull-push").exists());
    }
}
