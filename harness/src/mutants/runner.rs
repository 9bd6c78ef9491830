//! Runs the suite on a mutant: its kernel is built in the tree that all builds share, its scenarios run several at a
//! time.

use super::mutant::{Kind, Mutant};
use super::order::order;
use super::result::{Catch, MutantResult, Record, Strength};
use super::store::{SuiteKey, save};
use crate::check::Verdict;
use crate::host::progress::Progress;
use crate::judge::{self, ExpectedChange, Report};
use crate::kernel::{self, BuildIn, BuildRequest, Image, KernelError, Origins};
use crate::recording::Recording;
use crate::run::{self, KernelRunError, RunEnv, RunError, ScenarioSource, suite};
use crate::scenario::SnapshotKind;
use crate::setup::Tools;
use crate::snapshot;
use fs_err as fs;
use std::collections::BTreeSet;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What all mutants have in common.
#[derive(Debug)]
pub struct MutantRunner<'a> {
    /// QEMU and virtme-ng.
    pub tools: Tools,
    /// The sources of kernels and the cache.
    pub origins: &'a Origins,
    /// The guest's `/init`.
    pub agent: &'static [u8],
    /// The scenarios of the suite.
    pub scenarios: &'a [ScenarioSource],
    /// The key of the suite.
    pub suite: &'a SuiteKey,
    /// The folder of the results, and of the recordings that did not pass.
    pub out: PathBuf,
    /// How many guests run at once.
    pub jobs: NonZeroUsize,
    /// The seed of every run.
    pub seed: u64,
    /// The rules that the kernels mean to change: what violates them catches nothing.
    pub changes: &'a [ExpectedChange],
    /// Whether the scenarios go on after a catch.
    pub all_scenarios: bool,
    /// Whether stored results are ignored.
    pub fresh: bool,
    /// Whether the images stay in the cache.
    pub keep_images: bool,
    /// Where make runs.
    pub build_in: BuildIn,
    /// Where progress is reported.
    pub progress: &'a Progress,
}

/// Why the scenarios of a mutant end early.
enum Stop {
    /// The suite caught the mutant.
    Caught,
    /// The kernel does not boot, and would not for the other scenarios either.
    NoBoot(String),
    /// There is no result.
    Error(KernelRunError),
}

/// The scenarios that have run on one mutant so far.
#[derive(Default)]
struct SuiteProgress {
    ran: Vec<(String, String)>,
    best: Option<Catch>,
    no_answer: Option<String>,
    intended: BTreeSet<String>,
}

impl MutantRunner<'_> {
    /// Refuses a mutant whose file is not a patch or a config fragment, before anything is built.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn check(&self, mutant: &Mutant) -> Result<(), KernelRunError> {
        kernel::key(&mutant.request()?, self.origins)?;
        Ok(())
    }

    /// The result of one mutant: the stored one, or else a new one, which is then stored.
    ///
    /// # Errors
    /// See [`KernelRunError`]. A kernel that does not build or boot is a result.
    pub fn examine(&self, mutant: &Mutant) -> Result<Record, KernelRunError> {
        let request = BuildRequest { build_in: self.build_in, ..mutant.request()? };
        // None while the source is not in the cache: then no result can be stored either.
        let key = kernel::key(&request, self.origins)?;
        if let Some(record) = key.as_deref().and_then(|key| self.stored(mutant, key)) {
            return Ok(record);
        }
        self.progress.hint(&format!("mutants: {}", mutant.name));
        let begun = Instant::now();
        let record = match kernel::obtain_build(&request, self.origins, self.progress) {
            Ok(image) => {
                let built = (!image.cached).then(|| begun.elapsed().as_secs_f64());
                let record = self.run(mutant, &image, built);
                let (key, cached) = (image.key.clone(), image.cached);
                // What is in use stays.
                drop(image);
                // Also after Ctrl-C: the next invocation would take the image for one that was cached before.
                if !self.keep_images && !cached {
                    kernel::evict(&self.origins.env.cache, &key, mutant.is_fragment())?;
                }
                record?
            }
            Err(error) if is_the_mutants(&error) => {
                let why = error.to_string();
                let seconds = Some(begun.elapsed().as_secs_f64());
                self.record(
                    mutant,
                    key.map(String::from).unwrap_or_default(),
                    MutantResult::DoesNotBuild { why },
                    seconds,
                )
            }
            Err(error) => return Err(error.into()),
        };
        save(&self.out, mutant, &record)?;
        Ok(record)
    }

    fn stored(&self, mutant: &Mutant, image: &str) -> Option<Record> {
        if self.fresh {
            return None;
        }
        let record = self.suite.load(&self.out, mutant, image)?;
        self.progress.hint(&format!("mutants: {}: the stored result is used", mutant.name));
        judge::seen_before(self.changes, &record.intended);
        Some(record)
    }

    fn run(&self, mutant: &Mutant, image: &Image, built: Option<f64>) -> Result<Record, KernelRunError> {
        let out = self.out.join(&mutant.name);
        if out.exists() {
            fs::remove_dir_all(&out)?;
        }
        let (env, _checkpoints) = RunEnv::ephemeral(&self.tools, image, self.agent, &out)?;
        let names: Vec<&str> = self.scenarios.iter().map(|one| one.scenario.name.as_str()).collect();
        let order = order(mutant, &names);
        let begun = Instant::now();
        let mut suite = SuiteProgress::default();
        let work = |index: &usize| self.run_scenario(&env, &self.scenarios[*index]);
        let each = |index: &usize, report| self.add(mutant.kind, &self.scenarios[*index], report, &mut suite);
        let ended = suite::ordered(&order.indices, self.jobs, work, each);
        remove_unjudged(&out, &names, &suite)?;
        let result = match ended {
            Err(Stop::Error(error)) => return Err(error),
            Err(Stop::NoBoot(why)) => MutantResult::DoesNotBoot { why },
            Ok(()) | Err(Stop::Caught) => match (suite.best, suite.no_answer) {
                (Some(catch), _) => MutantResult::Noticed(catch),
                (None, Some(why)) => MutantResult::NoAnswer { why },
                (None, None) => MutantResult::Unnoticed,
            },
        };
        let record = self.record(mutant, image.key.to_string(), result, built);
        Ok(Record {
            ran: suite.ran,
            unknown_scenarios: order.unknown,
            intended: suite.intended,
            run_seconds: begun.elapsed().as_secs_f64(),
            ..record
        })
    }

    /// Runs a scenario. If nothing but its clock ran out, it runs again, and the second run counts: a host that is slow
    /// once does not catch a mutant.
    fn run_scenario(&self, env: &RunEnv, source: &ScenarioSource) -> Result<Report, RunError> {
        let report = self.run_once(env, source)?;
        let Verdict::Fail(findings) = &report.verdict else { return Ok(report) };
        let catch = Catch::by(findings, source.scenario.clock, &source.scenario.name, self.seed);
        match catch {
            Some(catch) if catch.is_by_the_clock_alone() && !report.never_began() => {
                self.progress.hint(&format!(
                    "mutants: {}: the clock ran out; it runs again, as a slow host looks the same",
                    source.scenario.name
                ));
                self.run_once(env, source)
            }
            _ => Ok(report),
        }
    }

    fn run_once(&self, env: &RunEnv, source: &ScenarioSource) -> Result<Report, RunError> {
        run::run(env, source, self.seed).map(|report| report.with_expected_changes(self.changes))
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

    fn record(&self, mutant: &Mutant, image: String, result: MutantResult, built: Option<f64>) -> Record {
        Record {
            name: mutant.name.clone(),
            kind: mutant.kind,
            header: mutant.header.clone(),
            result,
            ran: Vec::new(),
            unknown_scenarios: Vec::new(),
            intended: BTreeSet::new(),
            build_seconds: built,
            run_seconds: 0.0,
            image,
            suite: self.suite.digest.clone(),
            program: self.suite.program.clone(),
        }
    }
}

/// Whether the mutant, and not the host, is why there is no kernel.
fn is_the_mutants(error: &KernelError) -> bool {
    matches!(error, KernelError::PatchRefused { .. }) || error.does_not_build()
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
    use super::super::mutant::Header;
    use super::*;
    use crate::check::Origin;
    use crate::host::paths;
    use crate::judge::testing::violating;
    use crate::setup::Env;

    /// What `use_it` makes of a runner for kernels that mean to change the rule Q2, with its results below `out`.
    fn runner<T>(out: &Path, use_it: impl FnOnce(&MutantRunner<'_>) -> T) -> (T, Vec<String>) {
        let origins = Origins::of(Env { root: "/".into(), path: "".into(), cache: out.join("cache") });
        let scenarios = [ScenarioSource::from(&paths::project().join("scenarios/idle.yaml")).unwrap()];
        let q2 = Origin::Rule(judge::rule("Q2").unwrap());
        let changes = [ExpectedChange::new(q2, "why".into(), "--expect-change".into())];
        let runner = MutantRunner {
            tools: Tools::default(),
            origins: &origins,
            agent: b"agent",
            scenarios: &scenarios,
            suite: &SuiteKey { digest: "suite".into(), program: "program".into() },
            out: out.to_owned(),
            jobs: NonZeroUsize::MIN,
            seed: 1,
            changes: &changes,
            all_scenarios: false,
            fresh: false,
            keep_images: false,
            build_in: BuildIn::default(),
            progress: &Progress::silent(),
        };
        (use_it(&runner), judge::not_seen(&changes))
    }

    #[test]
    fn a_result_that_is_used_again_still_shows_the_changes_that_its_runs_showed() {
        let out = tempfile::tempdir().unwrap();
        let mutant = Mutant {
            name: "m".into(),
            path: "m.patch".into(),
            kind: Kind::Equivalent,
            header: Header::default(),
        };
        let (record, unseen) = runner(out.path(), |runner| {
            let mut suite = SuiteProgress::default();
            let report = violating(&["Q2"]).with_expected_changes(runner.changes);
            // What passes is removed.
            let dir = out.path().join("idle/0001");
            fs::create_dir_all(&dir).unwrap();
            let report = Report { dir, ..report };
            assert!(runner.add(Kind::Equivalent, &runner.scenarios[0], Ok(report), &mut suite).is_ok());
            let record = runner.record(&mutant, "image".into(), MutantResult::Unnoticed, None);
            Record { intended: suite.intended, ..record }
        });
        assert_eq!((record.intended.iter().map(String::as_str).collect(), unseen), (vec!["Q2"], Vec::new()));
        save(out.path(), &mutant, &record).unwrap();
        let (stored, unseen) = runner(out.path(), |runner| runner.stored(&mutant, "image"));
        assert_eq!((stored.map(|record| record.intended), unseen), (Some(record.intended), Vec::new()));
        let (none, unseen) = runner(out.path(), |runner| runner.stored(&mutant, "another image"));
        assert_eq!((none, unseen.len()), (None, 1));
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
