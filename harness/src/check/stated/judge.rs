//! Whether a rule applies, and its result.

use super::events::{Recorded, Run};
use super::forms::{self, Checked};
use super::result::{MissingEvent, StatedResult, StatedStatus};
use super::{steps, windows};
use crate::check::fields::Fields;
use crate::check::finding::{Finding, Origin};
use crate::check::span::Span;
use crate::check::subject::{Subject, bare};
use crate::expression::{Budget, Evaluator};
use crate::grammar;
use crate::recording::Recording;
use crate::scenario::rule_names::{EventFields, Misnamed, check};
use crate::scenario::{Form, ScenarioRule};
use std::sync::Arc;

/// Judges all rules that the scenario has, in its order.
pub(crate) fn judge(
    recording: &Recording,
    fields: &Fields<'_>,
    subject: &dyn Subject,
) -> (Vec<StatedResult>, Vec<Finding>) {
    let rules = &recording.scenario.rules;
    if rules.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let budget = Budget::new();
    let all = Evaluator::run(&budget, |evaluator| {
        let one = |rule| one(recording, fields, subject, evaluator, rule);
        rules.iter().map(one).collect::<Vec<_>>()
    });
    match all {
        Ok(all) => {
            let (results, findings): (Vec<_>, Vec<_>) = all.into_iter().unzip();
            (results, findings.into_iter().flatten().collect())
        }
        Err(why) => {
            let result = |rule| result(rule, StatedStatus::Mistaken(why.to_owned()));
            (rules.iter().map(result).collect(), Vec::new())
        }
    }
}

fn result(rule: &ScenarioRule, result: StatedStatus) -> StatedResult {
    let statement = format!("{}: {}", rule.event, rule.form);
    StatedResult {
        name: rule.name.to_string(),
        place: rule.shown_place(),
        statement,
        result,
        missing_event: None,
    }
}

/// Why a rule is not judged.
enum NotJudged {
    MissingEvent(MissingEvent),
    Status(StatedStatus),
}

impl NotJudged {
    fn result(self, rule: &ScenarioRule) -> StatedResult {
        match self {
            NotJudged::Status(status) => result(rule, status),
            NotJudged::MissingEvent(event) => {
                let why = format!("the kernel has no tracepoint {}", event.name);
                let result = result(rule, StatedStatus::NotApplicable(why));
                StatedResult { missing_event: Some(event), ..result }
            }
        }
    }
}

impl From<StatedStatus> for NotJudged {
    fn from(status: StatedStatus) -> NotJudged {
        NotJudged::Status(status)
    }
}

fn one(
    recording: &Recording,
    fields: &Fields<'_>,
    subject: &dyn Subject,
    evaluator: &Evaluator<'_>,
    rule: &ScenarioRule,
) -> (StatedResult, Vec<Finding>) {
    let checked = applies(recording, fields, subject, rule).and_then(|span| {
        let run = Run { recording, fields, subject, evaluator, rule, span };
        Ok(checked(&run).map_err(StatedStatus::NotApplicable)?)
    });
    match checked {
        Err(why) => (why.result(rule), Vec::new()),
        Ok(Checked { count, violations }) => {
            let mut findings = violations.findings_of(&Origin::Stated(Arc::clone(&rule.name)));
            findings.iter_mut().for_each(|finding| finding.scenario_line = Some(rule.line()));
            let status =
                if findings.is_empty() { StatedStatus::Passed(count) } else { StatedStatus::Violated };
            (result(rule, status), findings)
        }
    }
}

/// The part of the run that the rule is about; or why it is about none.
fn applies(
    recording: &Recording,
    fields: &Fields<'_>,
    subject: &dyn Subject,
    rule: &ScenarioRule,
) -> Result<Span, NotJudged> {
    let none = |why: String| Err(StatedStatus::NotApplicable(why).into());
    for event in rule.events() {
        let name = bare(event);
        let is_recorded = is_recorded(recording, event);
        if subject.is_missing(event) || is_recorded && fields.has_no_format(name) {
            let nearest = grammar::nearest(name, fields.events().filter(|known| *known != name));
            let nearest = nearest.map(str::to_owned);
            return Err(NotJudged::MissingEvent(MissingEvent { name: event.to_owned(), nearest }));
        }
        if !is_recorded {
            return none(format!("{event} is not recorded"));
        }
        if let Some(why) = fields.unknown(name) {
            return none(why);
        }
    }
    let shape = |event: &str| -> Option<Box<dyn EventFields + '_>> {
        Some(Box::new(Recorded { shape: fields.shape(bare(event)).ok()?, subject }))
    };
    let mistaken = |what: String| Err(StatedStatus::Mistaken(what).into());
    match check(rule, &shape) {
        Ok(()) => Ok(Span::of(recording, rule.during).map_err(StatedStatus::NotApplicable)?),
        Err(Misnamed::Expression(_, mistake)) => mistaken(match mistake.help {
            Some(help) => format!("{} ({help})", mistake.message),
            None => mistake.message,
        }),
        Err(Misnamed::Field(event, field)) => {
            let names = fields.shape(bare(event)).map(|shape| shape.names().join(", ")).unwrap_or_default();
            mistaken(format!("{event} has no field '{field}'; it has {names}"))
        }
        Err(Misnamed::NoNumber(field)) => mistaken(format!("'{field}' of {} is no number", rule.event)),
    }
}

/// Whether a pattern of the plan covers the event.
fn is_recorded(recording: &Recording, event: &str) -> bool {
    let (system, name) = event.split_once(':').map_or((None, event), |(system, name)| (Some(system), name));
    let patterns = recording.plan.trace.events.iter().filter_map(|pattern| pattern.split_once(':'));
    let mut covering = patterns
        .filter(|(of, event)| system.is_none_or(|system| system == *of) && (*event == "*" || *event == name));
    covering.next().is_some()
}

fn checked(run: &Run<'_>) -> Result<Checked, String> {
    let checked = match &run.rule.form {
        Form::Always(expression) => forms::each(run, expression, true),
        Form::Never(expression) => forms::each(run, expression, false),
        Form::EachPair(expression) => forms::pairs(run, expression),
        Form::EachWindow(expression, window) => windows::windows(run, expression, window),
        Form::Monotonic(field) => forms::monotonic(run, field),
        Form::Follows(other, within) => forms::follows(run, other, *within),
        Form::UnchangedBy { step, .. } if !steps::has(run, step) => {
            return Err(format!("the scenario has no step {step}"));
        }
        Form::UnchangedBy { field, step } => steps::unchanged(run, field, step),
    };
    if run.evaluator.is_used_up() {
        return Err("there are too many events to evaluate its expressions".to_owned());
    }
    if checked.count > 0 {
        return Ok(checked);
    }
    Err(match (&run.rule.form, run.events().next().is_some()) {
        (_, false) if run.rule.when.is_some() => format!("no {} for which `when` is true", run.rule.event),
        (_, false) => format!("no {} happened", run.rule.event),
        (Form::EachPair(_) | Form::Monotonic(_), true) => format!("no two {} of one key", run.rule.event),
        (Form::EachWindow(..), true) => "no window came to its end".to_owned(),
        (_, true) => format!("no {} on both sides of a step", run.rule.event),
    })
}
