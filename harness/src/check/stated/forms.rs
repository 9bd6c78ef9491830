//! The forms of a rule that look at one event, at two, or at what came before.

use super::events::Run;
use crate::check::finding::Violation;
use crate::check::violations::Violations;
use crate::expression::Expression;
use crate::trace::Value;
use damonlab_protocol::units::Nanos;
use std::collections::BTreeMap;

/// What came of a rule: how many times it was checked, and the violations.
pub(super) struct Checked {
    pub(super) count: u64,
    pub(super) violations: Violations,
}

impl Checked {
    pub(super) fn new() -> Checked {
        Checked { count: 0, violations: Violations::default() }
    }
}

/// `always` and, where `wanted` is false, `never`.
pub(super) fn each(run: &Run<'_>, expression: &Expression, wanted: bool) -> Checked {
    let mut checked = Checked::new();
    for index in run.events() {
        checked.count += 1;
        let value = |name: &str| run.value(index, name);
        let seen = match (run.evaluate(expression, &value), wanted) {
            (Ok(()), true) => continue,
            (Err(values), true) => values,
            (Ok(()), false) => {
                let values = expression.names().filter_map(|name| Some(format!("{name} {}", value(name)?)));
                values.collect::<Vec<_>>().join(", ")
            }
            (Err(why), false) if run.evaluator.holds(expression, &value).is_err() => why,
            (Err(_), false) => continue,
        };
        checked.violations.push(|| Violation::new(expected(run), seen).at([run.line(index)]));
    }
    checked
}

/// What must hold, as the middle of "expected ...; saw ...".
pub(super) fn expected(run: &Run<'_>) -> String {
    let key = match run.rule.key.as_slice() {
        [] => String::new(),
        key => format!(" of one {}", key.join(", ")),
    };
    format!("{}{key}: {}", run.rule.event, run.rule.form)
}

/// The key in front of what was seen.
fn of_key(key: &str, seen: &str) -> String {
    if key.is_empty() { seen.to_owned() } else { format!("{key}: {seen}") }
}

/// `each_pair`.
pub(super) fn pairs(run: &Run<'_>, expression: &Expression) -> Checked {
    each_pair(run, |before, after| {
        run.evaluate(expression, &|name| {
            let (part, field) = name.split_once('.')?;
            run.value(if part == "before" { before } else { after }, field)
        })
    })
}

/// `monotonic`.
pub(super) fn monotonic(run: &Run<'_>, field: &str) -> Checked {
    each_pair(run, |before, after| {
        let values = (run.value(before, field), run.value(after, field));
        let falls = match &values {
            (Some(Value::Unsigned(before)), Some(Value::Unsigned(after))) => after < before,
            (Some(Value::Signed(before)), Some(Value::Signed(after))) => after < before,
            _ => return Err(format!("{field} has no value")),
        };
        let shown = |value: &Option<Value>| value.as_ref().map(ToString::to_string).unwrap_or_default();
        if falls {
            Err(format!("{field} {} and then {}", shown(&values.0), shown(&values.1)))
        } else {
            Ok(())
        }
    })
}

fn each_pair(run: &Run<'_>, holds: impl Fn(usize, usize) -> Result<(), String>) -> Checked {
    let mut checked = Checked::new();
    let mut last: BTreeMap<String, usize> = BTreeMap::new();
    for after in run.events() {
        let key = run.key(after);
        let Some(before) = last.insert(key.clone(), after) else { continue };
        checked.count += 1;
        if let Err(seen) = holds(before, after) {
            let lines = [run.line(before), run.line(after)];
            checked.violations.push(|| Violation::new(expected(run), of_key(&key, &seen)).at(lines));
        }
    }
    checked
}

/// `follows`.
pub(super) fn follows(run: &Run<'_>, other: &str, within: Option<Nanos>) -> Checked {
    let mut checked = Checked::new();
    // The last event of the other name since the last one of the rule's.
    let mut since: BTreeMap<String, usize> = BTreeMap::new();
    let mut last: BTreeMap<String, usize> = BTreeMap::new();
    for (index, is_own) in run.with_others(other) {
        let key = run.key(index);
        if !is_own {
            since.insert(key, index);
            continue;
        }
        checked.count += 1;
        let before = last.insert(key.clone(), index);
        let found = since.remove(&key);
        let time = |index: usize| run.line(index).time.0;
        let seen = match (found, within) {
            (Some(_), None) => continue,
            (Some(found), Some(within)) => match Nanos(time(index).saturating_sub(time(found))) {
                passed if passed <= within => continue,
                passed => format!("the last {other} is {passed} before it"),
            },
            (None, _) if before.is_some() => format!("no {other} since the {} before", run.rule.event),
            (None, _) => format!("no {other} before it"),
        };
        let lines = found.or(before).into_iter().chain([index]).map(|index| run.line(index));
        checked.violations.push(|| Violation::new(expected(run), of_key(&key, &seen)).at(lines));
    }
    checked
}
