//! `each_window`: the events of one key, divided by time or by another event.

use super::events::Run;
use super::forms::{Checked, expected};
use crate::check::finding::Violation;
use crate::expression::Expression;
use crate::scenario::Window;
use crate::scenario::rule_names::COUNT;
use crate::trace::Value;
use damonlab_protocol::units::Nanos;
use std::collections::BTreeMap;

/// A window that is not over: when it began, and the places of its events.
struct Open {
    begin: Nanos,
    events: Vec<usize>,
}

/// Judges every window that is over. The last one, which the end of the run cuts, is not judged.
pub(super) fn windows(run: &Run<'_>, expression: &Expression, window: &Window) -> Checked {
    let mut checked = Checked::new();
    match window {
        Window::Time(length) => by_time(run, expression, *length, &mut checked),
        Window::Event(boundary) => by_event(run, expression, boundary, &mut checked),
    }
    checked
}

fn by_time(run: &Run<'_>, expression: &Expression, length: Nanos, checked: &mut Checked) {
    let mut open: BTreeMap<String, Open> = BTreeMap::new();
    for index in run.events() {
        let (key, time) = (run.key(index), run.line(index).time);
        let window = open.entry(key.clone()).or_insert(Open { begin: time, events: Vec::new() });
        while time.0.saturating_sub(window.begin.0) >= length.0 {
            let end = Nanos(window.begin.0.saturating_add(length.0));
            judge(run, expression, &key, (&window.events, window.begin, end), checked);
            window.begin = end;
            window.events.clear();
            if run.evaluator.is_used_up() {
                return;
            }
        }
        window.events.push(index);
    }
}

fn by_event(run: &Run<'_>, expression: &Expression, boundary: &str, checked: &mut Checked) {
    let mut open: BTreeMap<String, Open> = BTreeMap::new();
    for (index, is_own) in run.with_others(boundary) {
        let key = run.key(index);
        if is_own {
            open.entry(key).and_modify(|window| window.events.push(index));
            continue;
        }
        let now = run.line(index).time;
        if let Some(window) = open.insert(key.clone(), Open { begin: now, events: Vec::new() }) {
            judge(run, expression, &key, (&window.events, window.begin, now), checked);
        }
    }
}

/// Judges the window of these events between two times.
fn judge(
    run: &Run<'_>,
    expression: &Expression,
    key: &str,
    (events, begin, end): (&[usize], Nanos, Nanos),
    checked: &mut Checked,
) {
    // Of an empty window only the number of events, and their sum, have a value.
    let needs_event = |name: &str| name != COUNT && !name.starts_with("sum.");
    if events.is_empty() && expression.names().any(needs_event) {
        return;
    }
    checked.count += 1;
    let Err(values) = run.evaluate(expression, &|name| value(run, events, name)) else { return };
    let [begin, end] = [begin, end].map(|time| time.0 as f64 / 1e9);
    let values = format!("{values}, in the window from {begin:.6} s to {end:.6} s");
    let seen = if key.is_empty() { values } else { format!("{key}: {values}") };
    let ends = events.first().into_iter().chain(events.last().filter(|_| events.len() > 1));
    let lines = ends.map(|index| run.line(*index));
    checked.violations.push(|| Violation::new(expected(run), seen).at(lines));
}

/// `count`, `first.FIELD`, `last.FIELD`, `min.FIELD`, `max.FIELD`, `sum.FIELD`. A sum that leaves the range of the
/// field's type has no value.
fn value(run: &Run<'_>, events: &[usize], name: &str) -> Option<Value> {
    if name == COUNT {
        return Some(Value::Unsigned(events.len() as u64));
    }
    let (part, field) = name.split_once('.')?;
    match part {
        "first" => return run.value(*events.first()?, field),
        "last" => return run.value(*events.last()?, field),
        _ => {}
    }
    let values = events.iter().map(|index| run.value(*index, field)).collect::<Option<Vec<_>>>()?;
    let numbers = values.iter().map(number).collect::<Option<Vec<i128>>>()?;
    let result = match part {
        "min" => numbers.iter().copied().min()?,
        "max" => numbers.iter().copied().max()?,
        _ => numbers.iter().sum(),
    };
    match values.first() {
        Some(Value::Signed(_)) => i64::try_from(result).ok().map(Value::Signed),
        _ => u64::try_from(result).ok().map(Value::Unsigned),
    }
}

fn number(value: &Value) -> Option<i128> {
    match value {
        Value::Unsigned(value) => Some((*value).into()),
        Value::Signed(value) => Some((*value).into()),
        _ => None,
    }
}
