//! Shrinks a scenario in reality: candidates run on a kernel, as many at once as there are slots, and what is left becomes a
//! file for people, with its finding and the command that repeats it on top.

use super::drawn::read;
use super::explorer::{ExploreError, Unfit};
use super::results::{Example, Smallest};
use super::shrinker::{Oracle, Shrunk, shrink};
use super::signature::Signature;
use super::tree::Tree;
use crate::check::{Finding, Verdict};
use crate::host::progress::Progress;
use crate::host::text::excerpt;
use crate::judge::{ExpectedChange, Report};
use crate::run::{self, RunEnv, RunError, ScenarioSource, suite};
use fs_err as fs;
use std::num::NonZeroUsize;
use std::path::Path;

/// What all scenarios that one command shrinks have in common.
pub struct Shrinking<'a> {
    /// Tools, kernel, folders.
    pub env: &'a RunEnv,
    /// How many guests run at once.
    pub jobs: NonZeroUsize,
    /// How many runs a scenario may take.
    pub runs: usize,
    /// Where progress is reported.
    pub progress: &'a Progress,
    /// The rules that the kernel means to change.
    pub changes: &'a [ExpectedChange],
    /// Why a scenario cannot run here, if it cannot.
    pub unfit: Unfit<'a>,
    /// The command that repeats a file with a seed.
    pub repeat: &'a (dyn Fn(&Path, u64) -> String + Sync),
}

/// A scenario that fails.
pub struct Failing<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its text, as values.
    pub tree: Tree,
    /// A file beside which the machines lie that it may name.
    pub beside: &'a Path,
    /// The seed with which it fails.
    pub seed: u64,
    /// Its finding.
    pub signature: &'a Signature,
}

/// Candidates on a kernel.
struct Kernel<'a> {
    shrinking: &'a Shrinking<'a>,
    failing: &'a Failing<'a>,
    /// Where recordings of candidates lie until they are judged.
    env: RunEnv,
    seed: u64,
}

impl Oracle for Kernel<'_> {
    type Error = ExploreError;

    fn is_valid(&self, tree: &Tree) -> bool {
        self.source(tree).is_ok_and(|source| (self.shrinking.unfit)(&source).is_none())
    }

    fn first_that_fails(&mut self, candidates: &[Tree]) -> Result<Option<usize>, ExploreError> {
        let places: Vec<usize> = (0..candidates.len()).collect();
        let each = |place: &usize, fails: Result<bool, ExploreError>| match fails {
            Ok(false) => Ok(()),
            Ok(true) => Err(Ok(*place)),
            Err(error) => Err(Err(error)),
        };
        let work = |place: &usize| self.fails(&candidates[*place]);
        match suite::ordered(&places, self.shrinking.jobs, work, each) {
            Ok(()) => Ok(None),
            Err(Ok(place)) => {
                let (name, size) = (self.failing.name, candidates[place].size());
                self.shrinking.progress.hint(&format!("shrink: {name}: {size} values are left"));
                Ok(Some(place))
            }
            Err(Err(error)) => Err(error),
        }
    }
}

impl Kernel<'_> {
    fn source(&self, tree: &Tree) -> Result<ScenarioSource, Box<crate::scenario::ScenarioError>> {
        Ok(read(self.failing.name, tree, self.failing.beside)?)
    }

    /// Whether the tree, which is valid, has the finding.
    fn fails(&self, tree: &Tree) -> Result<bool, ExploreError> {
        let source = self.source(tree).map_err(RunError::from)?;
        match run::confirmed(&self.env, &source, self.seed, self.shrinking.changes, || ()) {
            Ok(report) => {
                run::remove_recording(&report)?;
                Ok(Signature::all(&report.verdict).contains(self.failing.signature))
            }
            Err(RunError::UnsupportedKernel(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl Shrinking<'_> {
    /// The smallest scenario that still has the finding, as a file `NAME-FINDING.yaml` below the results with its recording.
    /// None where not even the scenario itself has it when it runs again.
    ///
    /// # Errors
    /// See [`ExploreError`].
    pub fn smallest(&self, failing: &Failing<'_>) -> Result<Option<Smallest>, ExploreError> {
        let folder = tempfile::tempdir_in(&self.env.out)?;
        let env = RunEnv { out: folder.path().to_owned(), ..self.env.clone() };
        let mut kernel = Kernel { shrinking: self, failing, env, seed: 0 };
        let mut used = 0;
        // Seed 0 is what a person would type; otherwise the one that it failed with.
        if failing.seed != 0 && self.runs > 0 {
            used = 1;
            if !kernel.fails(&failing.tree)? {
                kernel.seed = failing.seed;
            }
        }
        let from = failing.tree.size();
        let Shrunk { tree, runs, done } = shrink(failing.tree.clone(), self.runs - used, &mut kernel)?;
        let name = format!("{}-{}", failing.name, failing.signature.slug());
        let Some((example, size)) = self.write(failing, &name, tree, kernel.seed)? else { return Ok(None) };
        Ok(Some(Smallest { example, size, from, runs: runs + used, done }))
    }

    /// Runs what is left once more, for its recording, and writes its file.
    fn write(
        &self,
        failing: &Failing<'_>,
        name: &str,
        mut tree: Tree,
        seed: u64,
    ) -> Result<Option<(Example, usize)>, ExploreError> {
        let size = tree.size();
        let summary = format!(
            "A small scenario in which {} is violated, made of {}.",
            failing.signature.id, failing.name
        );
        tree.set_in_place("summary", summary.into());
        let source = read(name, &tree, failing.beside).map_err(|error| RunError::from(Box::new(error)))?;
        let report = run::confirmed(self.env, &source, seed, self.changes, || ())?;
        let Some(finding) = finding_of(&report, failing.signature) else {
            run::remove_recording(&report)?;
            return Ok(None);
        };
        let scenario = self.env.out.join(format!("{name}.yaml"));
        let comment = format!(
            "# Finding: {}: {}\n# Made of {}. Repeat it: {}\n",
            finding.origin,
            excerpt(&finding.sentence()),
            failing.name,
            (self.repeat)(&scenario, seed)
        );
        fs::write(&scenario, format!("{comment}{}", source.text))?;
        let example = Example { sentence: finding.sentence(), seed, scenario, recording: report.dir };
        Ok(Some((example, size)))
    }
}

/// The first finding with a signature.
fn finding_of(report: &Report, signature: &Signature) -> Option<Finding> {
    let Verdict::Fail(findings) = &report.verdict else { return None };
    findings.iter().find(|finding| Signature::of(finding) == *signature).cloned()
}
