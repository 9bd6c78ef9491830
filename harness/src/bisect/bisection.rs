//! One step: the kernel with so many patches is built, or found in the cache, and the scenario runs on it.

use super::series::Series;
use super::step::{Failure, Step, StepVerdict};
use super::store::{self, Wanted};
use crate::check::{Finding, Verdict};
use crate::host::progress::Progress;
use crate::kernel::{self, Image, Origins, Patch, Request};
use crate::mutants::{MutantRunError, Suite};
use crate::run::{self, Report, RunEnv, RunError, ScenarioSource, SeedRange, Sweep};
use crate::setup::Tools;
use fs_err as fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Instant;

/// What all steps have in common.
#[derive(Debug)]
pub struct Bisection<'a> {
    /// QEMU and virtme-ng.
    pub tools: Tools,
    /// The source and the cache.
    pub origins: &'a Origins,
    /// The guest's `/init`.
    pub agent: &'static [u8],
    /// The kernel without the series.
    pub base: Request,
    /// The series.
    pub series: &'a Series,
    /// The scenario.
    pub loaded: &'a ScenarioSource,
    /// A name for it.
    pub suite: &'a Suite,
    /// It fails if it fails with one of these.
    pub seeds: SeedRange,
    /// How many guests run at once.
    pub jobs: NonZeroUsize,
    /// The only finding that counts as bad; none: each does.
    pub finding: Option<&'a str>,
    /// Steps and recordings go below this folder.
    pub out: PathBuf,
    /// Kept steps are not used.
    pub fresh: bool,
    /// Where progress is told.
    pub progress: &'a Progress,
}

/// Why a step's seeds end early.
enum Stop {
    /// One run decides.
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
    /// What comes of the first `applied` patches: the kept step, or a new one, which is then kept. Its image stays in
    /// the cache, so that a later call and the commands of the report build nothing.
    ///
    /// # Errors
    /// What stops damonlab, and a patch that does not apply; a kernel that does not build or boot is a step.
    pub fn examine(&self, applied: usize) -> Result<Step, MutantRunError> {
        let mut request = self.base.clone();
        request.patches.extend(self.series.patches.iter().take(applied).cloned());
        // None for a tree, which has to be looked at first, and while no source is here.
        if let Some(step) = kernel::key(&request, self.origins)?.and_then(|key| self.kept(applied, &key)) {
            return Ok(step);
        }
        self.progress.say(&format!("bisect: {} of {} patches", applied, self.series.patches.len()));
        let begun = Instant::now();
        let image = match kernel::obtain(&request, self.origins, self.progress) {
            Ok(image) => image,
            Err(error) if error.does_not_build() => {
                let seconds = Some(begun.elapsed().as_secs_f64());
                let outcome = StepVerdict::DoesNotBuild { why: error.to_string() };
                return Ok(self.step(applied, outcome, seconds, String::new()));
            }
            Err(error) => return Err(error.into()),
        };
        let built = (!image.cached).then(|| begun.elapsed().as_secs_f64());
        if let Some(step) = self.kept(applied, &image.key) {
            return Ok(step);
        }
        let begun = Instant::now();
        let (outcome, recording) = self.run(applied, &image)?;
        let step = Step {
            run_seconds: begun.elapsed().as_secs_f64(),
            recording,
            ..self.step(applied, outcome, built, image.key)
        };
        store::keep(&self.out, &self.loaded.scenario.name, &step)?;
        Ok(step)
    }

    fn kept(&self, applied: usize, image: &str) -> Option<Step> {
        let asked = self.asked();
        let wanted = Wanted { suite: self.suite, asked: &asked, image };
        let kept = || store::kept(&self.out, applied, &self.loaded.scenario.name, wanted);
        if self.fresh { None } else { kept() }
    }

    /// What decides a step besides its kernel and its scenario.
    fn asked(&self) -> String {
        let finding = self.finding.map(|id| format!(" for {id}")).unwrap_or_default();
        format!("{}{finding}", self.seeds)
    }

    fn run(&self, applied: usize, image: &Image) -> Result<(StepVerdict, Option<PathBuf>), MutantRunError> {
        let scenario = &self.loaded.scenario;
        let out = store::folder(&self.out, applied);
        let recordings = out.join(&scenario.name);
        if recordings.exists() {
            fs::remove_dir_all(&recordings)?;
        }
        let (lab, _saved) = RunEnv::ephemeral(&self.tools, image, self.agent, &out)?;
        let one = |seed| run::run(&lab, self.loaded, seed);
        match run::sweep(scenario, self.seeds, self.jobs, one, |seed, report| self.look(seed, report)) {
            Ok(sweep) => {
                let recording = sweep.runs.first().map(|(_, report)| report.dir.clone());
                Ok((self.together(&sweep), recording))
            }
            Err(Stop::Decided(outcome, recording)) => Ok((outcome, Some(recording))),
            Err(Stop::Error(RunError::UnsupportedKernel(unfit))) => {
                Ok((StepVerdict::CannotJudge { why: unfit.to_string() }, None))
            }
            Err(Stop::Error(error)) => Err(error.into()),
        }
    }

    /// Ends a step's seeds with the first that decides.
    fn look(&self, seed: u64, report: &Report) -> Result<(), Stop> {
        let outcome = match &report.verdict {
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
        Err(Stop::Decided(outcome, report.dir.clone()))
    }

    /// What all seeds say together, where none of them decided.
    fn together(&self, sweep: &Sweep) -> StepVerdict {
        match &sweep.verdict {
            Verdict::Pass => StepVerdict::Good,
            Verdict::Fail(findings) if self.counts(findings) => {
                StepVerdict::Bad(self.failure(findings, None))
            }
            Verdict::Fail(findings) => StepVerdict::Otherwise(self.failure(findings, None)),
            Verdict::Skip(why) => StepVerdict::CannotJudge { why: why.clone() },
            Verdict::Unstable(why) => {
                StepVerdict::CannotJudge { why: format!("the same run gave two answers: {why}") }
            }
            Verdict::Infra(why) => StepVerdict::NoAnswer { why: why.clone() },
        }
    }

    fn counts(&self, findings: &[Finding]) -> bool {
        self.finding.is_none_or(|id| findings.iter().any(|finding| finding.id == id))
    }

    fn failure(&self, findings: &[Finding], seed: Option<u64>) -> Failure {
        Failure::by(findings, self.finding, seed)
    }

    fn step(&self, applied: usize, outcome: StepVerdict, built: Option<f64>, image: String) -> Step {
        let last = applied.checked_sub(1).and_then(|index| self.series.patches.get(index));
        Step {
            applied,
            patch: last.map(Patch::title),
            outcome,
            build_seconds: built,
            run_seconds: 0.0,
            recording: None,
            image,
            suite: self.suite.digest.clone(),
            program: self.suite.program.clone(),
            asked: self.asked(),
            kept: false,
        }
    }
}
