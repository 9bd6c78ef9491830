//! All that two kernels showed, put side by side, and the answer: what differs.

use super::discrepancy::{Runs, SKIP, discrepancies};
use super::{
    Attribution, Discrepancy, Group, LEAST_SEEDS, Observed, Pair, Quantity, Side, Significance, differs,
};
use crate::check::Verdict;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Two kernels side by side.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// What each kernel is, for people.
    pub kernels: Pair<String>,
    /// The scenarios, in the order in which they were asked for.
    pub scenarios: Vec<Scenario>,
    /// Where the interfaces differ: lines that begin with `+`, `-` or `~`.
    pub interface: Vec<String>,
    /// This kernel never came to user space; the runs ended with that.
    pub no_boot: Option<Side>,
}

/// One scenario on both.
#[derive(Debug, Clone, Serialize)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// The words of the verdicts, by seed.
    pub verdicts: Vec<Words>,
    /// What the checks say.
    pub discrepancies: Vec<Discrepancy>,
    /// What was measured.
    pub rows: Vec<Row>,
    /// Runs without an answer: the side, the seed, and why.
    pub no_answer: Vec<(Side, u64, String)>,
}

/// The verdicts with one seed.
#[derive(Debug, Clone, Serialize)]
pub struct Words {
    /// The seed.
    pub seed: u64,
    /// `pass`, `fail` and so on; none where a side was not run.
    pub verdicts: Pair<Option<&'static str>>,
}

/// One quantity, over the seeds that both sides measured it with.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// What it is.
    pub quantity: Quantity,
    /// How many seeds.
    pub seeds: usize,
    /// How many of them never came to it, on each side.
    pub never: Pair<usize>,
    /// How each side's numbers lie.
    pub groups: Pair<Group>,
    /// The numbers, by seed.
    pub values: Pair<Vec<f64>>,
    /// Whether they differ.
    pub claim: Significance,
}

/// One thing that differs, with its scenario.
#[derive(Debug, Clone, Copy)]
pub enum Difference<'a> {
    /// A rule that only one side breaks.
    Discrepancy(&'a Scenario, &'a Discrepancy, Side),
    /// A number.
    Number(&'a Scenario, &'a Row),
    /// A line of the interface.
    Interface(&'a str),
}

impl Comparison {
    /// Nothing seen so far.
    pub fn new(kernels: Pair<String>) -> Comparison {
        Comparison { kernels, scenarios: Vec::new(), interface: Vec::new(), no_boot: None }
    }

    /// Adds one scenario with all its runs.
    pub fn add(&mut self, name: &str, runs: &Runs) {
        let known: BTreeSet<String> = self.interface.iter().cloned().collect();
        let interfaces = runs.values().find_map(|pair| {
            let of = |seen: &'_ Option<Observed>| seen.as_ref()?.interface.clone();
            of(&pair.a).zip(of(&pair.b))
        });
        let changes = interfaces.map(|(a, b)| a.changes(&b)).unwrap_or_default();
        self.interface.extend(changes.into_iter().filter(|change| !known.contains(change)));
        let word = |seen: &Option<Observed>| seen.as_ref().map(|seen| seen.verdict.word());
        let words = |(seed, pair): (&u64, &Pair<Option<Observed>>)| Words {
            seed: *seed,
            verdicts: Pair { a: word(&pair.a), b: word(&pair.b) },
        };
        self.scenarios.push(Scenario {
            name: name.to_owned(),
            verdicts: runs.iter().map(words).collect(),
            discrepancies: discrepancies(runs),
            rows: rows(runs),
            no_answer: no_answer(runs),
        });
    }

    /// What differs, the weightiest first: what B breaks, what A breaks, the numbers, the interface.
    pub fn differences(&self) -> Vec<Difference<'_>> {
        let mut all = Vec::new();
        for wanted in [Side::B, Side::A] {
            for scenario in &self.scenarios {
                for discrepancy in &scenario.discrepancies {
                    if discrepancy.standing == Attribution::Only(wanted) {
                        all.push(Difference::Discrepancy(scenario, discrepancy, wanted));
                    }
                }
            }
        }
        // A skip says what is missing, and a finding that something is wrong.
        all.sort_by_key(
            |one| matches!(one, Difference::Discrepancy(_, discrepancy, _) if discrepancy.id == SKIP),
        );
        for scenario in &self.scenarios {
            let significant = scenario.rows.iter().filter(|row| row.claim == Significance::Differs);
            all.extend(significant.map(|row| Difference::Number(scenario, row)));
        }
        all.extend(self.interface.iter().map(|line| Difference::Interface(line)));
        all
    }

    /// Whether some numbers were left open for want of seeds.
    pub fn lacks_seeds(&self) -> bool {
        self.scenarios.iter().flat_map(|one| &one.rows).any(|row| row.seeds < LEAST_SEEDS)
    }

    /// 0 no difference, 1 a difference, 3 a run without an answer.
    pub fn exit_code(&self) -> u8 {
        match (self.scenarios.iter().any(|one| !one.no_answer.is_empty()), self.differences().is_empty()) {
            (true, _) => 3,
            (false, false) => 1,
            (false, true) => 0,
        }
    }
}

fn no_answer(runs: &Runs) -> Vec<(Side, u64, String)> {
    let mut all = Vec::new();
    for (seed, pair) in runs {
        for side in Side::BOTH {
            if let Some(Verdict::Infra(why) | Verdict::Unstable(why)) =
                pair.get(side).as_ref().map(|seen| &seen.verdict)
            {
                all.push((side, *seed, why.clone()));
            }
        }
    }
    all
}

/// Every quantity that both sides have with one seed at least, in a fixed order.
fn rows(runs: &Runs) -> Vec<Row> {
    let mut measured: BTreeMap<&Quantity, Row> = BTreeMap::new();
    for pair in runs.values() {
        let Pair { a: Some(a), b: Some(b) } = pair else { continue };
        for (quantity, left) in &a.measures {
            let Some(right) = b.measures.get(quantity) else { continue };
            let row = measured.entry(quantity).or_insert_with(|| Row::empty(quantity.clone()));
            row.seeds += 1;
            for (side, one) in [(Side::A, left), (Side::B, right)] {
                row.values.get_mut(side).push(one.value);
                *row.never.get_mut(side) += usize::from(one.never);
            }
        }
    }
    measured.into_values().map(Row::judged).collect()
}

impl Row {
    fn empty(quantity: Quantity) -> Row {
        let group = Group { min: 0.0, median: 0.0, max: 0.0 };
        Row {
            quantity,
            seeds: 0,
            never: Pair::default(),
            groups: Pair { a: group, b: group },
            values: Pair::default(),
            claim: Significance::TooFew,
        }
    }

    fn judged(mut self) -> Row {
        if let Some((a, b)) = Group::of(&self.values.a).zip(Group::of(&self.values.b)) {
            self.groups = Pair { a, b };
            let floor = self.quantity.floor(a.median.max(b.median));
            self.claim = differs(&self.groups, self.seeds, floor);
        }
        self
    }
}
