//! A run whose clock ran out runs again, because a slow host looks like a kernel that hangs.

use super::{RunEnv, RunError, ScenarioSource, run};
use crate::check::{EXPECT, Finding, RunEnd, Verdict};
use crate::judge::{ExpectedChange, Report};
use fs_err as fs;
use std::io;

/// Runs a scenario. If nothing but its clock ran out, it runs again, and the second run counts; `again` is called
/// before.
///
/// # Errors
/// See [`RunError`].
pub fn confirmed(
    env: &RunEnv,
    source: &ScenarioSource,
    seed: u64,
    changes: &[ExpectedChange],
    again: impl FnOnce(),
) -> Result<Report, RunError> {
    let once = || run(env, source, seed).map(|report| report.with_expected_changes(changes));
    let report = once()?;
    let Verdict::Fail(findings) = &report.verdict else { return Ok(report) };
    if report.never_began() || !only_a_clock_ran_out(findings.iter().map(Finding::id)) {
        return Ok(report);
    }
    again();
    remove_recording(&report).map_err(RunError::Results)?;
    once()
}

/// Whether findings have no other cause than a clock that ran out: without a result, an expectation is not met either.
pub fn only_a_clock_ran_out<'a>(ids: impl IntoIterator<Item = &'a str>) -> bool {
    let by_clock = [RunEnd::Clock.id(), RunEnd::Incomplete.id()];
    let ids: Vec<&str> = ids.into_iter().collect();
    ids.iter().any(|id| by_clock.contains(id)) && ids.iter().all(|id| by_clock.contains(id) || *id == EXPECT)
}

/// Removes what a run has stored, and the scenario's folder with its last recording.
pub fn remove_recording(report: &Report) -> io::Result<()> {
    fs::remove_dir_all(&report.dir)?;
    // Another run of the scenario may have its recording there.
    if let Some(parent) = report.dir.parent() {
        let _ = std::fs::remove_dir(parent);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_confirmed_if_nothing_but_a_clock_explains_its_findings() {
        let clock = RunEnd::Clock.id();
        assert!(only_a_clock_ran_out([clock]) && only_a_clock_ran_out([clock, EXPECT]));
        assert!(only_a_clock_ran_out([RunEnd::Incomplete.id()]));
        assert!(!only_a_clock_ran_out([clock, "K3"]) && !only_a_clock_ran_out([EXPECT]));
        assert!(!only_a_clock_ran_out([]));
    }
}
