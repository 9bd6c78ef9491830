//! The order in which the scenarios run on a mutant. Pure.

use super::mutant::{Kind, Mutant};

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

#[cfg(test)]
mod tests {
    use super::super::mutant::Header;
    use super::*;

    fn mutant(kind: Kind, scenarios: &[&str]) -> Mutant {
        let scenarios = scenarios.iter().map(|name| (*name).to_owned()).collect();
        let header = Header { scenarios, ..Header::default() };
        Mutant { name: "m".into(), path: "m.patch".into(), kind, header }
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
}
