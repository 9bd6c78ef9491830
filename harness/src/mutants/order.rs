//! The order in which the scenarios run on a mutant. Pure.

use super::catch::Strength;
use super::mutant::{Kind, Mutant};
use super::result::{MutantResult, Record};

/// The scenarios of one mutant, in the order in which they run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Indices into the suite.
    pub indices: Vec<usize>,
    /// The names in the mutant's header that no scenario has.
    pub unknown: Vec<String>,
}

/// The scenarios of a regression's header come first, then the rest of the `suite` in its order. An equivalent mutant
/// runs the suite in its order.
pub fn order(mutant: &Mutant, suite: &[&str]) -> Order {
    let named = match mutant.kind {
        Kind::Regression => mutant.header.scenarios.as_slice(),
        Kind::Equivalent => &[],
    };
    let mut order = Order { indices: Vec::new(), unknown: Vec::new() };
    for name in named {
        match suite.iter().position(|scenario| scenario == name) {
            Some(index) if !order.indices.contains(&index) => order.indices.push(index),
            Some(_) => {}
            None => order.unknown.push(name.clone()),
        }
    }
    let rest: Vec<usize> = (0..suite.len()).filter(|index| !order.indices.contains(index)).collect();
    order.indices.extend(rest);
    order
}

/// The scenarios of the `suite` that run with every seed: the one that caught the regression, then those that failed on
/// it, then those of its header.
pub fn seed_order(record: &Record, suite: &[&str]) -> Vec<usize> {
    let first = match &record.result {
        MutantResult::Noticed(catch) if catch.strength == Strength::Invariant => Some(&catch.scenario),
        _ => None,
    };
    let failed = record.ran.iter().filter(|(_, verdict)| verdict == "fail").map(|(name, _)| name);
    let mut indices = Vec::new();
    for name in first.into_iter().chain(failed).chain(&record.header.scenarios) {
        if let Some(index) = suite.iter().position(|scenario| scenario == name)
            && !indices.contains(&index)
        {
            indices.push(index);
        }
    }
    indices
}

#[cfg(test)]
mod tests {
    use super::super::catch::Catch;
    use super::super::mutant::Header;
    use super::super::result::tests::{caught, record};
    use super::*;
    use crate::explore::Focus;

    fn mutant(kind: Kind, scenarios: &[&str]) -> Mutant {
        let scenarios = scenarios.iter().map(|name| (*name).to_owned()).collect();
        let header = Header { scenarios, ..Header::default() };
        Mutant { name: "m".into(), path: "m.patch".into(), kind, header, focus: Focus::default() }
    }

    const SUITE: [&str; 4] = ["a", "b", "c", "d"];

    #[test]
    fn the_scenarios_of_a_regression_come_first_and_all_others_after_them() {
        let order = order(&mutant(Kind::Regression, &["c", "a", "c"]), &SUITE);
        assert_eq!(order.indices, [2, 0, 1, 3]);
        assert!(order.unknown.is_empty());
    }

    #[test]
    fn a_scenario_that_does_not_exist_is_named_and_the_others_run() {
        let order = order(&mutant(Kind::Regression, &["later", "b"]), &SUITE);
        assert_eq!((order.indices, order.unknown), (vec![1, 0, 2, 3], vec!["later".to_owned()]));
    }

    #[test]
    fn an_equivalent_mutant_runs_the_suite_in_its_order() {
        assert_eq!(order(&mutant(Kind::Equivalent, &["c"]), &SUITE).indices, [0, 1, 2, 3]);
    }

    #[test]
    fn the_seeds_run_on_what_caught_the_mutant_and_then_on_what_its_header_names() {
        let header = Header { scenarios: vec!["b".into(), "gone".into()], ..Header::default() };
        let ran =
            [("d", "fail"), ("c", "pass"), ("a", "fail")].map(|(name, word)| (name.into(), word.into()));
        let missed = Record { header, ..record(Kind::Regression, MutantResult::Unnoticed) };
        assert_eq!(seed_order(&missed, &SUITE), [1]);
        let MutantResult::Noticed(catch) = caught(Strength::Invariant) else { panic!("it is a catch") };
        let by_a = MutantResult::Noticed(Catch { scenario: "a".into(), ..catch });
        assert_eq!(seed_order(&Record { result: by_a, ran: ran.to_vec(), ..missed }, &SUITE), [0, 3, 1]);
    }
}
