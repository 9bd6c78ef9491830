//! Whether any run of a call has the events that the rules of `--rules` are about. A rule whose event no kernel has, often
//! because it is mistyped, is not applicable in every run, and so would pass unnoticed. Pure.

use super::report::Report;
use crate::check::MissingEvent;
use crate::scenario::RuleFile;
use serde::{Deserialize, Serialize};

/// The files of `--rules`, and what came of their rules in the runs of a call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleFileUse {
    files: Vec<FileUse>,
    /// How many runs were judged.
    runs: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct FileUse {
    file: String,
    rules: Vec<RuleUse>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct RuleUse {
    name: String,
    place: String,
    /// In how many runs the kernel does not have its event.
    missing: usize,
    /// The event, as the last such run has it.
    event: Option<MissingEvent>,
}

impl RuleFileUse {
    /// Of these files, before any run.
    pub fn of(files: &[RuleFile]) -> RuleFileUse {
        let rules = |file: &RuleFile| {
            let one = |rule: &crate::scenario::ScenarioRule| RuleUse {
                name: rule.name.to_string(),
                place: rule.shown_place(),
                missing: 0,
                event: None,
            };
            file.rules().iter().map(one).collect()
        };
        let files = files.iter().map(|file| FileUse { file: file.shown.clone(), rules: rules(file) });
        RuleFileUse { files: files.collect(), runs: 0 }
    }

    /// Adds a run. One without a recording shows nothing about the rules.
    pub fn add(&mut self, report: &Report) {
        let Some(judgement) = &report.judgement else { return };
        self.runs += 1;
        for rule in self.files.iter_mut().flat_map(|file| &mut file.rules) {
            let result = judgement.stated.iter().find(|result| *result.name == rule.name);
            if let Some(event) = result.and_then(|result| result.missing_event.as_ref()) {
                rule.missing += 1;
                rule.event = Some(event.clone());
            }
        }
    }

    /// Adds the runs of another shard, whose files are the same.
    pub fn join(&mut self, other: RuleFileUse) {
        self.runs += other.runs;
        let rules = |all: Vec<FileUse>| all.into_iter().flat_map(|file| file.rules);
        let mine = self.files.iter_mut().flat_map(|file| &mut file.rules);
        for (mine, theirs) in mine.zip(rules(other.files)) {
            mine.missing += theirs.missing;
            mine.event = theirs.event.or(mine.event.take());
        }
    }

    /// The rules whose event none of the kernels has, for people; and the files that have no other rule.
    pub fn notes(&self) -> Vec<String> {
        let unused = self.files.iter().flat_map(|file| &file.rules).filter(|rule| self.is_unused(rule));
        let runs = match self.runs {
            1 => "not judged".to_owned(),
            runs => format!("judged in none of the {runs} runs"),
        };
        let rule = |RuleUse { name, place, event, .. }: &RuleUse| {
            let event = event.as_ref()?;
            let nearest = event.nearest.as_ref().map(|name| format!("; did you mean '{name}'?"));
            let (event, nearest) = (&event.name, nearest.unwrap_or_default());
            Some(format!("note: {place}: {name} was {runs}: no kernel has a tracepoint {event}{nearest}"))
        };
        let file =
            |file: &FileUse| format!("note: --rules {} has no effect: no rule of it was judged", file.file);
        unused.filter_map(rule).chain(self.unused_files().map(file)).collect()
    }

    /// Whether there is a file none of whose rules is about an event that one of the kernels has.
    pub fn has_unused_file(&self) -> bool {
        self.unused_files().next().is_some()
    }

    fn unused_files(&self) -> impl Iterator<Item = &FileUse> {
        self.files.iter().filter(|file| file.rules.iter().all(|rule| self.is_unused(rule)))
    }

    fn is_unused(&self, rule: &RuleUse) -> bool {
        self.runs > 0 && rule.missing == self.runs
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::judged;
    use super::*;
    use crate::subject::damon::testing::stored;

    fn file(rules: &[(&str, &str)]) -> RuleFile {
        let one =
            |(name, event): &(&str, &str)| format!("  - {{name: {name}, event: {event}, always: 'true'}}\n");
        let rules: String = rules.iter().map(one).collect();
        RuleFile::of("r.yaml", format!("version: 1\nsummary: Rules.\nrules:\n{rules}")).unwrap()
    }

    fn report(files: &[RuleFile]) -> Report {
        let mut recording = stored("pull-push-short");
        recording.scenario.add_rules(files).unwrap();
        judged(recording)
    }

    /// What comes of two runs with these rules.
    fn of_two_runs(files: &[RuleFile]) -> RuleFileUse {
        let mut used = RuleFileUse::of(files);
        used.add(&report(files));
        used.add(&report(files));
        used
    }

    #[test]
    fn a_mistyped_event_is_named_with_the_nearest_that_the_kernel_has() {
        let used = of_two_runs(&[file(&[("is-good", "damos_esz"), ("is-mistyped", "'damon:damos_ezs'")])]);
        let note = "note: r.yaml:5: is-mistyped was judged in none of the 2 runs: no kernel has a tracepoint damon:damos_ezs; \
                    did you mean 'damos_esz'?";
        assert_eq!((used.notes(), used.has_unused_file()), (vec![note.to_owned()], false));
    }

    #[test]
    fn an_event_that_is_near_to_none_is_named_alone() {
        let rules = [file(&[("is-good", "damos_esz"), ("is-odd", "'damon:reclaimed_all'")])];
        let mut used = RuleFileUse::of(&rules);
        used.add(&report(&rules));
        let note = "note: r.yaml:5: is-odd was not judged: no kernel has a tracepoint damon:reclaimed_all";
        assert_eq!(used.notes(), [note]);
    }

    #[test]
    fn an_event_that_another_event_follows_counts_too() {
        let rules = "version: 1\nsummary: A.\nrules: [{name: a-b, event: damos_esz, follows: 'damon:damos_ezs', key: [scheme_idx]}]\n";
        let used = of_two_runs(&[RuleFile::of("r.yaml", rules.to_owned()).unwrap()]);
        assert!(used.notes()[0].contains("damon:damos_ezs; did you mean"), "{:?}", used.notes());
    }

    #[test]
    fn a_file_of_nothing_else_has_no_effect_whatever_other_files_have() {
        let used =
            of_two_runs(&[file(&[("is-good", "damos_esz")]), file(&[("is-mistyped", "'damon:damos_ezs'")])]);
        assert!(used.has_unused_file());
        assert_eq!(used.notes()[1], "note: --rules r.yaml has no effect: no rule of it was judged");
    }

    #[test]
    fn one_run_that_has_the_event_is_enough_and_one_that_only_does_not_record_it_is_no_mistake() {
        let files = [file(&[("is-mistyped", "'damon:damos_ezs'"), ("is-elsewhere", "'vmscan:mm_ezs'")])];
        let mut used = of_two_runs(&files);
        assert_eq!(used.notes().len(), 1);
        let mut other = stored("pull-push-short");
        other.scenario.add_rules(&files).unwrap();
        other.formats.push_str("name: damos_ezs\n");
        used.add(&judged(other));
        assert_eq!((used.notes(), used.has_unused_file()), (Vec::new(), false));
    }

    #[test]
    fn without_a_recording_nothing_is_known_of_any_rule() {
        let files = [file(&[("is-mistyped", "'damon:damos_ezs'")])];
        let mut used = RuleFileUse::of(&files);
        used.add(&Report { judgement: None, ..report(&files) });
        assert_eq!((used.notes(), used.has_unused_file()), (Vec::new(), false));
    }
}
