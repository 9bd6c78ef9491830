//! Scenarios by number: drawn, written as text, and read like any other file, so that only valid ones count.

use super::corpus::Kept;
use super::grammar::{self, Focus};
use super::tree::Tree;
use super::vary::{names_known_memcgs, shared, vary};
use crate::run::ScenarioSource;
use crate::scenario::{self, Draw, Machines, Scenario, ScenarioError};
use std::path::{Path, PathBuf};

/// How often a scenario is drawn that the reader refuses. More than a few are a fault of the grammar.
const ATTEMPTS: u64 = 25;

/// Whose parts come into a variation.
#[derive(Debug, Clone, Copy)]
enum Donor {
    Drawn,
    Kept,
    Shipped,
}

/// How often each is drawn.
const DONORS: &[(u32, Donor)] = &[(4, Donor::Drawn), (2, Donor::Kept), (4, Donor::Shipped)];

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
    /// The scenario of the corpus that it is a variation of.
    pub made_of: Option<String>,
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
    let beside = beside();
    for attempt in 0..ATTEMPTS {
        let tree = grammar::scenario(seed, number, attempt, focus);
        match read(&name(seed, number), &tree, &beside) {
            Ok(source) => return Ok(Drawn { number, tree, source, refused, made_of: None }),
            Err(error) => refused.push(error.to_string()),
        }
    }
    Err(NothingValid { seed, number, last: refused.pop().unwrap_or_default() })
}

/// Where the parts of variations come from, besides drawn scenarios.
#[derive(Debug, Default)]
pub(super) struct Donors<'a> {
    /// The corpus.
    pub(super) kept: &'a [Kept],
    /// The scenarios that come along, as far as others can take parts of them.
    pub(super) shipped: &'a [Tree],
}

/// A scenario that is `kept` with changes, the same wherever it is made. None where the reader refuses every attempt.
pub(super) fn variation(
    seed: u64,
    number: u64,
    kept: &Kept,
    donors: &Donors<'_>,
    focus: &Focus,
) -> Option<Drawn> {
    let beside = beside();
    let attempts = (0..ATTEMPTS).filter_map(|attempt| {
        let mut draw = Draw::of(seed, number, &format!("variation {attempt}"));
        let drawn = grammar::scenario(seed, number, attempt, focus);
        let donor = match draw.weighted(DONORS) {
            Donor::Kept if !donors.kept.is_empty() => &draw.pick(donors.kept).tree,
            Donor::Shipped if !donors.shipped.is_empty() => draw.pick(donors.shipped),
            Donor::Drawn | Donor::Kept | Donor::Shipped => &drawn,
        };
        let mut tree = vary(&kept.tree, donor, &mut draw);
        if tree == kept.tree || !names_known_memcgs(&tree) {
            return None;
        }
        let summary =
            format!("Scenario {number} of seed {seed}, a variation of {} by damonlab explore.", kept.name);
        tree.set_in_place("summary", summary.into());
        let source = read(&name(seed, number), &tree, &beside).ok()?;
        Some(Drawn { number, tree, source, refused: Vec::new(), made_of: Some(kept.name.clone()) })
    });
    attempts.into_iter().next()
}

/// What others can take of the scenarios that come along, which have more than the grammar.
pub(super) fn shipped() -> Result<Vec<Tree>, Box<ScenarioError>> {
    let mut found = Vec::new();
    for path in scenario::paths(&crate::bundled::home().join("scenarios"))? {
        let text = std::fs::read_to_string(&path)
            .map_err(|source| ScenarioError::Unreadable { path: path.clone(), source })?;
        let tree = Tree::read(&path.to_string_lossy(), &text)
            .map_err(|wrong| Box::new(ScenarioError::from(wrong)))?;
        found.extend(shared(&tree));
    }
    Ok(found)
}

/// The machines that drawn scenarios name lie beside this file, which does not exist.
fn beside() -> PathBuf {
    crate::bundled::home().join("scenarios/drawn.yaml")
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
    fn the_schema_of_scenarios_accepts_drawn_ones() {
        let schema = jsonschema::validator_for(&scenario::schema()).unwrap();
        for number in 0..100 {
            let text = draw(9, number, &Focus::default()).unwrap().source.text;
            let value: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
            let wrong: Vec<_> = schema.iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(wrong.is_empty(), "{text}\n{wrong:?}");
        }
    }

    #[test]
    fn every_step_is_drawn_and_focus_draws_its_part_more_often() {
        let count = |focus: &Focus, wanted: &str| {
            let texts = (0..300).map(|number| draw(0, number, focus).unwrap().source.text);
            texts.filter(|text| text.contains(wanted)).count()
        };
        let usual = Focus::default();
        for step in [
            "commit:",
            "retarget:",
            "pause",
            "offline:",
            "online:",
            "refused:",
            "workload:",
            "read_back",
            "together:",
        ] {
            assert!(count(&usual, step) > 0, "{step}");
        }
        assert!(count(&Focus(vec![Part::Watermarks]), "watermarks:") > 2 * count(&usual, "watermarks:"));
    }

    #[test]
    fn most_scenarios_have_a_valid_variation_that_is_the_same_everywhere() {
        let focus = Focus::default();
        let kept = |number| Kept { name: name(0, number), tree: draw(0, number, &focus).unwrap().tree };
        let known: Vec<Kept> = (0..8).map(kept).collect();
        let shipped = shipped().unwrap();
        assert!(shipped.len() > 50, "{}", shipped.len());
        let donors = Donors { kept: &known, shipped: &shipped };
        let vary = |number: u64| variation(1, number, &known[number as usize % 8], &donors, &focus);
        let varied: Vec<Drawn> = (0..80).filter_map(vary).collect();
        assert!(varied.len() > 72, "{} of 80", varied.len());
        for one in &varied {
            assert_eq!(vary(one.number).unwrap().source.text, one.source.text);
            let of = &known[one.number as usize % 8];
            assert_eq!(one.made_of.as_ref(), Some(&of.name));
            assert_ne!(one.tree, of.tree);
        }
    }
}
