//! The subjects that damonlab knows, and what each of them adds. No other module outside of a subject names one.

use super::damon::{self, breakpoints, damo_report, races, scenario_keys, view::View};
use super::measure::{Measure, Quantity};
use super::samples;
use super::series::{Aggregation, Pass, Series};
use crate::check::expect::{self, Evaluation};
use crate::check::fields::Fields;
use crate::check::rule::{Judged, RuleResult};
use crate::check::violations::Violations;
use crate::check::{About, Finding, StatedResult, stated};
use crate::figure::{Plot, Step};
use crate::recording::{Formulas, Recording};
use crate::trace::RecordNames;
use std::collections::BTreeMap;

/// Why no rule about DAMON applies where nothing is configured and no event came.
const NO_DAMON: &str = "the scenario has no DAMON";

/// What the subjects say of a recording.
pub(crate) struct SubjectResults {
    /// Tracepoints that the scenario names and the kernel does not have.
    pub(crate) missing_events: Vec<String>,
    /// The result of each rule.
    pub(crate) rules: Vec<Judged>,
    /// The scenario's expectations, in its order.
    pub(crate) expectations: Vec<Evaluation>,
    /// The rules that the scenario states, in its order, and their findings.
    pub(crate) stated: (Vec<StatedResult>, Vec<Finding>),
    /// What programs of the host reported wrongly.
    pub(crate) reports: Violations,
}

/// The rules about subjects, in the order of reports.
pub(crate) fn rules() -> impl Iterator<Item = &'static About> {
    damon::rules::registry::RULES.iter().map(|rule| &rule.about)
}

/// Judges a recording by the rules about its subjects, and measures what its scenario expects.
pub(crate) fn judge(recording: &Recording, fields: &Fields<'_>) -> SubjectResults {
    let view = View::new(recording);
    let clock = recording.meta.clock;
    let has_no_damon = recording.plan.kdamonds.is_empty() && view.foreign_events.is_empty();
    let rules = damon::rules::registry::RULES.iter().map(|rule| {
        let judged = |judge: &fn(&View<'_>) -> RuleResult| match races::forbid(rule, recording) {
            Some(why) => RuleResult::NotApplicable(why),
            None => judge(&view),
        };
        rule.on(clock, |judge| match judged(judge) {
            RuleResult::NotApplicable(_) if has_no_damon => RuleResult::NotApplicable(NO_DAMON.to_owned()),
            result => result,
        })
    });
    let mut reports = Violations::default();
    damo_report::judge(recording, &mut reports);
    SubjectResults {
        missing_events: view.missing_events(),
        rules: rules.collect(),
        expectations: expect::all(recording, &view, fields),
        stated: stated::judge(recording, fields, &view),
        reports,
    }
}

/// What a scenario needs to execute the line `text` of a kernel function; none where nobody knows.
pub fn scenario_key(path: &str, function: &str, text: &str) -> Option<&'static str> {
    scenario_keys::reaching(path, function, text)
}

/// The variant that a kernel's source has of each function with several known ones. `text` has the files of the source.
pub fn formulas(text: impl Fn(&str) -> Option<String>) -> Formulas {
    damon::formulas::in_source(text)
}

/// What such a variant of a function is, for people.
pub fn variant_meaning(function: &str, variant: &str) -> &'static str {
    damon::formulas::meaning(function, variant)
}

/// The quantities that a recording has, in the order of reports.
pub fn measures(recording: &Recording) -> Vec<(Quantity, Measure)> {
    damon::measures::measures(recording)
}

/// All numbers over time that a recording has, in the order of reports.
pub fn series(recording: &Recording) -> Vec<Series> {
    damon::series::series(recording)
}

/// The regions at the end of each aggregation, where they are recorded; by kdamond and then by time.
pub fn aggregations(recording: &Recording) -> Vec<Aggregation> {
    damon::series::aggregations(recording)
}

/// The passes of all schemes whose statistics are recorded, by kdamond and then by time.
pub fn passes(recording: &Recording) -> Vec<Pass> {
    damon::series::passes(recording)
}

/// The kdamond of the plan that each task was, by pid.
pub fn kdamond_pids(recording: &Recording) -> BTreeMap<i32, usize> {
    View::new(recording).kdamond_runs.iter().map(|run| (run.pid, run.kdamond)).collect()
}

/// The fields of an event whose text a subject knows, each with its name in the ring buffer's record.
pub fn record_names(event: &str) -> Option<RecordNames> {
    damon::events::Event::record_names(event)
}

/// The system of the events whose formats a recording lists.
pub fn listed_system() -> &'static str {
    "damon"
}

/// The name of the event that reports the regions of an aggregation.
pub fn aggregation_event() -> &'static str {
    damon::events::Aggregated::NAME
}

/// What can be drawn of a recording, in the order of a page.
pub fn plots(recording: &Recording) -> Vec<Plot> {
    let mut all = damon::plots::plots(recording);
    all.extend(samples::workloads(recording));
    all.extend(samples::memory(recording));
    all.extend(samples::counters(recording));
    all.sort_by_key(|plot| plot.section);
    all
}

/// The steps that the guest carried out, each with its time.
pub fn steps(recording: &Recording) -> Vec<Step> {
    damon::plots::steps(recording)
}

/// The normalised run as text: a rebuilt kernel of the same behaviour gives the same text.
pub fn behaviour(recording: &Recording) -> String {
    damon::behaviour::behaviour(recording)
}

/// The kernel functions that lead to events, for breakpoints at their beginning: event, then function.
pub fn functions_before_events() -> impl Iterator<Item = (&'static str, &'static str)> {
    breakpoints::functions_before_events()
}
