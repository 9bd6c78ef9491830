//! Takes one step: builds the kernel with the first patches of the series, or finds it in the cache, and runs the scenario.

use super::series::Series;
use super::step::{Step, StepVerdict};
use super::store::{self, StepKey};
use crate::check::{Finding, Verdict};
use crate::host::progress::Progress;
use crate::judge::{self, ExpectedChange, Report, Sweep};
use crate::kernel::{self, BuildRequest, Image, Origins, Patch};
use crate::mutants::SuiteKey;
use crate::run::{self, Failure, KernelRunError, RunEnv, RunError, ScenarioSource, SeedRange};
use crate::setup::Tools;
use fs_err as fs;
use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Instant;

/// What all steps have in common.
#[derive(Debug)]
pub struct Bisection<'a> {
    /// QEMU and virtme-ng.
    pub tools: Tools,
    /// The sources of kernels and the cache.
    pub origins: &'a Origins,
    /// The guest's `/init`.
    pub agent: &'static [u8],
    /// The kernel without the series.
    pub base: BuildRequest,
    /// The series.
    pub series: &'a Series,
    /// The scenario.
    pub source: &'a ScenarioSource,
    /// The key of the scenario.
    pub suite: &'a SuiteKey,
    /// The seeds; one that fails makes the step bad.
    pub seeds: SeedRange,
    /// How many guests run at once.
    pub jobs: NonZeroUsize,
    /// The only finding that counts as bad; none: every finding does.
    pub finding: Option<&'a str>,
    /// The rules that the series means to change: what violates them is not bad.
    pub changes: &'a [ExpectedChange],
    /// The folder of the steps and recordings.
    pub out: PathBuf,
    /// Whether stored steps are ignored.
    pub fresh: bool,
    /// Where progress is reported.
    pub progress: &'a Progress,
}

/// Why the seeds of a step end early.
enum Stop {
    /// One run decides the step.
    Decided(StepVerdict, PathBuf),
    /// There is no verdict.
    Error(RunError),
}

impl From<RunError> for Stop {
    fn from(error: RunError) -> Stop {
        Stop::Error(error)
    }
}

impl Bisection<'_> {
    /// The step with the first `applied` patches: the stored one, or else a new one, which is then stored. Its image stays
    /// in the cache, so that neither a later invocation nor the commands of the report build it again.
    ///
    /// # Errors
    /// What stops damonlab, and a patch that does not apply. A kernel that does not build or boot is a step.
    pub fn examine(&self, applied: usize) -> Result<Step, KernelRunError> {
        let mut request = self.base.clone();
        request.patches.extend(self.series.patches.iter().take(applied).cloned());
        // None for a tree, whose files have to be read first, and while the source is not in the cache.
        if let Some(step) = kernel::key(&request, self.origins)?.and_then(|key| self.stored(applied, &key)) {
            return Ok(step);
        }
        self.progress.hint(&format!("bisect: {} of {} patches", applied, self.series.patches.len()));
        let begun = Instant::now();
        let image = match kernel::obtain_build(&request, self.origins, self.progress) {
            Ok(image) => image,
            Err(error) if error.does_not_build() => {
                let seconds = Some(begun.elapsed().as_secs_f64());
                let verdict = StepVerdict::DoesNotBuild { why: error.to_string() };
                return Ok(self.step(applied, verdict, seconds, String::new()));
            }
            Err(error) => return Err(error.into()),
        };
        let built = (!image.cached).then(|| begun.elapsed().as_secs_f64());
        if let Some(step) = self.stored(applied, &image.key) {
            return Ok(step);
        }
        let begun = Instant::now();
        let mut intended = BTreeSet::new();
        let (verdict, recording) = self.run(applied, &image, &mut intended)?;
        let step = Step {
            run_seconds: begun.elapsed().as_secs_f64(),
            recording,
            intended,
            ..self.step(applied, verdict, built, image.key.to_string())
        };
        store::save(&self.out, &self.source.scenario.name, &step)?;
        Ok(step)
    }

    fn stored(&self, applied: usize, image: &str) -> Option<Step> {
        if self.fresh {
            return None;
        }
        let key = StepKey { suite: self.suite, criteria: &self.criteria(), image };
        let step = store::load(&self.out, applied, &self.source.scenario.name, key)?;
        judge::seen_before(self.changes, &step.intended);
        Some(step)
    }

    /// What decides a step besides its kernel and its scenario.
    fn criteria(&self) -> String {
        let finding = self.finding.map(|id| format!(" for {id}")).unwrap_or_default();
        format!("{}{finding}", self.seeds)
    }

    /// The verdict and the recording that decided; `intended` gets the rules that were violated as intended.
    fn run(
        &self,
        applied: usize,
        image: &Image,
        intended: &mut BTreeSet<String>,
    ) -> Result<(StepVerdict, Option<PathBuf>), KernelRunError> {
        let scenario = &self.source.scenario;
        let out = store::folder(&self.out, applied);
        let recordings = out.join(&scenario.name);
        if recordings.exists() {
            fs::remove_dir_all(&recordings)?;
        }
        let (env, _checkpoints) = RunEnv::ephemeral(&self.tools, image, self.agent, &out)?;
        let one =
            |seed| run::run(&env, self.source, seed).map(|report| report.with_expected_changes(self.changes));
        let each = |seed, report: &Report| self.decide(seed, report, intended);
        match run::sweep(scenario, self.seeds, self.jobs, one, each) {
            Ok(sweep) => {
                let recording = sweep.runs.first().map(|(_, report)| report.dir.clone());
                Ok((self.of_all_seeds(&sweep), recording))
            }
            Err(Stop::Decided(verdict, recording)) => Ok((verdict, Some(recording))),
            Err(Stop::Error(RunError::UnsupportedKernel(unsupported))) => {
                Ok((StepVerdict::CannotJudge { why: unsupported.to_string() }, None))
            }
            Err(Stop::Error(error)) => Err(error.into()),
        }
    }

    /// Stops with the first run that decides the step alone. `intended` gets the rules that it violates as intended.
    fn decide(&self, seed: u64, report: &Report, intended: &mut BTreeSet<String>) -> Result<(), Stop> {
        intended.extend(report.intended_rules());
        let verdict = match &report.verdict {
            Verdict::Fail(findings) if report.never_began() => {
                let why = findings.first().map(ToString::to_string).unwrap_or_default();
                StepVerdict::DoesNotBoot { why }
            }
            Verdict::Fail(findings) if self.counts(findings) => {
                StepVerdict::Bad(self.failure(findings, Some(seed)))
            }
            Verdict::Infra(why) => StepVerdict::NoAnswer { why: why.clone() },
            Verdict::Fail(_) | Verdict::Pass | Verdict::Skip(_) | Verdict::Unstable(_) => return Ok(()),
        };
        Err(Stop::Decided(verdict, report.dir.clone()))
    }

    /// The verdict of all seeds, none of which decided alone.
    fn of_all_seeds(&self, sweep: &Sweep) -> StepVerdict {
        match &sweep.verdict {
            Verdict::Pass => StepVerdict::Good,
            Verdict::Fail(findings) if self.counts(findings) => {
                StepVerdict::Bad(self.failure(findings, None))
            }
            Verdict::Fail(findings) => StepVerdict::Otherwise(self.failure(findings, None)),
            Verdict::Skip(why) => StepVerdict::CannotJudge { why: why.clone() },
            Verdict::Unstable(why) => StepVerdict::CannotJudge { why: format!("the run is unstable: {why}") },
            Verdict::Infra(why) => StepVerdict::NoAnswer { why: why.clone() },
        }
    }

    fn counts(&self, findings: &[Finding]) -> bool {
        self.finding.is_none_or(|id| findings.iter().any(|finding| finding.id() == id))
    }

    fn failure(&self, findings: &[Finding], seed: Option<u64>) -> Failure {
        Failure::by(findings, self.finding, seed)
    }

    fn step(&self, applied: usize, verdict: StepVerdict, built: Option<f64>, image: String) -> Step {
        let last = applied.checked_sub(1).and_then(|index| self.series.patches.get(index));
        Step {
            applied,
            patch: last.map(Patch::title),
            verdict,
            build_seconds: built,
            run_seconds: 0.0,
            intended: BTreeSet::new(),
            recording: None,
            image,
            suite: self.suite.digest.clone(),
            program: self.suite.program.clone(),
            criteria: self.criteria(),
            kept: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Origin;
    use crate::judge::testing::violating;
    use crate::kernel::Source;
    use crate::setup::{Env, Tools};
    use std::path::Path;

    /// What `use_it` makes of a bisection whose series means to change the rule Q2, with its steps below `out`.
    fn bisection<T>(out: &Path, use_it: impl FnOnce(&Bisection<'_>) -> T) -> (T, Vec<String>) {
        let origins = Origins::of(Env { root: "/".into(), path: "".into(), cache: out.join("cache") });
        let source = ScenarioSource::from(&crate::bundled::home().join("scenarios/idle.yaml")).unwrap();
        let q2 = Origin::Rule(judge::rule("Q2").unwrap());
        let changes = [ExpectedChange::new(q2, "why".into(), "--expect-change".into())];
        let bisection = Bisection {
            tools: Tools::default(),
            origins: &origins,
            agent: b"agent",
            base: BuildRequest::of(Source::default()),
            series: &Series { patches: Vec::new(), notes: Vec::new() },
            source: &source,
            suite: &SuiteKey { digest: "suite".into(), program: "program".into() },
            seeds: SeedRange::one(0),
            jobs: NonZeroUsize::MIN,
            finding: None,
            changes: &changes,
            out: out.to_owned(),
            fresh: false,
            progress: &Progress::silent(),
        };
        (use_it(&bisection), judge::not_seen(&changes))
    }

    #[test]
    fn a_step_that_is_used_again_still_shows_the_changes_that_its_runs_showed() {
        let out = tempfile::tempdir().unwrap();
        let mut intended = BTreeSet::new();
        let (step, unseen) = bisection(out.path(), |bisection| {
            let report = violating(&["Q2"]).with_expected_changes(bisection.changes);
            assert!(bisection.decide(0, &report, &mut intended).is_ok(), "what is intended is not bad");
            Step { intended, ..bisection.step(0, StepVerdict::Good, None, "image".into()) }
        });
        assert_eq!((step.intended.iter().map(String::as_str).collect(), unseen), (vec!["Q2"], Vec::new()));
        store::save(out.path(), "idle", &step).unwrap();
        let (stored, unseen) = bisection(out.path(), |bisection| bisection.stored(0, "image"));
        assert_eq!((stored.map(|step| step.intended), unseen), (Some(step.intended), Vec::new()));
        let (none, unseen) = bisection(out.path(), |bisection| bisection.stored(0, "another image"));
        assert_eq!((none, unseen.len()), (None, 1));
    }
}
