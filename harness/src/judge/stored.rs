//! Stored recordings judged again, and those of one scenario with several seeds together.

use super::early_end;
use super::report::{Report, judged};
use super::sweep::Sweep;
use crate::recording::{Recording, RecordingError, RunInputs};
use crate::scenario::{RuleFile, Scenario};
use std::path::Path;

/// A recording, judged with today's rules.
#[derive(Debug)]
pub struct Stored {
    /// What it was made of.
    pub recipe: RunInputs,
    /// What came of it.
    pub report: Report,
}

impl Stored {
    /// Judges the recording in `dir`, by these rules too. A rule of a file that the recording keeps gives way to one of its
    /// name.
    ///
    /// # Errors
    /// It cannot be read, or its scenario has a rule of the same name as one of `rules`.
    pub fn judge(dir: &Path, rules: &[RuleFile]) -> Result<Stored, RecordingError> {
        let mut recipe = RunInputs::load(dir)?;
        recipe.scenario.add_rules(rules).map_err(Box::new)?;
        let report = match &recipe.meta.without_results {
            Some(how) => early_end::report(&recipe, how)?,
            None => judged(Recording::of(recipe.clone())?),
        };
        Ok(Stored { recipe, report })
    }

    /// Whether the two differ in their seed alone. Runs on the real clock differ by more.
    fn goes_with(&self, other: &Stored) -> bool {
        let (one, other) = (&self.recipe, &other.recipe);
        let same = one.scenario_text == other.scenario_text
            && one.scenario.machine == other.scenario.machine
            && one.meta.scenario == other.meta.scenario
            && one.meta.kernel_key == other.meta.kernel_key;
        same && [one, other].iter().all(|recipe| recipe.meta.clock.is_virtual())
    }

    fn seed(&self) -> u64 {
        self.recipe.meta.seed
    }
}

/// The result of several recordings.
#[derive(Debug)]
pub enum StoredResult {
    /// A recording that goes with no other, and its scenario and seed.
    Alone(Box<Scenario>, u64, Box<Report>),
    /// Recordings of one scenario and one kernel, each with another seed.
    Seeds(Box<Scenario>, Sweep),
}

/// Brings together what differs in the seed alone, in the order of the first of each. A second recording of a
/// seed stands alone: it would count twice in a mean.
pub fn together(recordings: Vec<Stored>) -> Vec<StoredResult> {
    let mut groups: Vec<Vec<Stored>> = Vec::new();
    for one in recordings {
        let place = groups.iter_mut().find(|group| group.iter().all(|known| joins(&one, known)));
        match place {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    groups.into_iter().filter_map(answer).collect()
}

fn joins(one: &Stored, known: &Stored) -> bool {
    one.goes_with(known) && one.seed() != known.seed()
}

fn answer(mut group: Vec<Stored>) -> Option<StoredResult> {
    group.sort_by_key(Stored::seed);
    let scenario = group.first()?.recipe.scenario.clone();
    if group.len() == 1 {
        let alone =
            |only: Stored| StoredResult::Alone(Box::new(scenario), only.seed(), Box::new(only.report));
        return group.pop().map(alone);
    }
    let runs = group.into_iter().map(|one| (one.seed(), one.report)).collect();
    let sweep = Sweep::of(&scenario, runs, None);
    Some(StoredResult::Seeds(Box::new(scenario), sweep))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{self, Verdict};
    use fs_err as fs;

    /// A copy of a stored recording that says it had another seed, with its scenario changed.
    fn stored(out: &Path, seed: u64, change: impl Fn(&str) -> String) -> Stored {
        let dir = out.join(format!("{}", fs::read_dir(out).unwrap().count()));
        crate::recording::testing::copy("pull-push-short", &dir);
        let rewrite = |name: &str, change: &dyn Fn(&str) -> String| {
            let path = dir.join(name);
            fs::write(&path, change(&fs::read_to_string(&path).unwrap())).unwrap();
        };
        rewrite("recording.json", &|text| text.replace("\"seed\": 0", &format!("\"seed\": {seed}")));
        rewrite("scenario.yaml", &change);
        Stored::judge(&dir, &[]).unwrap()
    }

    /// The verdict on a recording whose run ended in this way, with this on its console.
    fn ended(how: &str, console: &str) -> Result<Stored, RecordingError> {
        let out = tempfile::tempdir().unwrap();
        let dir = out.path().join("one");
        crate::recording::testing::copy("pull-push-short", &dir);
        let meta = fs::read_to_string(dir.join("recording.json")).unwrap();
        let meta = meta.replacen('{', &format!("{{\"without_results\": \"{how}\","), 1);
        fs::write(dir.join("recording.json"), meta).unwrap();
        fs::write(dir.join(crate::recording::CONSOLE_LOG), console).unwrap();
        Stored::judge(&dir, &[])
    }

    #[test]
    fn a_recording_without_results_fails_as_its_run_did() {
        let console = "[    1.000000] Kernel panic - not syncing: out of ideas\n";
        let Verdict::Fail(findings) = ended("panic", console).unwrap().report.verdict else {
            panic!("no failure")
        };
        assert_eq!(findings.iter().map(check::Finding::id).collect::<Vec<_>>(), ["panic"]);
        assert!(findings[0].seen.contains("out of ideas"), "{findings:?}");
        let Verdict::Fail(findings) = ended("clock", "waiting\n").unwrap().report.verdict else {
            panic!("no failure")
        };
        assert_eq!(findings[0].id(), "clock");
        assert_eq!(findings[0].seen, "the recorded run ended without results (clock)");
    }

    #[test]
    fn a_recording_that_ended_in_an_unknown_way_is_not_judged() {
        assert!(matches!(ended("levitation", ""), Err(RecordingError::NoResults { .. })));
    }

    /// The count of all recorded decisions is expected over seeds, and can only be missed.
    fn missed_over_seeds(text: &str) -> String {
        text.replace("expect:\n", "expect:\n  - {count: damos_esz, at_least: 1000000, over: seeds}\n")
    }

    #[test]
    fn what_is_expected_over_seeds_is_judged_where_the_seeds_differ() {
        let out = tempfile::tempdir().unwrap();
        let all: Vec<_> = [4, 1].iter().map(|seed| stored(out.path(), *seed, missed_over_seeds)).collect();
        assert!(all.iter().all(|one| one.report.verdict == Verdict::Pass));
        let answers = together(all);
        let [StoredResult::Seeds(_, sweep)] = answers.as_slice() else { panic!("{answers:?}") };
        assert_eq!(sweep.runs.iter().map(|(seed, _)| *seed).collect::<Vec<_>>(), [1, 4]);
        assert_eq!(sweep.over[0].answer, check::ExpectationStatus::Violated);
        assert!(matches!(sweep.verdict, Verdict::Fail(_)));
    }

    #[test]
    fn a_second_recording_of_a_seed_and_one_of_another_scenario_stand_alone() {
        let out = tempfile::tempdir().unwrap();
        let same = |text: &str| text.to_owned();
        let other = |text: &str| format!("{text}# another\n");
        let all = vec![
            stored(out.path(), 0, same),
            stored(out.path(), 0, same),
            stored(out.path(), 7, other),
            stored(out.path(), 2, same),
        ];
        let answers = together(all);
        let [
            StoredResult::Seeds(_, sweep),
            StoredResult::Alone(_, 0, again),
            StoredResult::Alone(_, 7, other),
        ] = answers.as_slice()
        else {
            panic!("{answers:?}")
        };
        assert_eq!(sweep.runs.len(), 2);
        assert!(again.dir.ends_with("1") && other.dir.ends_with("2"));
    }

    #[test]
    fn another_kernel_is_not_another_seed() {
        let out = tempfile::tempdir().unwrap();
        let mut all: Vec<_> = [0, 1].iter().map(|seed| stored(out.path(), *seed, str::to_owned)).collect();
        all[1].recipe.meta.kernel_key = crate::host::names::Key::new("another").unwrap();
        assert!(together(all).iter().all(|answer| matches!(answer, StoredResult::Alone(..))));
    }

    #[test]
    fn another_machine_is_not_another_seed() {
        let out = tempfile::tempdir().unwrap();
        let mut all: Vec<_> = [0, 1].iter().map(|seed| stored(out.path(), *seed, str::to_owned)).collect();
        all[1].recipe.scenario.machine.nodes.pop();
        assert!(together(all).iter().all(|answer| matches!(answer, StoredResult::Alone(..))));
    }
}
