//! The verdict on a guest that ended without delivering its results, by what its console and its state show: at the end of
//! the run, and of its recording later.

use super::console_log;
use super::report::{self, Report};
use crate::check::{Evidence, Finding, Origin, RunEnd, Verdict, kernel_log};
use crate::host::text::last_lines;
use crate::recording::{CONSOLE_LOG, GUEST_STATE, RecordingError, RunInputs, VNG_LOG};
use std::path::Path;

/// How many of the console's last lines a finding shows.
const LAST_LINES: usize = 40;

/// The first words of a panic in the kernel log.
pub(crate) const PANIC: &str = "Kernel panic - not syncing";

/// The run in `dir` failed: it ended in this way.
pub(crate) fn verdict(end: RunEnd, expected: String, seen: String, dir: &Path) -> Verdict {
    let (_, others) = console_findings(dir);
    failed(others, end, expected, seen, dir)
}

/// The report of a recording whose run failed without results, as its meta says.
///
/// # Errors
/// A later damonlab recorded a way to end that this one does not know.
pub(super) fn report(inputs: &RunInputs, how: &str) -> Result<Report, RecordingError> {
    let unknown = || RecordingError::NoResults { dir: inputs.dir.clone(), how: how.to_owned() };
    let end = RunEnd::ALL.into_iter().find(|end| end.id() == how).ok_or_else(unknown)?;
    let (panics, others) = console_findings(&inputs.dir);
    let seen = match (end, panics.into_iter().next()) {
        (RunEnd::Panic, Some(panic)) => panic.seen,
        _ => format!("the recorded run ended without results ({how})"),
    };
    let verdict = failed(others, end, "results before the guest ends".to_owned(), seen, &inputs.dir);
    Ok(report::stored(inputs.dir.clone(), &inputs.meta, &inputs.scenario, verdict, None))
}

/// What the console shows: the panic, and everything else, which may be why the guest hangs, is lost or panics.
fn console_findings(dir: &Path) -> (Vec<Finding>, Vec<Finding>) {
    let findings = kernel_log::scan(CONSOLE_LOG, &console_log::text(dir));
    findings.into_iter().partition(|finding| finding.seen.contains(PANIC))
}

fn failed(mut findings: Vec<Finding>, end: RunEnd, expected: String, seen: String, dir: &Path) -> Verdict {
    findings.push(Finding {
        origin: Origin::RunEnd(end),
        expected,
        seen,
        evidence: summary_of_state(dir).into_iter().chain(last_console_lines(dir)).collect(),
        scenario_line: None,
        more: 0,
    });
    Verdict::Fail(findings)
}

/// What the state of a guest that hung comes to.
fn summary_of_state(dir: &Path) -> Vec<Evidence> {
    let text = console_log::text_of(dir, GUEST_STATE);
    let lines = text.lines().take_while(|line| !line.is_empty()).take(LAST_LINES);
    (1..).zip(lines).map(|(number, line)| Evidence::new(GUEST_STATE, number, line)).collect()
}

/// The last lines of the console, or those of virtme-ng if the console has none.
fn last_console_lines(dir: &Path) -> Vec<Evidence> {
    let of = |name: &'static str| {
        let text = console_log::text_of(dir, name);
        let first = text.lines().count().saturating_sub(LAST_LINES) + 1;
        let number = |index: usize| u32::try_from(first + index).unwrap_or(u32::MAX);
        let lines = last_lines(&text, LAST_LINES);
        let evidence = lines.iter().enumerate().map(|(index, line)| Evidence::new(name, number(index), line));
        evidence.collect::<Vec<_>>()
    };
    let console = of(CONSOLE_LOG);
    if console.is_empty() { of(VNG_LOG) } else { console }
}
