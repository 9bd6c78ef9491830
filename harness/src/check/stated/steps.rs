//! `unchanged_by`: a field before and after steps of one kind.

use super::events::Run;
use super::forms::{Checked, expected};
use crate::check::finding::Violation;
use damonlab_protocol::record::StepRecord;
use std::collections::BTreeMap;

/// Compares the last value before each such step with the first one after it, for each key.
pub(super) fn unchanged(run: &Run<'_>, field: &str, step: &str) -> Checked {
    let mut checked = Checked::new();
    let steps = run.recording.plan.steps.iter().zip(&run.recording.report.steps);
    for (_, record) in steps.filter(|(one, _)| one.word() == step) {
        one_step(run, field, record, &mut checked);
    }
    checked
}

/// Whether the run has such a step.
pub(super) fn has(run: &Run<'_>, step: &str) -> bool {
    run.recording.plan.steps.iter().any(|one| one.word() == step)
}

fn one_step(run: &Run<'_>, field: &str, step: &StepRecord, checked: &mut Checked) {
    let mut before: BTreeMap<String, usize> = BTreeMap::new();
    for index in run.events() {
        let (line, key) = (run.line(index), run.key(index));
        if line.time < step.begin {
            before.insert(key, index);
        } else if line.time > step.end
            && let Some(earlier) = before.remove(&key)
        {
            checked.count += 1;
            let (old, new) = (run.value(earlier, field), run.value(index, field));
            if old == new && old.is_some() {
                continue;
            }
            let shown = |value: Option<crate::trace::Value>| {
                value.map_or_else(|| "none".to_owned(), |value| value.to_string())
            };
            let seen = format!("{field} {} before, and {} after", shown(old), shown(new));
            let seen = if key.is_empty() { seen } else { format!("{key}: {seen}") };
            let lines = [run.line(earlier), line];
            checked.violations.push(|| Violation::new(expected(run), seen).at(lines));
        }
    }
}
