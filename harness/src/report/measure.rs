//! What a run measured, short enough for one line.
//!
//! - The mean of a share that is a quota goal: `node 0 70.0 % of 70 %`, where the scheme's goal lies inside of bounds on
//!   both sides; else the bounds, as below.
//! - Any other number: what it is, the number, and the bounds: `pgmigrate_success 7310 (at least 5000)`. Where only one
//!   value passes, there are no bounds to show: `damos_before_apply 0`.
//! - What must not happen (`equals: 0`) comes last.
//! - An expectation over several seeds does not apply to one run, and is left out. `-v` shows all of them.

use crate::scenario::{Bound, Expectation, Over, Quantity, Scenario, Where};

/// The measures of a run: each expectation's place in the scenario, and its value.
pub(super) fn all(scenario: &Scenario, values: impl IntoIterator<Item = (usize, f64)>) -> Vec<String> {
    let expected = values.into_iter().filter_map(|(index, value)| Some((scenario.expect.get(index)?, value)));
    let mut of_one_run: Vec<_> = expected.filter(|(expectation, _)| expectation.over == Over::Run).collect();
    // What must not happen, and did not, says the least about a run.
    of_one_run.sort_by_key(|(expectation, _)| expectation.bound.max == Some(0.0));
    of_one_run.iter().map(|(expectation, value)| measure(expectation, *value, scenario)).collect()
}

fn measure(expectation: &Expectation, value: f64, scenario: &Scenario) -> String {
    let run = expectation.during.map(|run| format!("run {}: ", run + 1)).unwrap_or_default();
    let quantity = &expectation.quantity;
    let subject = subject(quantity);
    if let Quantity::Mean { event, filter, .. } = quantity
        && is_share(quantity)
    {
        let goal = goal(event, filter, scenario).filter(|goal| is_met_by(expectation.bound, *goal));
        let bounds = goal.map_or_else(
            || bounds(expectation.bound, |share| format!("{} %", share / 100.0)),
            |goal| format!(" of {} %", goal / 100.0),
        );
        return format!("{run}{subject} {:.1} %{bounds}", value / 100.0);
    }
    let bounds = bounds(expectation.bound, |value| quantity.amount(value));
    format!("{run}{subject} {}{bounds}", quantity.amount(value))
}

/// A quota goal's own measurements, in parts of 10000, each with a tracepoint that is named after its metric.
fn is_share(quantity: &Quantity) -> bool {
    matches!(quantity, Quantity::Mean { event, field, .. } if event.ends_with("_bp") && field == "current_value")
}

/// `node 0`, `scheme 2 nr_regions`, `hot on node 1`, `pgmigrate_success`.
fn subject(quantity: &Quantity) -> String {
    let words = match quantity {
        Quantity::Mean { filter, .. } if is_share(quantity) => {
            if filter.is_empty() {
                vec!["share".to_owned()]
            } else {
                places(filter)
            }
        }
        Quantity::Mean { field, filter, .. } => with(filter, field),
        Quantity::Statistic { statistic, field, filter, .. } => with(filter, &format!("{statistic} {field}")),
        Quantity::Ordered { first, then } => vec![format!("{first} to {then}")],
        Quantity::Count { event, filter } => with(filter, event),
        Quantity::Resident { workload, node } => vec![format!("{workload} on {node}")],
        Quantity::Vmstat { counter } => vec![counter.clone()],
    };
    words.join(" ")
}

fn with(filter: &Where, what: &str) -> Vec<String> {
    places(filter).into_iter().chain([what.to_owned()]).collect()
}

fn places(filter: &Where) -> Vec<String> {
    let place = |(key, value): (&String, &String)| match key.as_str() {
        "nid" => format!("node {value}"),
        "scheme_idx" => format!("scheme {value}"),
        "kdamond" => format!("kdamond {value}"),
        _ => format!("{key}={value}"),
    };
    filter.iter().map(place).collect()
}

/// The target of the goals that these events measure, where all of them have the same.
fn goal(event: &str, filter: &Where, scenario: &Scenario) -> Option<f64> {
    let is = |key: &str, value: String| filter.get(key).is_none_or(|wanted| *wanted == value);
    let mut targets = Vec::new();
    for (number, kdamond) in scenario.kdamonds.iter().enumerate() {
        for (index, scheme) in kdamond.context.schemes.iter().enumerate() {
            if is("kdamond", number.to_string()) && is("scheme_idx", index.to_string()) {
                // The kernel drops a goal with a target of 0.
                let goals = scheme.quota.goals.iter().filter(|goal| goal.target_value != 0);
                let goals = goals.filter(|goal| event.ends_with(&goal.metric));
                targets.extend(
                    goals.filter(|goal| is("nid", goal.nid.to_string())).map(|goal| goal.target_value),
                );
            }
        }
    }
    targets.dedup();
    if let [target] = targets.as_slice() { Some(*target as f64) } else { None }
}

/// Only a bound on both sides says that the goal should be met.
fn is_met_by(bound: Bound, goal: f64) -> bool {
    bound.min.is_some() && bound.max.is_some() && bound.holds(goal)
}

/// ` (at least 5000)`.
fn bounds(bound: Bound, amount: impl Fn(f64) -> String) -> String {
    match (bound.min, bound.max) {
        (Some(min), Some(max)) if min == max => String::new(),
        (Some(min), Some(max)) => format!(" ({} to {})", amount(min), amount(max)),
        (Some(min), None) => format!(" (at least {})", amount(min)),
        (None, Some(max)) => format!(" (at most {})", amount(max)),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(name: &str) -> Scenario {
        Scenario::load(&crate::bundled::home().join(format!("scenarios/{name}.yaml"))).unwrap()
    }

    #[test]
    fn what_must_not_happen_comes_after_what_must() {
        let all = measured("kswapd-demotion", &[0.0, 2.0, 5400.0, 5400.0, 0.0, 24e6, 66e6]);
        assert!(all[0].ends_with("mm_vmscan_kswapd_wake 2 (at least 1)"), "{all:?}");
        assert_eq!(all[5..], ["run 1: mm_vmscan_kswapd_wake 0", "pgdemote_direct 0"]);
    }

    fn measured(name: &str, values: &[f64]) -> Vec<String> {
        all(&scenario(name), values.iter().copied().enumerate())
    }

    #[test]
    fn shares_are_shown_with_their_goals_and_what_is_expected_over_seeds_is_not() {
        let all = measured("pull-push", &[7000.4, 2999.6, 7310.0, 6962.75]);
        let wanted =
            ["node 0 70.0 % of 70 %", "node 1 30.0 % of 30 %", "pgmigrate_success 7310 (at least 5000)"];
        assert_eq!(all, wanted);
    }

    #[test]
    fn a_share_that_need_not_meet_its_goal_is_shown_with_its_bounds() {
        assert_eq!(measured("smoke-dram2", &[4312.0]), ["node 0 43.1 % (at least 1 %)"]);
    }

    #[test]
    fn a_goal_that_a_later_step_changes_is_not_taken_for_the_later_runs() {
        let all = measured("retarget", &[7001.0, 3002.0]);
        assert_eq!(all, ["run 1: node 0 70.0 % of 70 %", "run 2: node 0 30.0 % (27 % to 33 %)"]);
    }

    #[test]
    fn counts_and_sizes_are_shown_with_their_bounds_in_their_own_unit() {
        let expect = |quantity, min: f64, max: Option<f64>| {
            let bound = Bound { min: Some(min), max };
            Expectation { quantity, bound, over: Over::Run, during: None, between: None, line: 1 }
        };
        let mut scenario = scenario("idle");
        let hot = Quantity::Resident { workload: "hot".into(), node: damonlab_protocol::units::NodeId(1) };
        let filter = Where::from([("scheme_idx".to_owned(), "1".to_owned())]);
        let count = Quantity::Count { event: "damos_esz".into(), filter };
        let mib = f64::from(1 << 20);
        scenario.expect = vec![expect(count, 0.0, Some(0.0)), expect(hot, 4.0 * mib, Some(6.0 * mib))];
        let all = all(&scenario, [(0, 0.0), (1, 5.5 * mib)]);
        assert_eq!(all, ["hot on node 1 5.50 MiB (4.00 MiB to 6.00 MiB)", "scheme 1 damos_esz 0"]);
    }
}
