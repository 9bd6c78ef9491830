//! The words that a scenario may use: its own, and those of `--introduces`.

use super::header::check_version;
use crate::grammar::{Checked, Fault};
use crate::scenario::raw::{RawIntroducesFile, RawScenario};
use crate::scenario::subject::Introduced;

/// The words of the scenario and of the other file.
pub(in crate::scenario) fn of_scenario(raw: &RawScenario, others: &Introduced) -> Checked<Introduced> {
    Introduced::resolve(&raw.introduces, true)?.and(others)
}

/// The words of a file of `--introduces`, which may have changes of rules instead.
pub(in crate::scenario) fn file(raw: &RawIntroducesFile) -> Checked<Introduced> {
    check_version(&raw.version)?;
    match (&raw.introduces, &raw.expect_changes) {
        (Some(words), _) => Introduced::resolve(words, false),
        (None, Some(changes)) if !changes.is_empty() => Ok(Introduced::default()),
        (None, _) => Err(Fault::whole("the file introduces nothing and expects no rule to change")
            .help("introduces: {goal_metrics: [..], ..}, or expect_changes: {RULE: REASON}, or both")),
    }
}

#[cfg(test)]
mod tests {
    use crate::scenario::{IntroducesFile, Machines, Scenario, ScenarioError};
    use damonlab_protocol::damon::{FilterKind, FilterLayer};
    use damonlab_protocol::plan::Step;
    use miette::Diagnostic;

    /// A scenario with one line of `introduces`, and its one scheme.
    fn text(introduces: &str, scheme: &str) -> String {
        format!(
            "version: 1\nsummary: Words.\nintroduces: {{{introduces}}}\nmachine: {{nodes: [{{id: 0, memory: 512M, cpus: [0]}}]}}\n\
             damon: {{kdamonds: [{{contexts: [{{ops: paddr, targets: [{{regions: [{{node: 0}}]}}],\n\
             schemes: [{{{scheme}}}]}}]}}]}}\nsteps: [start, run: {{for: 1s}}, stop]\n"
        )
    }

    fn read(text: &str, file: Option<&str>) -> Result<Scenario, ScenarioError> {
        let file = file
            .map(|words| IntroducesFile::of("words.yaml", format!("version: 1\nintroduces: {{{words}}}\n")));
        Scenario::parse_with("words", text, &Machines::default(), file.as_ref())
    }

    fn needs(scenario: &Scenario) -> Vec<(String, Option<usize>)> {
        let line = |need| scenario.places.line_that_needs(need);
        scenario.needs.iter().map(|need| (need.to_string(), line(need))).collect()
    }

    #[test]
    fn a_word_is_accepted_where_one_of_its_kind_stands_and_needed_at_that_line() {
        let words = "goal_metrics: [my_bp], goal_tuners: [pid], actions: [collect], \
                     filters: [{name: mine, folder: core}], watermark_metrics: [load]";
        let scheme = "action: collect, watermarks: {metric: load}, core_filters: [{filter_type: mine, matching: true}], \
                      quotas: {goal_tuner: pid, goals: [{metric: my_bp, target_value: 70 %}]}";
        let scenario = read(&text(words, scheme), None).unwrap();
        let scheme = &scenario.kdamonds[0].context.schemes[0];
        assert_eq!(scheme.action, "collect");
        assert_eq!(scheme.quota.goal_tuner.introduced(), Some("pid"));
        assert_eq!(
            (scheme.quota.goals[0].metric.as_str(), scheme.quota.goals[0].target_value),
            ("my_bp", 7000)
        );
        let kind = FilterKind::Introduced { name: "mine".to_owned(), layer: FilterLayer::Core };
        assert_eq!(scheme.core_filters[0].kind, kind);
        let names = ["action.collect", "tuner.pid", "goal.my_bp", "watermark.load", "filter.mine"];
        assert_eq!(needs(&scenario), names.map(|name| (name.to_owned(), Some(6))));
    }

    #[test]
    fn a_word_of_the_scenario_that_nothing_uses_is_needed_where_it_stands() {
        let scenario = read(&text("operations: [perf]", "action: stat"), None).unwrap();
        assert_eq!(needs(&scenario), [("ops.perf".to_owned(), Some(3))]);
    }

    #[test]
    fn a_word_of_another_file_is_needed_where_it_is_used() {
        let words = "actions: [collect, other]";
        let scenario = read(&text("", "action: collect"), Some(words)).unwrap();
        assert_eq!(needs(&scenario), [("action.collect".to_owned(), Some(6))]);
        assert!(scenario.introduces_file.is_some());
        let without = read(&text("", "action: stat"), Some(words)).unwrap();
        assert_eq!((needs(&without), without.introduces_file), (Vec::new(), None));
    }

    #[test]
    fn a_word_that_is_neither_known_nor_introduced_is_an_error_that_says_how_to_introduce_it() {
        let error = read(&text("", "action: collect"), None).unwrap_err();
        assert_eq!(error.to_string(), "there is no action 'collect'");
        assert_eq!(error.place().as_deref(), Some("words.yaml:6"));
        let help = error.help().unwrap().to_string();
        assert!(help.ends_with("if a patch adds it: introduces: {actions: [collect]}"), "{help}");
    }

    #[test]
    fn two_files_may_introduce_a_word_as_the_same() {
        let own = text("goal_metrics: [{name: my_bp, node: true}]", "action: stat");
        assert!(read(&own, Some("goal_metrics: [{name: my_bp, node: true, unit: bp}]")).is_ok());
        let both = read(&own, Some("goal_metrics: [{name: my_bp, node: true}]")).unwrap();
        assert!(both.introduces_file.is_some(), "the file counts as used");
        let error = read(&own, Some("goal_metrics: [my_bp]")).unwrap_err();
        let wrong = "the goal metric 'my_bp' is introduced here and by --introduces, and not as the same";
        assert_eq!((error.to_string().as_str(), error.place().as_deref()), (wrong, Some("words.yaml:3")));
    }

    #[test]
    fn a_mistake_in_the_other_file_has_its_line_there() {
        let error = read(&text("", "action: stat"), Some("actions: [stat]")).unwrap_err();
        assert_eq!(error.to_string(), "damonlab knows the action 'stat' already");
        assert_eq!(error.place().as_deref(), Some("words.yaml:2"));
    }

    #[test]
    fn an_introduced_tracepoint_is_recorded_and_may_be_expected() {
        let words = "tracepoints: ['damon:damos_mine', 'vmscan:mm_mine']";
        let expect = |event: &str| {
            let text = format!("{}expect: [{{count: {event}, at_least: 1}}]\n", text(words, "action: stat"));
            read(&text, None)
        };
        let scenario = expect("damos_mine").unwrap();
        assert_eq!(scenario.trace.events, ["damon:*", "vmscan:mm_mine"]);
        assert!(expect("'vmscan:mm_mine'").is_ok());
        let names: Vec<_> = scenario.needs.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["tracepoint.damos_mine", "tracepoint.vmscan:mm_mine"]);
        assert_eq!(expect("damos_other").unwrap_err().to_string(), "DAMON has no event 'damos_other'");
    }

    #[test]
    fn files_are_written_in_the_order_of_the_text_and_needed_at_their_lines() {
        let scheme = "action: stat, sysfs: {preps/nr_preps: 1, preps/0/prep_action: set_pgidle}, \
                      quotas: {goals: [{metric: user_input, target_value: 1, sysfs: {weight: 7}}]}";
        let scenario = read(&text("keywords: [set_pgidle]", scheme), None).unwrap();
        let files: Vec<_> = scenario.kdamonds[0]
            .sysfs
            .iter()
            .map(|file| (file.path.as_str(), file.value.as_str(), file.is_keyword))
            .collect();
        let scheme = "contexts/0/schemes/0";
        assert_eq!(
            files,
            [
                (format!("{scheme}/preps/nr_preps").as_str(), "1", false),
                (format!("{scheme}/preps/0/prep_action").as_str(), "set_pgidle", true),
                (format!("{scheme}/quotas/goals/0/weight").as_str(), "7", false),
            ]
        );
        let needs: Vec<_> = needs(&scenario).into_iter().map(|(name, _)| name).collect();
        assert_eq!(needs[0], format!("sysfs.{scheme}/preps/nr_preps"));
        assert_eq!(needs.len(), 3);
    }

    #[test]
    fn a_retarget_brings_the_files_of_its_goals_and_drops_those_before() {
        let scheme =
            "sysfs: {mine: 1}, quotas: {goals: [{metric: user_input, target_value: 1, sysfs: {weight: 7}}]}";
        let retarget =
            "retarget: [{scheme: 0, goals: [{metric: user_input, target_value: 2, sysfs: {weight: 8}}]}]";
        let text = text("", scheme).replace("stop]", &format!("{retarget}, stop]"));
        let scenario = read(&text, None).unwrap();
        let Some(Step::Retarget { kdamonds, .. }) = scenario.steps.get(2) else {
            panic!("{:?}", scenario.steps)
        };
        let values: Vec<_> = kdamonds[0].sysfs.iter().map(|file| file.value.as_str()).collect();
        assert_eq!(values, ["1", "8"]);
    }
}
