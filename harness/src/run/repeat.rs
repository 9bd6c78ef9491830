//! Repeats one run with the same seed and compares the recordings.

use super::guest_run::run;
use super::run_env::RunEnv;
use super::run_error::RunError;
use super::scenario_source::ScenarioSource;
use crate::check::Verdict;
use crate::host::progress::Progress;
use crate::judge::{Repeated, Report};
use crate::recording::compare::{extent, first_difference};
use fs_err as fs;
use std::num::NonZeroU32;
use std::time::Duration;

/// Runs a scenario `times` times and compares each recording with the first one. Equal recordings are removed, except for
/// the first.
///
/// The report is that of the first run, with [`Verdict::Unstable`] if a recording differs, or that of the first run that
/// fails.
///
/// # Errors
/// As [`run`].
pub fn repeat(
    env: &RunEnv,
    source: &ScenarioSource,
    seed: u64,
    times: NonZeroU32,
    progress: &Progress,
) -> Result<Report, RunError> {
    compare_all(times, |number| {
        if number > 1 {
            progress.hint(&format!("run: {}: {number} of {times}", source.scenario.name));
        }
        run(env, source, seed)
    })
}

fn compare_all(
    times: NonZeroU32,
    mut run: impl FnMut(u32) -> Result<Report, RunError>,
) -> Result<Report, RunError> {
    let mut first = run(1)?;
    if times.get() == 1 {
        return Ok(first);
    }
    if is_final(&first.verdict) {
        first.repeated = Some(Repeated::Ended { run: 1, of: times, parted: None });
        return Ok(first);
    }
    let mut wall = first.wall_time.unwrap_or_default();
    for number in 2..=times.get() {
        let mut next = run(number)?;
        wall += next.wall_time.unwrap_or_default();
        let difference = match next.judgement {
            Some(_) => first_difference(&first.dir, &next.dir).map_err(RunError::Results)?,
            None => None,
        };
        if is_final(&next.verdict) {
            next.repeated =
                Some(Repeated::Ended { run: number, of: times, parted: difference.map(Box::new) });
            return Ok(with_wall_time(next, wall));
        }
        match difference {
            None => fs::remove_dir_all(&next.dir).map_err(RunError::Results)?,
            Some(difference) => {
                first.verdict = Verdict::Unstable(difference.to_string());
                first.repeated = Some(Repeated::Ended { run: number, of: times, parted: None });
                return Ok(with_wall_time(first, wall));
            }
        }
    }
    let extent = extent(&first.dir).map_err(RunError::Results)?;
    first.repeated = Some(Repeated::Same { runs: times, extent });
    Ok(with_wall_time(first, wall))
}

/// Whether the verdict stands without further runs.
fn is_final(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Fail(_) | Verdict::Infra(_) | Verdict::Unstable(_))
}

fn with_wall_time(report: Report, wall: Duration) -> Report {
    Report { wall_time: Some(wall), ..report }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::rejudge;
    use crate::recording::testing;
    use std::path::Path;

    /// A run whose recording is a copy of a stored one with another trace.
    fn stored(out: &Path, number: u32, change: impl Fn(&str) -> String) -> Result<Report, RunError> {
        let dir = out.join(format!("{number:04}"));
        testing::copy("pull-push-short", &dir);
        let trace = fs::read_to_string(dir.join("trace.txt")).unwrap();
        fs::write(dir.join("trace.txt"), change(&trace)).unwrap();
        Ok(rejudge(&dir).unwrap())
    }

    fn times(count: u32) -> NonZeroU32 {
        NonZeroU32::new(count).unwrap()
    }

    #[test]
    fn equal_runs_leave_one_recording_and_report_how_much_was_compared() {
        let out = tempfile::tempdir().unwrap();
        let report = compare_all(times(3), |number| stored(out.path(), number, str::to_owned)).unwrap();
        assert_eq!(report.verdict, Verdict::Pass);
        let Some(Repeated::Same { runs, extent }) = report.repeated else { panic!("{report:?}") };
        assert_eq!((runs, extent.trace_lines, extent.samples), (times(3), 294, 8));
        assert!(report.dir.ends_with("0001"));
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_recording_that_differs_makes_the_scenario_unstable_and_both_recordings_stay() {
        let out = tempfile::tempdir().unwrap();
        let report = compare_all(times(20), |number| {
            assert!(number <= 2, "no run follows the second one");
            stored(out.path(), number, |trace| match number {
                // No check reads the flags.
                2 => trace.replacen(".....", "d....", 1),
                _ => trace.to_owned(),
            })
        })
        .unwrap();
        let Verdict::Unstable(why) = &report.verdict else { panic!("{report:?}") };
        assert!(why.contains("flags is ..... in "), "{why}");
        assert_eq!(report.repeated, Some(Repeated::Ended { run: 2, of: times(20), parted: None }));
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_run_that_fails_is_the_last_and_reports_where_its_recording_differs() {
        let out = tempfile::tempdir().unwrap();
        let report = compare_all(times(20), |number| {
            stored(out.path(), number, |trace| match number {
                3 => trace.replacen("scheme_idx=1 esz=1048576", "scheme_idx=1 esz=7", 1),
                _ => trace.to_owned(),
            })
        })
        .unwrap();
        assert!(matches!(report.verdict, Verdict::Fail(_)), "{report:?}");
        assert!(report.dir.ends_with("0003"));
        let Some(Repeated::Ended { run: 3, parted: Some(parted), .. }) = report.repeated else {
            panic!("{:?}", report.repeated)
        };
        assert!(parted.to_string().contains("esz is 1048576 in "), "{parted}");
    }

    #[test]
    fn a_first_run_that_fails_is_not_repeated() {
        let out = tempfile::tempdir().unwrap();
        let report = compare_all(times(20), |number| {
            assert_eq!(number, 1);
            stored(out.path(), number, |trace| trace.replacen("esz=1048576", "esz=7", 1))
        })
        .unwrap();
        assert!(matches!(report.verdict, Verdict::Fail(_)));
        assert_eq!(report.repeated, Some(Repeated::Ended { run: 1, of: times(20), parted: None }));
    }
}
