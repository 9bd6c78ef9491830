//! Known bugs of older kernels, fixed since (`known.txt`). A run that shows nothing else is a skip that names them. What an
//! older kernel does otherwise in every scenario makes the rule about it one that does not apply there.

use super::judgement::Judgement;
use crate::check::log::splats::{Version, entries, version};
use crate::check::{About, Finding, Verdict};
use crate::recording::Recording;
use std::sync::LazyLock;

/// The word for another machine in the list.
const MACHINE: &str = "machine";

/// The name that stands for every scenario.
const EVERY: &str = "*";

/// A bug, and where it shows.
struct Known<'a> {
    scenario: &'a str,
    findings: Vec<&'a str>,
    /// The first series without it.
    until: Version,
    what: &'a str,
    fixed_by: &'a str,
}

static KNOWN: LazyLock<Vec<Known<'static>>> = LazyLock::new(|| known(include_str!("known.txt")));

impl Known<'_> {
    /// What is wrong, and what fixes it.
    fn text(&self) -> String {
        let Known { what, until: (major, minor), fixed_by, .. } = self;
        format!("{what} (linux {major}.{minor}: {fixed_by})")
    }
}

/// The skip that a run comes to all of whose findings are known on its kernel.
pub fn known_bugs(recording: &Recording, judgement: &Judgement) -> Option<Verdict> {
    skip(&KNOWN, recording, judgement)
}

/// Makes the rules whose violations are known of this kernel in every scenario ones that do not apply.
pub fn set_aside(recording: &Recording, judgement: &mut Judgement) {
    set_aside_of(&KNOWN, recording, judgement);
}

fn set_aside_of(list: &[Known<'_>], recording: &Recording, judgement: &mut Judgement) {
    let Some(series) = version(&recording.report.kernel) else { return };
    for known in list.iter().filter(|known| known.scenario == EVERY && series < known.until) {
        let is_about = |id: &str| known.findings.contains(&id);
        judgement.findings.retain(|finding| !is_about(finding.id()));
        let (aside, applied) = judgement.applied.iter().partition(|about| is_about(about.id));
        judgement.applied = applied;
        let aside: Vec<&About> = aside;
        judgement.skipped.extend(aside.into_iter().map(|about| (about, known.text())));
    }
}

/// The same, for a run that was not judged since the kernel shows another machine.
pub fn known_machine(recording: &Recording) -> Option<Verdict> {
    skip_for(&KNOWN, recording, &[MACHINE])
}

fn skip(list: &[Known<'_>], recording: &Recording, judgement: &Judgement) -> Option<Verdict> {
    let ids: Vec<&str> = judgement.findings.iter().map(Finding::id).collect();
    skip_for(list, recording, &ids)
}

fn skip_for(list: &[Known<'_>], recording: &Recording, ids: &[&str]) -> Option<Verdict> {
    let series = version(&recording.report.kernel)?;
    let here = |known: &&Known<'_>| recording.meta.scenario == known.scenario && series < known.until;
    let bugs: Vec<&Known<'_>> = list.iter().filter(here).collect();
    let is_known = |id: &str| bugs.iter().any(|known| known.findings.contains(&id));
    if ids.is_empty() || !ids.iter().all(|id| is_known(id)) {
        return None;
    }
    let shows = |known: &&&Known<'_>| ids.iter().any(|id| known.findings.contains(id));
    let named = bugs.iter().filter(shows).map(|known| known.text());
    let mut ids = ids.to_vec();
    ids.dedup();
    Some(Verdict::Skip(format!(
        "a known bug of this kernel ({}): {}",
        ids.join(" "),
        named.collect::<Vec<_>>().join("; ")
    )))
}

/// The entries of a list; a line that cannot be read is left out, so its findings are a failure.
fn known(text: &str) -> Vec<Known<'_>> {
    let entry = |line| {
        let mut parts = str::split(line, " | ").map(str::trim);
        let (scenario, ids) = (parts.next()?, parts.next()?);
        let (until, what, fixed_by) = (version(parts.next()?)?, parts.next()?, parts.next()?);
        let complete = parts.next().is_none() && !fixed_by.is_empty();
        complete.then(|| Known { scenario, findings: ids.split(' ').collect(), until, what, fixed_by })
    };
    entries(text).filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::finding::Violation;
    use crate::judge::{self, judge};
    use crate::subject::damon::testing::Model;

    /// The oldest series that damonlab runs.
    const OLDEST: Version = (6, 12);

    const LIST: &str = "model | Q1 S2 | 7.3 | the quota is wrong | mm: fix the quota\n";

    /// The verdict on a run of `kernel` with these findings.
    fn verdict(kernel: &str, ids: &[&'static str]) -> Option<String> {
        let mut recording = Model::pull_push().recording();
        recording.report.kernel = kernel.to_owned();
        recording.meta.scenario = crate::host::names::EntryName::new("model").unwrap();
        let mut judgement = judge(&recording);
        judgement.findings =
            ids.iter().map(|id| Finding::of(judge::origin(id).unwrap(), Violation::new("a", "b"))).collect();
        skip(&known(LIST), &recording, &judgement).map(|verdict| verdict.to_string())
    }

    #[test]
    fn a_known_bug_of_an_older_kernel_is_a_skip_that_names_it_and_what_fixes_it() {
        assert_eq!(
            verdict("7.2.12 #1 SMP", &["Q1"]).unwrap(),
            "skip: a known bug of this kernel (Q1): the quota is wrong (linux 7.3: mm: fix the quota)"
        );
    }

    #[test]
    fn another_finding_beside_it_a_newer_kernel_and_a_clean_run_are_judged_as_usual() {
        assert_eq!(verdict("7.2.12", &["Q1", "K1"]), None);
        assert_eq!(verdict("7.3.4", &["Q1"]), None);
        assert_eq!(verdict("7.2.12", &[]), None);
        assert_eq!(verdict("", &["Q1"]), None);
    }

    #[test]
    fn what_an_older_kernel_does_in_every_scenario_makes_the_rule_one_that_does_not_apply() {
        let judged = |kernel: &str| {
            let mut recording = Model::pull_push().recording();
            recording.report.kernel = kernel.to_owned();
            let mut judgement = judge(&recording);
            judgement.findings = ["Q1", "Q2"]
                .map(|id| Finding::of(judge::origin(id).unwrap(), Violation::new("a", "b")))
                .into();
            let list = known("* | Q1 | 7.2 | the quota is late | mm: fix the quota\n");
            set_aside_of(&list, &recording, &mut judgement);
            let why =
                judgement.skipped.iter().find(|(about, _)| about.id == "Q1").map(|(_, why)| why.clone());
            let found: Vec<&str> = judgement.findings.iter().map(Finding::id).collect();
            (found.join(" "), judgement.applied.iter().any(|about| about.id == "Q1"), why)
        };
        let why = "the quota is late (linux 7.2: mm: fix the quota)".to_owned();
        assert_eq!(judged("6.12.117 #1"), ("Q2".into(), false, Some(why)));
        assert_eq!(judged("7.2.12"), ("Q1 Q2".into(), true, None));
    }

    #[test]
    fn every_entry_is_one_is_about_a_scenario_and_findings_that_there_are_and_is_still_needed() {
        let text = include_str!("known.txt");
        assert_eq!(KNOWN.len(), entries(text).count());
        let project = crate::bundled::home();
        for known in KNOWN.iter() {
            let scenario = project.join("scenarios").join(format!("{}.yaml", known.scenario));
            assert!(known.scenario == EVERY || scenario.is_file(), "{}", known.scenario);
            assert!(
                known.findings.iter().all(|id| *id == MACHINE || judge::origin(id).is_some()),
                "{:?}",
                known.findings
            );
            assert!(OLDEST < known.until, "no series that damonlab runs has it any more: {}", known.what);
        }
    }
}
