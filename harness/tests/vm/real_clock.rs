//! Guests on the real clock: rules that compare times are not applicable, and the accelerator is probed once.

use super::common::{self, ensure};
use damonlab::check::REAL_CLOCK;
use damonlab::host::progress::Progress;
use damonlab::recording::Recording;
use damonlab::run::RunEnv;
use damonlab::scenario::GuestClock;
use damonlab::vm;
use libtest_mimic::Trial;
use std::error::Error;

const TRIALS: &[(&str, common::Check)] = &[
    ("idle_passes_and_rules_that_compare_times_are_not_applicable", idle),
    ("the_accelerator_is_probed_once", accelerator),
];

pub fn trials() -> Vec<Trial> {
    common::checks(TRIALS)
}

fn idle(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let (env, _out) = common::with_own_results(env)?;
    let mut source = common::shipped("idle")?;
    source.scenario.clock = GuestClock::Real;
    let report = common::pass(&env, &source)?;
    let judgement = report.judgement.ok_or("no judgement")?;
    let not_applicable: Vec<_> = judgement.skipped.iter().filter(|(_, why)| why == REAL_CLOCK).collect();
    ensure(not_applicable.iter().any(|(about, _)| about.id == "G7"), &judgement.skipped)?;
    // The text of the scenario names no clock; the recording does.
    ensure(Recording::load(&report.dir)?.meta.clock == GuestClock::Real, "the recording has another clock")
}

fn accelerator(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let cache = tempfile::tempdir()?;
    let choose =
        || vm::choose_accelerator(cache.path(), &env.tools, &env.image.bzimage, false, &Progress::silent());
    let first = choose()?;
    let stored = std::fs::read_dir(cache.path().join("accelerator")).map_or(0, Iterator::count);
    let opens = std::fs::OpenOptions::new().read(true).write(true).open("/dev/kvm").is_ok();
    ensure(stored == usize::from(opens), format!("{first:?}: {stored} stored probes"))?;
    ensure(choose()? == first, "the second result differs")
}
