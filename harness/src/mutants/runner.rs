//! One mutant after the other: its kernel is built in the shared tree, its scenarios run several at a time.

use super::mutant::{Kind, Mutant};
use super::order::order;
use super::result::{Catch, MutantResult, Record, Strength};
use super::store::{Suite, keep};
use crate::check::Verdict;
use crate::host::progress::Progress;
use crate::kernel::{self, Image, KernelError, Origins};
use crate::recording::Recording;
use crate::run::{self, Report, RunEnv, RunError, ScenarioSource, suite};
use crate::scenario::SnapshotKind;
use crate::setup::Tools;
use crate::snapshot;
use fs_err as fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What all mutants have in common.
#[derive(Debug)]
pub struct MutantRunner<'a> {
    /// QEMU and virtme-ng.
    pub tools: Tools,
    /// The source and the cache.
    pub origins: &'a Origins,
    /// The guest's `/init`.
    pub agent: &'static [u8],
    /// Every scenario.
    pub scenarios: &'a [ScenarioSource],
    /// A name for them.
    pub suite: &'a Suite,
    /// Results and the recordings of what did not pass go below this folder.
    pub out: PathBuf,
    /// How many guests run at once.
    pub jobs: NonZeroUsize,
    /// The seed of every run.
    pub seed: u64,
    /// A catch does not end a mutant's scenarios.
    pub whole: bool,
    /// Kept results are not used.
    pub fresh: bool,
    /// Images stay in the cache.
    pub keep: bool,
    /// Where progress is told.
    pub progress: &'a Progress,
}

/// Why there is no result, not even a bad one.
#[derive(Debug, thiserror::Error)]
pub enum MutantRunError {
    /// No kernel can be built here, or the file is no patch.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// No scenario can be run here.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The folder of results.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Why a mutant's scenarios end early.
enum Stop {
    /// A catch that counts.
    Caught,
    /// The guest never began; the others would not either.
    NoBoot(String),
    /// All of damonlab ends.
    Error(MutantRunError),
}

/// What has been seen of one mutant so far.
#[derive(Default)]
struct RunSummary {
    ran: Vec<(String, String)>,
    best: Option<Catch>,
    no_answer: Option<String>,
}

impl MutantRunner<'_> {
    /// Refuses a mutant whose file is none, before anything is built.
    ///
    /// # Errors
    /// The file is no patch, or no fragment.
    pub fn check(&self, mutant: &Mutant) -> Result<(), MutantRunError> {
        kernel::key(&mutant.request()?, self.origins)?;
        Ok(())
    }

    /// The result of one mutant: the kept one, or a new one, which is then kept.
    ///
    /// # Errors
    /// What stops damonlab; a kernel that does not build or boot is a result.
    pub fn examine(&self, mutant: &Mutant) -> Result<Record, MutantRunError> {
        let request = mutant.request()?;
        // None while no source is here: then nothing is kept either.
        let key = kernel::key(&request, self.origins)?;
        let kept = key.as_deref().filter(|_| !self.fresh).and_then(|key| {
            let record = self.suite.kept(&self.out, mutant, key);
            record.inspect(|_| self.progress.say(&format!("mutants: {}: kept", mutant.name)))
        });
        if let Some(record) = kept {
            return Ok(record);
        }
        self.progress.say(&format!("mutants: {}", mutant.name));
        let begun = Instant::now();
        let record = match kernel::obtain(&request, self.origins, self.progress) {
            Ok(image) => {
                let built = (!image.cached).then(|| begun.elapsed().as_secs_f64());
                let record = self.run(mutant, &image, built);
                // Also after Ctrl-C: an image that is cached then is nobody's to take away later.
                if !self.keep && !image.cached {
                    kernel::evict(&self.origins.env.cache, &image.key, mutant.is_fragment())?;
                }
                record?
            }
            Err(error) if is_the_mutants(&error) => {
                let why = error.to_string();
                let seconds = Some(begun.elapsed().as_secs_f64());
                self.record(mutant, key.unwrap_or_default(), MutantResult::DoesNotBuild { why }, seconds)
            }
            Err(error) => return Err(error.into()),
        };
        keep(&self.out, mutant, &record)?;
        Ok(record)
    }

    fn run(&self, mutant: &Mutant, image: &Image, built: Option<f64>) -> Result<Record, MutantRunError> {
        let out = self.out.join(&mutant.name);
        if out.exists() {
            fs::remove_dir_all(&out)?;
        }
        let (lab, _saved) = RunEnv::ephemeral(&self.tools, image, self.agent, &out)?;
        let names: Vec<&str> = self.scenarios.iter().map(|one| one.scenario.name.as_str()).collect();
        let order = order(mutant, &names);
        let begun = Instant::now();
        let mut seen = RunSummary::default();
        let work = |place: &usize| run::run(&lab, &self.scenarios[*place], self.seed);
        let each = |place: &usize, report| self.look(mutant.kind, &self.scenarios[*place], report, &mut seen);
        let ended = suite::ordered(&order.places, self.jobs, work, each);
        forget_unseen(&out, &names, &seen)?;
        let outcome = match ended {
            Err(Stop::Error(error)) => return Err(error),
            Err(Stop::NoBoot(why)) => MutantResult::DoesNotBoot { why },
            Ok(()) | Err(Stop::Caught) => match (seen.best, seen.no_answer) {
                (Some(catch), _) => MutantResult::Noticed(catch),
                (None, Some(why)) => MutantResult::NoAnswer { why },
                (None, None) => MutantResult::Unnoticed,
            },
        };
        let record = self.record(mutant, image.key.clone(), outcome, built);
        Ok(Record {
            ran: seen.ran,
            unknown_scenarios: order.unknown,
            run_seconds: begun.elapsed().as_secs_f64(),
            ..record
        })
    }

    /// Takes note of one run that ended.
    fn look(
        &self,
        kind: Kind,
        loaded: &ScenarioSource,
        report: Result<Report, RunError>,
        seen: &mut RunSummary,
    ) -> Result<(), Stop> {
        let name = &loaded.scenario.name;
        let report = match report {
            Ok(report) => report,
            // The kernel, a fragment's for instance, does not have what this scenario asks for.
            Err(RunError::UnsupportedKernel(_)) => {
                seen.ran.push((name.clone(), "unfit".to_owned()));
                return Ok(());
            }
            Err(error) => return Err(Stop::Error(error.into())),
        };
        seen.ran.push((name.clone(), report.verdict.word().to_owned()));
        let catch = match &report.verdict {
            Verdict::Fail(findings) if report.never_began() => {
                return Err(Stop::NoBoot(findings.first().map(ToString::to_string).unwrap_or_default()));
            }
            Verdict::Fail(findings) => Catch::by(findings, name, self.seed),
            Verdict::Pass => self.by_snapshot(loaded, &report),
            Verdict::Infra(why) => {
                seen.no_answer.get_or_insert_with(|| format!("{name}: {why}"));
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
        if seen.best.as_ref().is_none_or(|best| best.strength < catch.strength) {
            seen.best = Some(catch);
        }
        if counts && kind == Kind::Regression && !self.whole { Err(Stop::Caught) } else { Ok(()) }
    }

    /// The behaviour differs from the stored text; those texts are of seed 0.
    fn by_snapshot(&self, loaded: &ScenarioSource, report: &Report) -> Option<Catch> {
        let kind = SnapshotKind::Behaviour;
        if self.seed != 0 || !loaded.scenario.snapshot.contains(&kind) {
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

    fn record(&self, mutant: &Mutant, image: String, outcome: MutantResult, built: Option<f64>) -> Record {
        Record {
            name: mutant.name.clone(),
            kind: mutant.kind,
            header: mutant.header.clone(),
            outcome,
            ran: Vec::new(),
            unknown_scenarios: Vec::new(),
            build_seconds: built,
            run_seconds: 0.0,
            image,
            suite: self.suite.digest.clone(),
            program: self.suite.program.clone(),
        }
    }
}

/// The mutant is why there is no kernel, and not the host.
fn is_the_mutants(error: &KernelError) -> bool {
    matches!(error, KernelError::PatchRefused { .. }) || error.does_not_build()
}

/// Takes away what those of `scenarios` left that were under way when it ended, and that nobody looked at.
fn forget_unseen(out: &Path, scenarios: &[&str], seen: &RunSummary) -> io::Result<()> {
    let looked_at = |name: &str| seen.ran.iter().any(|(ran, _)| ran == name);
    for name in scenarios.iter().filter(|name| !looked_at(name)) {
        let folder = out.join(name);
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_under_way_at_the_end_leaves_nothing_and_what_was_looked_at_stays() {
        let out = tempfile::tempdir().unwrap();
        for name in ["idle", "pull-push"] {
            fs::create_dir_all(out.path().join(name).join("0001")).unwrap();
        }
        let seen = RunSummary { ran: vec![("idle".into(), "fail".into())], ..RunSummary::default() };
        forget_unseen(out.path(), &["idle", "pull-push", "cold"], &seen).unwrap();
        assert!(out.path().join("idle/0001").exists() && !out.path().join("pull-push").exists());
    }
}
