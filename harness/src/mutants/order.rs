//! In which order a mutant's scenarios run. Pure.

use super::mutant::{Kind, Mutant};

/// The scenarios of one mutant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Places in the suite, in the order in which they run.
    pub places: Vec<usize>,
    /// Names in the mutant's header that no scenario has.
    pub unknown: Vec<String>,
}

/// A regression's own scenarios first, then the rest of the `suite` in its order; a null runs the suite as it is.
pub fn order(mutant: &Mutant, suite: &[&str]) -> Order {
    let named = match mutant.kind {
        Kind::Regression => mutant.header.scenarios.as_slice(),
        Kind::Null => &[],
    };
    let mut order = Order { places: Vec::new(), unknown: Vec::new() };
    for name in named {
        match suite.iter().position(|scenario| scenario == name) {
            Some(place) if !order.places.contains(&place) => order.places.push(place),
            Some(_) => {}
            None => order.unknown.push(name.clone()),
        }
    }
    let rest: Vec<usize> = (0..suite.len()).filter(|place| !order.places.contains(place)).collect();
    order.places.extend(rest);
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
    fn a_regressions_own_scenarios_come_first_and_all_others_after_them() {
        let order = order(&mutant(Kind::Regression, &["c", "a", "c"]), &SUITE);
        assert_eq!(order.places, [2, 0, 1, 3]);
        assert!(order.unknown.is_empty());
    }

    #[test]
    fn a_scenario_that_is_not_there_is_named_and_keeps_nothing_from_running() {
        let order = order(&mutant(Kind::Regression, &["later", "b"]), &SUITE);
        assert_eq!((order.places, order.unknown), (vec![1, 0, 2, 3], vec!["later".to_owned()]));
    }

    #[test]
    fn a_null_runs_the_suite_as_it_is() {
        assert_eq!(order(&mutant(Kind::Null, &["c"]), &SUITE).places, [0, 1, 2, 3]);
    }
}
