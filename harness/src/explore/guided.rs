//! Explores with the lines of the kernel as a guide: what reached lines that nothing before it did is kept, and later scenarios
//! may be variations of what is kept: half of them at first, then more or fewer, as they turn out to reach new lines.
//!
//! The scenarios of a batch depend on what the batches before it kept, and on nothing else, so the results do not depend
//! on how long a run takes or on how many run at once.

use super::corpus::{Corpus, CorpusError, Kept, NewLines, Reached};
use super::drawn::{self, Donors, Drawn, NothingValid, shipped, variation};
use super::explorer::{ExploreError, Explorer, NumberResult, Unfit};
use super::grammar::Focus;
use super::results::Explored;
use crate::check::Verdict;
use crate::judge::{ExpectedChange, Report};
use crate::line_coverage::{self, Counts, GcovTool, LineCoverageError, MeasuredFiles};
use crate::run::{self, RunEnv, ScenarioSource, suite};
use crate::scenario::Draw;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// How many scenarios are drawn from the same corpus.
const BATCH: usize = 16;

/// So many of 100 scenarios are variations at least and at most, once there is something to vary.
const VARIATIONS: (u64, u64) = (20, 80);

/// How the lines of a kernel are read that counts them.
pub struct Kernel {
    /// gcov.
    pub tool: GcovTool,
    /// The `.gcno` files of the kernel.
    pub notes: PathBuf,
    /// The files whose lines count.
    pub files: MeasuredFiles,
}

/// An exploration that a kernel's lines guide.
pub struct Guided<'a> {
    /// Tools, kernel, folders.
    pub env: &'a RunEnv,
    /// How many guests run at once.
    pub jobs: NonZeroUsize,
    /// The seed of the scenarios.
    pub seed: u64,
    /// The parts that drawn ones lean on.
    pub focus: &'a Focus,
    /// No scenario starts after it.
    pub deadline: Option<Instant>,
    /// The rules that the kernel means to change.
    pub changes: &'a [ExpectedChange],
    /// Why a scenario cannot run here, if it cannot.
    pub unfit: Unfit<'a>,
    /// The command that repeats a file with a seed.
    pub repeat: &'a (dyn Fn(&Path, u64) -> String + Sync),
    /// How lines are read.
    pub kernel: &'a Kernel,
    /// Where scenarios are kept.
    pub corpus: &'a Corpus,
}

/// What is known before a batch: the scenarios that are kept, and the lines that they and all others reached.
#[derive(Debug, Default)]
pub struct Known {
    /// The scenarios that can be varied.
    pub kept: Vec<Kept>,
    /// What was reached.
    pub reached: Reached,
    /// What came of drawn scenarios.
    pub drawn: Yield,
    /// What came of variations.
    pub varied: Yield,
    /// The scenarios that were in the folder before and do not pass.
    pub failing: Vec<String>,
}

/// How many scenarios of a kind ended, and how many of them are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Yield {
    /// How many ended.
    pub ended: u64,
    /// How many are kept.
    pub kept: u64,
}

impl Yield {
    fn add(&mut self, new: &NewLines) {
        self.ended += 1;
        self.kept += u64::from(new.count > 0);
    }
}

impl Known {
    /// So many of 100 scenarios of the next batch are variations: as many as are kept of 100 variations, compared with drawn
    /// scenarios. One more of each than there were counts as kept, so that few results decide little.
    fn share_of_variations(&self) -> u32 {
        let per_mille = |Yield { ended, kept }: Yield| (kept + 1) * 1000 / (ended + 2);
        let (drawn, varied) = (per_mille(self.drawn), per_mille(self.varied));
        let share = (varied * 100).checked_div(drawn + varied).unwrap_or(50);
        u32::try_from(share.clamp(VARIATIONS.0, VARIATIONS.1)).unwrap_or(50)
    }
}

impl Guided<'_> {
    /// Runs the scenarios that the folder had before, with seed 0, to know what they reach.
    ///
    /// # Errors
    /// See [`ExploreError`].
    pub fn start(&self, known: Vec<(Kept, ScenarioSource)>) -> Result<Known, ExploreError> {
        let mut all = Known::default();
        let work = |(_, source): &(Kept, ScenarioSource)| self.run_known(source);
        suite::ordered(&known, self.jobs, work, |(kept, _), counts| {
            match counts? {
                Some(counts) => {
                    all.reached.add(&counts);
                    all.kept.push(kept.clone());
                }
                None => all.failing.push(kept.name.clone()),
            }
            Ok::<(), ExploreError>(())
        })?;
        Ok(all)
    }

    /// What a scenario of the folder reaches; nothing if it does not pass here.
    fn run_known(&self, source: &ScenarioSource) -> Result<Option<Counts>, ExploreError> {
        if (self.unfit)(source).is_some() {
            return Ok(None);
        }
        let report = run::confirmed(self.env, source, 0, self.changes, || ())?;
        let counts = self.counts(&report)?;
        run::remove_recording(&report)?;
        Ok(counts)
    }

    /// What a run reached; nothing if it did not pass.
    fn counts(&self, report: &Report) -> Result<Option<Counts>, ExploreError> {
        if report.verdict != Verdict::Pass {
            return Ok(None);
        }
        let Kernel { tool, notes, files } = self.kernel;
        match line_coverage::collect(tool, &report.dir, &report.scenario, notes, files) {
            Ok(counts) => Ok(Some(counts)),
            Err(LineCoverageError::NoCounts(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Runs the scenarios of these numbers, and passes each to `each` in their order, with the lines that it was the first to
    /// reach.
    ///
    /// # Errors
    /// See [`ExploreError`], and those of `each`.
    pub fn run<E: From<ExploreError>>(
        &self,
        numbers: &[u64],
        known: &mut Known,
        results: &mut Explored,
        mut each: impl FnMut(&Drawn, &NumberResult, &NewLines, &Explored) -> Result<(), E>,
    ) -> Result<(), E> {
        let shipped = shipped().map_err(|error| ExploreError::from(CorpusError::from(error)))?;
        for batch in numbers.chunks(BATCH) {
            if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                break;
            }
            let share = known.share_of_variations();
            let donors = Donors { kept: &known.kept, shipped: &shipped };
            let (reached, ran) = (&mut known.reached, (&mut known.drawn, &mut known.varied));
            let counted: Mutex<BTreeMap<u64, Counts>> = Mutex::default();
            let counted = || counted.lock().unwrap_or_else(PoisonError::into_inner);
            let explorer = Explorer {
                env: self.env,
                jobs: self.jobs,
                draw: &|number| self.draw(number, share, &donors),
                after_run: &|drawn, report| {
                    if let Some(counts) = self.counts(report)? {
                        counted().insert(drawn.number, counts);
                    }
                    Ok(())
                },
                deadline: self.deadline,
                changes: self.changes,
                unfit: self.unfit,
            };
            let mut added = Vec::new();
            explorer.run(batch, results, |drawn, result, all| {
                let new =
                    counted().remove(&drawn.number).map(|counts| reached.add(&counts)).unwrap_or_default();
                if drawn.made_of.is_some() {
                    ran.1.add(&new)
                } else {
                    ran.0.add(&new)
                }
                if new.count > 0 {
                    added.push(self.keep(drawn, &new)?);
                }
                each(drawn, result, &new, all)
            })?;
            known.kept.extend(added);
        }
        Ok(())
    }

    /// The scenario of a number: a variation of what is kept, or a new one.
    fn draw(&self, number: u64, share: u32, donors: &Donors<'_>) -> Result<Drawn, NothingValid> {
        let mut draw = Draw::of(self.seed, number, "guide");
        if !donors.kept.is_empty() && draw.chance(share) {
            let one = draw.pick(donors.kept);
            if let Some(varied) = variation(self.seed, number, one, donors, self.focus) {
                return Ok(varied);
            }
        }
        drawn::draw(self.seed, number, self.focus)
    }

    fn keep(&self, drawn: &Drawn, new: &NewLines) -> Result<Kept, ExploreError> {
        let name = &drawn.source.scenario.name;
        let repeat = |file: &Path| (self.repeat)(file, drawn.number);
        Ok(self.corpus.add(name, &drawn.tree, new, drawn.made_of.as_deref(), repeat)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_variations_is_half_at_first_and_follows_what_is_kept_within_bounds() {
        let share = |drawn: (u64, u64), varied: (u64, u64)| {
            let of = |(kept, ended)| Yield { ended, kept };
            Known { drawn: of(drawn), varied: of(varied), ..Known::default() }.share_of_variations()
        };
        assert_eq!(share((0, 0), (0, 0)), 50);
        assert_eq!(share((9, 48), (9, 48)), 50);
        assert_eq!(share((8, 45), (2, 51)), 22);
        assert_eq!(share((16, 16), (0, 90)), 20);
        assert_eq!(share((0, 90), (16, 16)), 80);
    }
}
