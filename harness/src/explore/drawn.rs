//! Scenarios by number: drawn, written as text, and read like any other file, so that only valid ones count.

use super::grammar::{Focus, scenario};
use super::tree::Tree;
use crate::host::paths;
use crate::run::ScenarioSource;
use crate::scenario::{Machines, Scenario, ScenarioError};
use std::path::Path;

/// How often a scenario is drawn that the reader refuses. More than a few are a fault of the grammar.
const ATTEMPTS: u64 = 25;

/// A scenario that nobody wrote.
#[derive(Debug)]
pub struct Drawn {
    /// Its number.
    pub number: u64,
    /// As a tree.
    pub tree: Tree,
    /// As it is run.
    pub source: ScenarioSource,
    /// What the reader said about the attempts before it.
    pub refused: Vec<String>,
}

/// No scenario came of a number.
#[derive(Debug, thiserror::Error)]
#[error(
    "scenario {number} of seed {seed} was drawn {ATTEMPTS} times, and the reader refused each; the last time: {last}"
)]
pub struct NothingValid {
    seed: u64,
    number: u64,
    last: String,
}

/// The name of a scenario.
pub fn name(seed: u64, number: u64) -> String {
    format!("explore-{seed}-{number}")
}

/// The scenario `number` of `seed`, the same wherever it is drawn.
///
/// # Errors
/// The reader refuses every attempt.
pub fn draw(seed: u64, number: u64, focus: &Focus) -> Result<Drawn, NothingValid> {
    let mut refused = Vec::new();
    let beside = paths::project().join("scenarios/drawn.yaml");
    for attempt in 0..ATTEMPTS {
        let tree = scenario(seed, number, attempt, focus);
        match read(&name(seed, number), &tree, &beside) {
            Ok(source) => return Ok(Drawn { number, tree, source, refused }),
            Err(error) => refused.push(error.to_string()),
        }
    }
    Err(NothingValid { seed, number, last: refused.pop().unwrap_or_default() })
}

/// Reads a tree as the scenario `name`; a machine that it names lies beside the file `beside`, or is one of those that
/// come along.
///
/// # Errors
/// It is not a valid scenario.
pub fn read(name: &str, tree: &Tree, beside: &Path) -> Result<ScenarioSource, ScenarioError> {
    let text = tree.text();
    let scenario = Scenario::parse_with(name, &text, &Machines::beside(beside), None)?;
    Ok(ScenarioSource { scenario, text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::grammar::Part;

    #[test]
    fn a_scenario_does_not_depend_on_those_before_it() {
        let focus = Focus::default();
        let alone = draw(3, 47, &focus).unwrap().source.text;
        for number in 40..47 {
            draw(3, number, &focus).unwrap();
        }
        assert_eq!(draw(3, 47, &focus).unwrap().source.text, alone);
        assert_ne!(draw(4, 47, &focus).unwrap().source.text, alone);
    }

    #[test]
    fn the_reader_refuses_few_drawn_scenarios() {
        let mut refused = Vec::new();
        for number in 0..300 {
            refused.extend(draw(0, number, &Focus::default()).unwrap().refused);
        }
        assert!(refused.len() < 30, "{} refused:\n{}", refused.len(), refused.join("\n"));
    }

    #[test]
    fn every_step_is_drawn_and_focus_draws_its_part_more_often() {
        let count = |focus: &Focus, wanted: &str| {
            let texts = (0..300).map(|number| draw(0, number, focus).unwrap().source.text);
            texts.filter(|text| text.contains(wanted)).count()
        };
        let usual = Focus::default();
        for step in
            ["commit:", "retarget:", "pause", "offline:", "online:", "refused:", "workload:", "read_back"]
        {
            assert!(count(&usual, step) > 0, "{step}");
        }
        assert!(count(&Focus(vec![Part::Watermarks]), "watermarks:") > 2 * count(&usual, "watermarks:"));
    }
}
