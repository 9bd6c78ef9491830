//! Events before and after others: the time from the first one to the first of another name, and the stretches between
//! two.

use super::measure::{Found, Scope, View};
use super::span::Span;
use super::subject::bare;
use std::ops::Range;

/// The stretches between an event and the next one of another name, by the places of the lines inside.
///
/// # Errors
/// There is none.
pub(super) fn stretches(view: &View<'_>, from: &str, to: &str) -> Result<Vec<Range<usize>>, String> {
    let mut stretches = Vec::new();
    let mut begin = None;
    for (index, line) in view.recording.trace.lines.iter().enumerate() {
        if line.name() == bare(from) {
            begin.get_or_insert(index + 1);
        } else if line.name() == bare(to)
            && let Some(begin) = begin.take()
        {
            stretches.push(begin..index);
        }
    }
    if stretches.is_empty() { Err(format!("no {from} that a {to} follows")) } else { Ok(stretches) }
}

/// The time from the first event of one name to the first of another, in seconds.
pub(super) fn time(view: &View<'_>, scope: Span, first: &str, then: &str) -> Found {
    let lines = &view.recording.trace.lines;
    let place =
        |event: &str| lines.iter().position(|line| line.name() == bare(event) && scope.has(line.time));
    let (one, other) = (place(first), place(then));
    let evidence = [one, other].into_iter().flatten().map(|index| view.evidence(index)).collect();
    let value = match (one, other) {
        (Some(one), Some(other)) if one < other => {
            let seconds = lines[other].time.0.saturating_sub(lines[one].time.0) as f64 / 1e9;
            Ok((seconds, format!("{seconds:.6} s")))
        }
        (Some(_), Some(_)) => Err(format!("{then} came first")),
        (None, _) => Err(format!("no {first}")),
        (_, None) => Err(format!("no {then}")),
    };
    Found { value, evidence }
}

impl Scope {
    /// All of the trace that an expectation is about.
    ///
    /// # Errors
    /// There is no such stretch.
    pub(super) fn of(
        view: &View<'_>,
        span: Span,
        between: Option<&(String, String)>,
    ) -> Result<Scope, String> {
        let between = between.map(|(from, to)| stretches(view, from, to)).transpose()?;
        Ok(Scope { span, between })
    }
}

#[cfg(test)]
mod tests {
    use crate::check::{Finding, Origin};
    use crate::judge::judge;
    use crate::recording::Recording;
    use crate::scenario::{Bound, Expectation, Over, Quantity, Statistic, Where};
    use crate::subject::damon::testing::Model;

    const GOAL: &str = "damos_node_eligible_mem_bp";
    const QUOTA: &str = "damos_esz";

    fn seen(quantity: Quantity, between: Option<(&str, &str)>) -> String {
        let mut recording: Recording = Model::pull_push().recording();
        let between = between.map(|(from, to)| (from.to_owned(), to.to_owned()));
        let bound = Bound { min: Some(-1.0), max: Some(-1.0) };
        recording.scenario.expect =
            vec![Expectation { quantity, bound, over: Over::Run, during: None, between, line: 1 }];
        let is_expectation = |finding: &Finding| finding.origin == Origin::Expectation;
        judge(&recording).findings.into_iter().find(is_expectation).unwrap().seen
    }

    fn statistic(statistic: Statistic) -> String {
        let filter = Where::from([("nid".to_owned(), "0".to_owned())]);
        seen(
            Quantity::Statistic { statistic, event: GOAL.into(), field: "current_value".into(), filter },
            None,
        )
    }

    #[test]
    fn a_statistic_is_the_value_of_one_event() {
        let all =
            [Statistic::Min, Statistic::Percentile(50), Statistic::Max, Statistic::Final].map(statistic);
        let numbers: Vec<u64> =
            all.iter().map(|text| text.split(' ').next().unwrap().parse().unwrap()).collect();
        assert!(numbers[0] < numbers[2] && numbers[0] <= numbers[1] && numbers[1] <= numbers[2], "{all:?}");
        assert_eq!(statistic(Statistic::Percentile(99)).split(' ').next(), all[2].split(' ').next());
    }

    #[test]
    fn the_order_of_the_first_events_is_a_time_or_a_violation() {
        let ordered = |first: &str, then: &str| {
            seen(Quantity::Ordered { first: first.into(), then: then.into() }, None)
        };
        assert!(ordered(GOAL, QUOTA).ends_with(" s"), "{}", ordered(GOAL, QUOTA));
        assert_eq!(ordered(QUOTA, GOAL), format!("{GOAL} came first"));
        assert_eq!(ordered(GOAL, "damon_monitor_intervals_tune"), "no damon_monitor_intervals_tune");
    }

    #[test]
    fn between_two_events_only_what_lies_inside_counts() {
        let count = |between| seen(Quantity::Count { event: GOAL.into(), filter: Where::new() }, between);
        let (all, inside) = (count(None), count(Some((GOAL, QUOTA))));
        let number = |text: &str| text.parse::<u64>().unwrap();
        assert!(number(&inside) < number(&all), "{inside} of {all}");
        assert_eq!(
            count(Some((QUOTA, "damon_monitor_intervals_tune"))),
            "no damos_esz that a damon_monitor_intervals_tune follows"
        );
    }
}
