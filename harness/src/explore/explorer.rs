//! Draws scenarios and runs them, several at a time. What passed leaves nothing behind; of findings that are one, the first
//! scenario and its recording stay.

use super::corpus::CorpusError;
use super::drawn::{Drawn, NothingValid};
use super::results::{Example, Explored};
use super::signature::Signature;
use crate::check::{Finding, Verdict};
use crate::host::fault::{Fault, Faulty};
use crate::judge::{ExpectedChange, Report};
use crate::line_coverage::LineCoverageError;
use crate::run::{self, RunEnv, RunError, ScenarioSource, suite};
use fs_err as fs;
use std::io;
use std::num::NonZeroUsize;
use std::time::Instant;

/// Says why a scenario cannot run here, if it cannot.
pub type Unfit<'a> = &'a (dyn Fn(&ScenarioSource) -> Option<String> + Sync);

/// What all runs of an exploration have in common.
pub struct Explorer<'a> {
    /// Tools, kernel, folders.
    pub env: &'a RunEnv,
    /// How many guests run at once.
    pub jobs: NonZeroUsize,
    /// Makes the scenario of a number.
    pub draw: &'a (dyn Fn(u64) -> Result<Drawn, NothingValid> + Sync),
    /// Called with what ran, while its recording is there.
    pub after_run: &'a (dyn Fn(&Drawn, &Report) -> Result<(), ExploreError> + Sync),
    /// No scenario starts after it.
    pub deadline: Option<Instant>,
    /// The rules that the kernel means to change.
    pub changes: &'a [ExpectedChange],
    /// Why a scenario cannot run here, if it cannot.
    pub unfit: Unfit<'a>,
}

/// Why there are no more results.
#[derive(Debug, thiserror::Error)]
pub enum ExploreError {
    /// A run has no verdict.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The grammar gives nothing valid.
    #[error(transparent)]
    NothingValid(#[from] NothingValid),
    /// What a scenario reached is unknown.
    #[error(transparent)]
    Coverage(#[from] LineCoverageError),
    /// The folder of what is kept.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    /// The results cannot be written.
    #[error("cannot write results: {0}")]
    Io(#[from] io::Error),
}

impl Faulty for ExploreError {
    fn fault(&self) -> Fault {
        match self {
            ExploreError::Run(error) => error.fault(),
            ExploreError::NothingValid(_) => Fault::Infra,
            ExploreError::Coverage(error) => error.fault(),
            ExploreError::Corpus(error) => error.fault(),
            ExploreError::Io(error) => error.fault(),
        }
    }
}

/// What came of one number.
pub enum NumberResult {
    /// It was run.
    Ran(Box<Report>),
    /// It cannot run here, for this reason.
    Unfit(String),
}

/// What a worker has.
enum Work {
    /// The time was over.
    Late,
    Done(Box<Drawn>, NumberResult),
}

/// Why no more results are wanted.
enum Stop {
    Late,
    Error(ExploreError),
}

impl Explorer<'_> {
    /// Runs the scenarios of these numbers, and passes each to `each` in their order, before what needs not stay is removed.
    ///
    /// # Errors
    /// See [`ExploreError`].
    pub fn run<E: From<ExploreError>>(
        &self,
        numbers: &[u64],
        results: &mut Explored,
        mut each: impl FnMut(&Drawn, &NumberResult, &Explored) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut failed = None;
        let work = |number: &u64| self.work(*number);
        let ended = suite::ordered(numbers, self.jobs, work, |_, work| match work {
            Err(error) => Err(Stop::Error(error)),
            Ok(Work::Late) => Err(Stop::Late),
            Ok(Work::Done(drawn, one)) => {
                self.add(&drawn, &one, results).map_err(Stop::Error)?;
                if let Err(error) = each(&drawn, &one, results) {
                    failed = Some(error);
                    return Err(Stop::Late);
                }
                self.tidy(&drawn, &one, results).map_err(|cause| Stop::Error(cause.into()))
            }
        });
        match (failed, ended) {
            (Some(error), _) => Err(error),
            (None, Err(Stop::Error(error))) => Err(error.into()),
            (None, Ok(()) | Err(Stop::Late)) => Ok(()),
        }
    }

    fn work(&self, number: u64) -> Result<Work, ExploreError> {
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Ok(Work::Late);
        }
        let drawn = (self.draw)(number)?;
        let one = match (self.unfit)(&drawn.source) {
            Some(why) => NumberResult::Unfit(why),
            None => match run::confirmed(self.env, &drawn.source, number, self.changes, || ()) {
                Ok(report) => {
                    (self.after_run)(&drawn, &report)?;
                    NumberResult::Ran(Box::new(report))
                }
                Err(RunError::UnsupportedKernel(why)) => NumberResult::Unfit(why.to_string()),
                Err(error) => return Err(error.into()),
            },
        };
        Ok(Work::Done(Box::new(drawn), one))
    }

    fn add(&self, drawn: &Drawn, one: &NumberResult, results: &mut Explored) -> Result<(), ExploreError> {
        results.redrawn += drawn.refused.len();
        let NumberResult::Ran(report) = one else {
            results.skipped.push(drawn.number);
            return Ok(());
        };
        match &report.verdict {
            Verdict::Pass => results.passed.push(drawn.number),
            Verdict::Skip(_) => results.skipped.push(drawn.number),
            Verdict::Infra(_) | Verdict::Unstable(_) => results.no_result.push(drawn.number),
            Verdict::Fail(findings) => {
                let scenario = self.env.out.join(format!("{}.yaml", drawn.source.scenario.name));
                let (sentence, recording) = (String::new(), report.dir.clone());
                let example = Example { sentence, seed: drawn.number, scenario, recording };
                results.add_failure(drawn.number, with_sentences(&report.verdict, findings), &example);
                if results.is_example(drawn.number) {
                    fs::write(&example.scenario, &drawn.source.text)?;
                }
            }
        }
        Ok(())
    }

    /// Removes the recording of a run that nothing is about.
    fn tidy(&self, drawn: &Drawn, one: &NumberResult, results: &Explored) -> io::Result<()> {
        let NumberResult::Ran(report) = one else { return Ok(()) };
        let stays = results.is_example(drawn.number) || results.no_result.contains(&drawn.number);
        if stays { Ok(()) } else { run::remove_recording(report) }
    }
}

/// Each signature of a failed run, with the sentence of its first finding.
fn with_sentences(verdict: &Verdict, findings: &[Finding]) -> Vec<(Signature, String)> {
    let sentence = |signature: &Signature| {
        let finding = findings.iter().find(|finding| Signature::of(finding) == *signature);
        finding.map(Finding::sentence).unwrap_or_default()
    };
    Signature::all(verdict).into_iter().map(|signature| (signature.clone(), sentence(&signature))).collect()
}
