//! The scenario's own expectations, over the recording.

use super::Missing;
use super::finding::{EXPECT, Evidence, Finding};
use super::view::{View, bare};
use crate::scenario::{Bound, Expectation, Quantity, Where};
use crate::trace::Line;
use damonlab_guest::record::section;
use damonlab_guest::units::NodeId;

/// What one expectation comes to: a finding where it does not hold.
pub(super) type Result = std::result::Result<Option<Finding>, Missing>;

/// How many lines of evidence a mean or a count shows.
const SHOWN: usize = 4;

/// The field that stands for the kdamond of an event, in a `where`.
const KDAMOND: &str = "kdamond";

/// Evaluates all expectations, in the scenario's order.
pub(super) fn all(view: &View<'_>) -> Vec<Result> {
    view.recording.scenario.expect.iter().map(|expectation| evaluate(view, expectation)).collect()
}

fn evaluate(view: &View<'_>, expectation: &Expectation) -> Result {
    let bound = expectation.bound;
    let finding = match &expectation.quantity {
        Quantity::Mean { event, field, filter, last } => {
            has(view, event)?;
            mean(view, event, field, filter, *last, bound)
        }
        Quantity::Count { event, filter } => {
            has(view, event)?;
            count(view, event, filter, bound)
        }
        Quantity::Resident { workload, node } => resident(view, workload, *node, bound),
        Quantity::Vmstat { counter } => vmstat(view, counter, bound),
    };
    Ok(finding.map(|mut finding| {
        finding.scenario_line = Some(expectation.line);
        finding
    }))
}

fn has(view: &View<'_>, event: &str) -> std::result::Result<(), Missing> {
    if view.lacks(event) { Err(Missing { event: event.to_owned() }) } else { Ok(()) }
}

fn mean(
    view: &View<'_>,
    event: &str,
    field: &str,
    filter: &Where,
    last: Option<u64>,
    bound: Bound,
) -> Option<Finding> {
    let name = match last {
        Some(last) => format!("the mean of {field} of the last {last} {}", events(event, filter)),
        None => format!("the mean of {field} of {}", events(event, filter)),
    };
    let wanted = format!("{name} {}", range(bound));
    let fail = |seen: String| Finding::new(EXPECT, wanted.clone(), seen);
    let lines = match matching(view, event, filter) {
        Ok(lines) => lines,
        Err(seen) => return Some(fail(seen)),
    };
    let count = last.map_or(lines.len(), |last| usize::try_from(last).unwrap_or(usize::MAX));
    if lines.is_empty() || lines.len() < count {
        return Some(fail(format!("{} such event(s)", lines.len())).at(lines.iter().copied().take(SHOWN)));
    }
    let lines = &lines[lines.len() - count..];
    let mut sum = 0.0;
    for line in lines {
        match line.field(field).map(|value| (value.number(), value.to_string())) {
            Some((Some(number), _)) => sum += number,
            Some((None, text)) => return Some(fail(format!("'{text}', which is no number")).at([*line])),
            None => return Some(fail(no_field(line, field)).at([*line])),
        }
    }
    let mean = sum / lines.len() as f64;
    (!bound.holds(mean)).then(|| fail(format!("{mean:.2} over {} events", lines.len())).at(ends(lines)))
}

fn count(view: &View<'_>, event: &str, filter: &Where, bound: Bound) -> Option<Finding> {
    let wanted = format!("the count of {} {}", events(event, filter), range(bound));
    let fail = |seen: String| Finding::new(EXPECT, wanted.clone(), seen);
    match matching(view, event, filter) {
        Err(seen) => Some(fail(seen)),
        Ok(lines) if bound.holds(lines.len() as f64) => None,
        Ok(lines) => Some(fail(lines.len().to_string()).at(ends(&lines))),
    }
}

/// The events of a name whose fields have the wanted values. A field that the event does not have is
/// an error: a misspelt one would match nothing, or let everything pass.
fn matching<'a>(view: &View<'a>, event: &str, filter: &Where) -> std::result::Result<Vec<&'a Line>, String> {
    let mut found = Vec::new();
    for line in view.recording.trace.lines.iter().filter(|line| line.event.name() == bare(event)) {
        let mut all = true;
        for (key, wanted) in filter {
            let value = match key.as_str() {
                KDAMOND => kdamond_of(view, line),
                _ => line.field(key).map(|value| value.to_string()).ok_or_else(|| no_field(line, key))?,
            };
            all &= value == *wanted;
        }
        if all {
            found.push(line);
        }
    }
    Ok(found)
}

fn kdamond_of(view: &View<'_>, line: &Line) -> String {
    let life = view.lives.iter().find(|life| life.lines.first().is_some_and(|first| first.pid == line.pid));
    life.map(|life| life.kdamond.to_string()).unwrap_or_default()
}

fn no_field(line: &Line, field: &str) -> String {
    let names = line.event.field_names().join(", ");
    format!("no field '{field}' in {}; it has {names}", line.event.name())
}

fn resident(view: &View<'_>, workload: &str, node: NodeId, bound: Bound) -> Option<Finding> {
    let wanted = format!("the bytes of '{workload}' on {node} at the end {}", range(bound));
    let fail = |seen: &str| Some(Finding::new(EXPECT, wanted.clone(), seen));
    let Some(sample) = view.recording.samples.last() else { return fail("no sample") };
    let Some(nodes) = sample.workloads.get(workload) else {
        return fail("no such workload in the last sample");
    };
    let bytes = nodes.get(&node).map_or(0, |bytes| bytes.0);
    if bound.holds(bytes as f64) { None } else { fail(&bytes.to_string()) }
}

fn vmstat(view: &View<'_>, counter: &str, bound: Bound) -> Option<Finding> {
    let wanted = format!("the growth of {counter} {}", range(bound));
    let fail = |seen: String| Some(Finding::new(EXPECT, wanted.clone(), seen));
    let samples = &view.recording.samples;
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
        return fail("no sample".into());
    };
    let (Some(old), Some(new)) = (first.vmstat.get(counter), last.vmstat.get(counter)) else {
        return fail("no such counter in the samples".into());
    };
    let growth = *new as f64 - *old as f64;
    if bound.holds(growth) {
        return None;
    }
    let mut finding = fail(format!("{growth}"))?;
    let number = u32::try_from(samples.len()).unwrap_or(u32::MAX);
    finding.evidence.push(Evidence::new(section::SAMPLES, 1, &format!("{counter} {old}")));
    finding.evidence.push(Evidence::new(section::SAMPLES, number, &format!("{counter} {new}")));
    Some(finding)
}

/// `damos_esz where scheme_idx=0 esz=0`.
fn events(event: &str, filter: &Where) -> String {
    let fields: Vec<String> = filter.iter().map(|(key, value)| format!("{key}={value}")).collect();
    if fields.is_empty() { event.to_owned() } else { format!("{event} where {}", fields.join(" ")) }
}

/// `in 6500..7500`, `at least 1`.
fn range(bound: Bound) -> String {
    match (bound.min, bound.max) {
        (Some(min), Some(max)) => format!("to be in {min}..{max}"),
        (Some(min), None) => format!("to be at least {min}"),
        (None, Some(max)) => format!("to be at most {max}"),
        (None, None) => "to be there".to_owned(),
    }
}

fn ends<'a>(lines: &[&'a Line]) -> impl Iterator<Item = &'a Line> {
    let last = lines.last().copied().filter(|_| lines.len() > 1);
    lines.first().copied().into_iter().chain(last)
}

#[cfg(test)]
mod tests {
    use super::super::testkit::{Model, rewrite};
    use super::super::{Finding, judge};
    use super::*;
    use crate::recording::Recording;

    const GOAL: &str = "damos_node_eligible_mem_bp";

    fn judged(recording: &mut Recording, quantity: Quantity, min: f64, max: f64) -> Vec<Finding> {
        let bound = Bound { min: Some(min), max: Some(max) };
        recording.scenario.expect = vec![Expectation { quantity, bound, line: 41 }];
        judge(recording).findings.into_iter().filter(|finding| finding.id == EXPECT).collect()
    }

    fn mean(field: &str, filter: &[(&str, &str)], last: Option<u64>) -> Quantity {
        let filter = filter.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Quantity::Mean { event: GOAL.into(), field: field.into(), filter, last }
    }

    #[test]
    fn a_mean_inside_its_bounds_passes_and_outside_fails_with_its_line() {
        let mut recording = Model::pull_push().recording();
        assert_eq!(
            judged(&mut recording, mean("target_value", &[("nid", "0")], Some(3)), 7000.0, 7000.0),
            []
        );
        let findings = judged(&mut recording, mean("target_value", &[("nid", "0")], Some(3)), 0.0, 6999.0);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].scenario_line, Some(41));
        assert_eq!(findings[0].seen, "7000.00 over 3 events");
    }

    #[test]
    fn a_mean_over_nothing_or_over_too_little_fails() {
        let mut recording = Model::pull_push().recording();
        let nothing = judged(&mut recording, mean("current_value", &[("nid", "7")], None), 0.0, 1e9);
        assert_eq!(nothing[0].seen, "0 such event(s)");
        let little = judged(&mut recording, mean("current_value", &[], Some(100_000)), 0.0, 1e9);
        assert!(little[0].seen.ends_with("such event(s)"));
    }

    #[test]
    fn a_field_that_the_event_does_not_have_fails() {
        let mut recording = Model::pull_push().recording();
        for quantity in [mean("value", &[], None), mean("current_value", &[("node", "0")], None)] {
            let findings = judged(&mut recording, quantity, 0.0, 1e9);
            assert!(findings[0].seen.contains("it has ctx_idx, scheme_idx, nid"), "{}", findings[0]);
        }
    }

    #[test]
    fn events_are_told_apart_by_their_kdamond() {
        let mut recording = Model::pull_push().recording();
        let of = |kdamond: &str| Quantity::Count {
            event: format!("damon:{GOAL}"),
            filter: Where::from([("kdamond".into(), kdamond.into())]),
        };
        assert_eq!(judged(&mut recording, of("0"), 1.0, 1e9), []);
        assert_eq!(judged(&mut recording, of("1"), 1.0, 1e9).len(), 1);
    }

    #[test]
    fn a_count_may_be_zero() {
        let mut recording = Model::pull_push().recording();
        rewrite(&mut recording, |lines| lines.retain(|line| !line.contains("damos_before_apply")));
        let count = Quantity::Count { event: "damos_before_apply".into(), filter: Where::new() };
        assert_eq!(judged(&mut recording, count.clone(), 0.0, 0.0), []);
        assert_eq!(judged(&mut recording, count, 1.0, 9.0)[0].seen, "0");
    }

    #[test]
    fn where_pages_end_and_how_counters_grow_is_judged_from_the_samples() {
        let mut recording = Model::pull_push().recording();
        let on = |workload: &str| Quantity::Resident { workload: workload.into(), node: NodeId(1) };
        assert_eq!(judged(&mut recording, on("hot"), 1.0, 1e9), []);
        assert_eq!(judged(&mut recording, on("hot"), 1e9, 2e9).len(), 1);
        assert_eq!(judged(&mut recording, on("cold"), 0.0, 1e9).len(), 1);
        let grown = |counter: &str| Quantity::Vmstat { counter: counter.into() };
        assert_eq!(judged(&mut recording, grown("pgmigrate_success"), 1.0, 1e9), []);
        assert_eq!(judged(&mut recording, grown("pgmigrate_success"), 0.0, 0.0).len(), 1);
        assert_eq!(judged(&mut recording, grown("pgsteal"), 0.0, 1e9).len(), 1);
        recording.samples.clear();
        assert_eq!(judged(&mut recording, grown("pgmigrate_success"), 0.0, 1e9).len(), 1);
    }

    #[test]
    fn a_tracepoint_that_the_kernel_lacks_is_missing_and_no_finding() {
        let mut recording = Model::pull_push().recording();
        recording.report.missing_events.push(format!("damon:{GOAL}"));
        rewrite(&mut recording, |lines| lines.retain(|line| !line.contains(GOAL)));
        assert_eq!(judged(&mut recording, mean("current_value", &[], None), 0.0, 1e9), []);
        assert_eq!(judge(&recording).missing_events, [format!("damon:{GOAL}")]);
    }
}
