//! Known bugs of older kernels, fixed since (`known.txt`). A run that shows nothing else is a skip that names them.

use super::judgement::Judgement;
use crate::check::log::splats::{Version, entries, version};
use crate::check::{Finding, Verdict};
use crate::recording::Recording;
use std::sync::LazyLock;

/// The word for another machine in the list.
const MACHINE: &str = "machine";

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

/// The skip that a run comes to all of whose findings are known on its kernel.
pub fn known_bugs(recording: &Recording, judgement: &Judgement) -> Option<Verdict> {
    skip(&KNOWN, recording, judgement)
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
    let named = bugs.iter().filter(shows).map(|known| {
        let Known { what, until: (major, minor), fixed_by, .. } = known;
        format!("{what} (linux {major}.{minor}: {fixed_by})")
    });
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
    fn every_entry_is_one_is_about_a_scenario_and_findings_that_there_are_and_is_still_needed() {
        let text = include_str!("known.txt");
        assert_eq!(KNOWN.len(), entries(text).count());
        let project = crate::host::paths::project();
        for known in KNOWN.iter() {
            let scenario = project.join("scenarios").join(format!("{}.yaml", known.scenario));
            assert!(scenario.is_file(), "{}", known.scenario);
            assert!(
                known.findings.iter().all(|id| *id == MACHINE || judge::origin(id).is_some()),
                "{:?}",
                known.findings
            );
            let older = std::fs::read_dir(project.join("patches")).unwrap().any(|entry| {
                version(&entry.unwrap().file_name().to_string_lossy())
                    .is_some_and(|series| series < known.until)
            });
            assert!(older, "no series of patches/ has it any more: {}", known.what);
        }
    }
}
