//! One run and its verdict, for those who report it; a stored recording gives one too.

use super::judgement::Judgement;
use super::{console_log, recording_verdict};
use crate::check::{Finding, Verdict};
use crate::recording::compare::{Difference, Extent};
use crate::recording::{AcceleratorName, Meta, Recording, RecordingError};
use crate::scenario::{GuestClock, Scenario};
use damonlab_protocol::plan::READY_MARK;
use serde::Serialize;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A run that came to a verdict.
#[derive(Debug)]
pub struct Report {
    /// The scenario's name.
    pub scenario: String,
    /// Its summary.
    pub summary: String,
    /// The machine's name, where it has one.
    pub machine: Option<String>,
    /// The kernel, for people.
    pub kernel: String,
    /// QEMU's version, if it is known.
    pub qemu: Option<String>,
    /// The clock of the guest.
    pub clock: GuestClock,
    /// What executed its instructions, if that is known.
    pub accelerator: Option<AcceleratorName>,
    /// The folder with everything.
    pub dir: PathBuf,
    /// The verdict.
    pub verdict: Verdict,
    /// All that was checked, where a recording came.
    pub judgement: Option<Judgement>,
    /// What violates a rule that the kernel means to change.
    pub intended: Vec<Intended>,
    /// What went another way than usual and made no difference.
    pub notes: Vec<String>,
    /// How much guest time the scenario asks for.
    pub guest_time: Duration,
    /// How long it took; none for a recording that was judged again.
    pub wall_time: Option<Duration>,
    /// The result of repeating it, if it was repeated.
    pub repeated: Option<Repeated>,
}

/// A finding that is none, because its rule is meant to change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Intended {
    /// What the kernel does now.
    pub finding: Finding,
    /// Why, in the user's words.
    pub why: String,
}

/// What came of repeating a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repeated {
    /// All recordings are the same.
    Same {
        /// How many runs there were.
        runs: NonZeroU32,
        /// How much of each was compared.
        extent: Extent,
    },
    /// A run ended it: the verdict is this run's, or is about this run.
    Ended {
        /// Which, from 1.
        run: u32,
        /// Of how many.
        of: NonZeroU32,
        /// Where its recording parts from the first one's, if it has a verdict of its own and a recording.
        parted: Option<Box<Difference>>,
    },
}

impl Report {
    /// It failed without a recording, and the console does not have the agent's first words: the kernel does not boot.
    pub fn never_began(&self) -> bool {
        let failed = matches!(self.verdict, Verdict::Fail(_)) && self.judgement.is_none();
        failed && !console_log::text(&self.dir).contains(READY_MARK)
    }
}

/// Judges a stored recording with today's rules.
///
/// # Errors
/// It cannot be read.
pub fn rejudge(dir: &Path) -> Result<Report, RecordingError> {
    Recording::load(dir).map(judged)
}

/// The report of a recording.
pub(super) fn judged(recording: Recording) -> Report {
    let (verdict, judgement) = recording_verdict::verdict(&recording);
    stored(recording.dir, &recording.meta, &recording.scenario, verdict, judgement)
}

/// The report of the stored run in `dir`.
pub(super) fn stored(
    dir: PathBuf,
    meta: &Meta,
    scenario: &Scenario,
    verdict: Verdict,
    judgement: Option<Judgement>,
) -> Report {
    Report {
        scenario: meta.scenario.to_string(),
        summary: scenario.summary.clone(),
        machine: meta.machine.clone(),
        kernel: meta.kernel.clone(),
        qemu: Some(meta.qemu.clone()),
        guest_time: scenario.guest_time().into(),
        clock: meta.clock,
        accelerator: meta.accelerator(),
        dir,
        verdict,
        judgement,
        intended: Vec::new(),
        notes: Vec::new(),
        wall_time: None,
        repeated: None,
    }
}
