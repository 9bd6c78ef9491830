//! Guests on the real clock: a scenario comes to a verdict that says what was not asked, and the
//! accelerator is found by a guest, once.

use super::common::{self, ensure};
use damonlab::check::{REAL_CLOCK, Verdict};
use damonlab::host::paths;
use damonlab::host::progress::Progress;
use damonlab::recording::Recording;
use damonlab::run::{self, RunEnv, ScenarioSource};
use damonlab::scenario::GuestClock;
use damonlab::vm;
use libtest_mimic::Trial;
use std::error::Error;

const TRIALS: &[(&str, common::Check)] = &[
    ("idle_passes_and_nothing_that_compares_times_is_asked", idle),
    ("the_accelerator_is_found_once_and_kept", accelerator),
];

pub fn trials() -> Vec<Trial> {
    common::checks(TRIALS)
}

fn idle(lab: &RunEnv) -> Result<(), Box<dyn Error>> {
    let out = tempfile::tempdir()?;
    let lab = RunEnv { out: out.path().to_owned(), ..lab.clone() };
    let mut loaded = ScenarioSource::from(&paths::project().join("scenarios/idle.yaml"))?;
    loaded.scenario.clock = GuestClock::Real;
    let report = run::run(&lab, &loaded, 0)?;
    ensure(report.verdict == Verdict::Pass, &report.verdict)?;
    let judgement = report.judgement.ok_or("no judgement")?;
    let not_asked: Vec<_> = judgement.skipped.iter().filter(|(_, why)| why == REAL_CLOCK).collect();
    ensure(not_asked.iter().any(|(about, _)| about.id == "G7"), &judgement.skipped)?;
    // The text says nothing of a clock; the recording does.
    ensure(Recording::load(&report.dir)?.meta.clock == GuestClock::Real, "the recording has another clock")
}

fn accelerator(lab: &RunEnv) -> Result<(), Box<dyn Error>> {
    let cache = tempfile::tempdir()?;
    let choose =
        || vm::choose_accelerator(cache.path(), &lab.tools, &lab.image.bzimage, false, &Progress::silent());
    let first = choose()?;
    let kept = std::fs::read_dir(cache.path().join("accelerator")).map_or(0, Iterator::count);
    let opens = std::fs::OpenOptions::new().read(true).write(true).open("/dev/kvm").is_ok();
    ensure(kept == usize::from(opens), format!("{first:?}: {kept} kept answers"))?;
    ensure(choose()? == first, "another answer")
}
