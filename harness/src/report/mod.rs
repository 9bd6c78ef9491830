//! Verdicts as text for a terminal.

mod bisect;
mod compare;
mod kernels;
mod mutants;
mod repeated;
mod sweep;
mod tests_of_kernel;

pub use bisect::{bisection, bisection_json, step};
pub use compare::{comparison, comparison_json};
pub use kernels::kernels;
pub use mutants::{mutant, mutants_json, score};
pub use repeated::replay;
pub use sweep::{sweep_head, sweep_line, sweep_summary};

use crate::check::{Measured, Verdict};
use crate::judge::{Coverage, Report};
use std::fmt::Write;
use std::time::Duration;

/// Everything that a person wants to see of one run.
pub fn human(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a String does not fail.
    let _ = write_human(report, &mut out);
    out
}

fn write_human(report: &Report, out: &mut String) -> std::fmt::Result {
    writeln!(out, "{}  {}", report.verdict.word().to_uppercase(), report.scenario)?;
    writeln!(out, "  {}", report.summary)?;
    if let Some(machine) = &report.machine {
        writeln!(out, "  machine   {machine}")?;
    }
    writeln!(out, "  kernel    {}", report.kernel)?;
    if let Some(wall) = report.wall_time {
        let guest = report.guest_time.as_secs_f64();
        writeln!(out, "  took      {} ({guest:.0} guest seconds of scenario)", seconds(wall))?;
    }
    if let Some(repeated) = &report.repeated {
        repeated::lines(repeated, out)?;
    }
    if let Some(judgement) = &report.judgement {
        for measured in &judgement.measured {
            let Measured { what, wanted, seen, answer, .. } = measured;
            writeln!(out, "  expected  {what} {wanted}: {seen}  {answer}")?;
        }
        tests_of_kernel::lines(&judgement.tests, out)?;
        let held: Vec<&str> = judgement
            .applied
            .iter()
            .map(|invariant| invariant.id)
            .filter(|id| !judgement.findings.iter().any(|finding| finding.id() == *id))
            .collect();
        writeln!(out, "  held      {}", held.join(" "))?;
        let skipped: Vec<_> = judgement.skipped.iter().map(|(about, why)| (about.id, why.clone())).collect();
        for (why, ids) in by_reason(&skipped) {
            writeln!(out, "  not asked {}: {why}", ids.join(" "))?;
        }
    }
    match &report.verdict {
        Verdict::Pass => {}
        Verdict::Fail(findings) => findings.iter().try_for_each(|f| writeln!(out, "  broken    {f}"))?,
        Verdict::Skip(why) => writeln!(out, "  skipped   {why}")?,
        Verdict::Unstable(why) => writeln!(out, "  unstable  {why}")?,
        Verdict::Infra(why) => writeln!(out, "  no answer {why}")?,
    }
    report.notes.iter().try_for_each(|note| writeln!(out, "  note      {note}"))?;
    writeln!(out, "  recording {}", report.dir.display())
}

/// Reasons in the order in which they first come, each with all ids that it holds for.
fn by_reason<'a>(skipped: &'a [(&'static str, String)]) -> Vec<(&'a str, Vec<&'static str>)> {
    let mut reasons: Vec<(&str, Vec<&'static str>)> = Vec::new();
    for (id, why) in skipped {
        match reasons.iter_mut().find(|(reason, _)| reason == why) {
            Some((_, ids)) => ids.push(id),
            None => reasons.push((why, vec![id])),
        }
    }
    reasons
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// What a whole suite did not check: `note: S5 applied in no scenario: max_nr_snapshots is not set`.
pub fn never_applied(coverage: &Coverage) -> String {
    let never = coverage.never().into_iter().map(|never| (never.id, never.why)).collect::<Vec<_>>();
    let line =
        |(why, ids): (&str, Vec<&str>)| format!("note: {} applied in no scenario: {why}\n", ids.join(" "));
    by_reason(&never).into_iter().map(line).collect()
}

/// One line over several runs: `5 scenarios: 4 pass, 1 fail`.
pub fn tally(verdicts: &[Verdict]) -> String {
    let words = ["pass", "fail", "skip", "unstable", "infra"];
    let counts = words.iter().filter_map(|word| {
        let count = verdicts.iter().filter(|verdict| verdict.word() == *word).count();
        (count > 0).then(|| format!("{count} {word}"))
    });
    let scenarios = if verdicts.len() == 1 { "scenario" } else { "scenarios" };
    format!("{} {scenarios}: {}", verdicts.len(), counts.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariants_with_one_reason_share_a_line() {
        let skipped =
            [("Q1", "no goal".to_owned()), ("G7", "no window".to_owned()), ("Q2", "no goal".to_owned())];
        assert_eq!(by_reason(&skipped), [("no goal", vec!["Q1", "Q2"]), ("no window", vec!["G7"])]);
    }
}
