//! The observations of two kernels side by side, and what differs.

use super::discrepancy::{Runs, SKIP, discrepancies};
use super::{Attribution, Discrepancy, Group, LEAST_SEEDS, Observed, Pair, Side, Significance, differs};
use crate::check::Verdict;
use crate::subject::Quantity;
use serde::Serialize;
use std::collections::BTreeSet;

/// Two kernels side by side.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// A description of each kernel.
    pub kernels: Pair<String>,
    /// The scenarios, in the order of the command line.
    pub scenarios: Vec<Scenario>,
    /// The differences between the interfaces: lines that begin with `+`, `-` or `~`.
    pub interface: Vec<String>,
    /// The kernel of this side does not boot, so the runs ended early.
    pub no_boot: Option<Side>,
}

/// One scenario on both.
#[derive(Debug, Clone, Serialize)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// The verdicts, by seed.
    pub verdicts: Vec<SeedVerdicts>,
    /// The violated rules.
    pub discrepancies: Vec<Discrepancy>,
    /// The measured quantities.
    pub rows: Vec<Row>,
    /// The runs without a verdict on the kernel: the side, the seed, and why.
    pub no_answer: Vec<(Side, u64, String)>,
}

/// The verdicts on the runs with one seed.
#[derive(Debug, Clone, Serialize)]
pub struct SeedVerdicts {
    /// The seed.
    pub seed: u64,
    /// `pass`, `fail` and so on; none if the side did not run.
    pub verdicts: Pair<Option<&'static str>>,
}

/// One quantity, over the seeds with which both sides have it.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The quantity.
    pub quantity: Quantity,
    /// How many seeds have it.
    pub seeds: usize,
    /// With how many of them each side never reached it.
    pub never: Pair<usize>,
    /// The range of each side.
    pub groups: Pair<Group>,
    /// The numbers, by seed.
    pub values: Pair<Vec<f64>>,
    /// Whether the sides differ.
    #[serde(rename = "claim")]
    pub significance: Significance,
}

/// One difference, with its scenario.
#[derive(Debug, Clone, Copy)]
pub enum Difference<'a> {
    /// A rule that only one side violates.
    Discrepancy(&'a Scenario, &'a Discrepancy, Side),
    /// A quantity.
    Number(&'a Scenario, &'a Row),
    /// A line of the interface.
    Interface(&'a str),
}

impl Comparison {
    /// A comparison without scenarios.
    pub fn new(kernels: Pair<String>) -> Comparison {
        Comparison { kernels, scenarios: Vec::new(), interface: Vec::new(), no_boot: None }
    }

    /// Adds one scenario with all its runs.
    pub fn add(&mut self, name: &str, runs: &Runs) {
        let known: BTreeSet<String> = self.interface.iter().cloned().collect();
        let interfaces = runs.values().find_map(|pair| {
            let of = |observed: &'_ Option<Observed>| observed.as_ref()?.interface.clone();
            of(&pair.a).zip(of(&pair.b))
        });
        let changes = interfaces.map(|(a, b)| a.changes(&b)).unwrap_or_default();
        self.interface.extend(changes.into_iter().filter(|change| !known.contains(change)));
        let word = |observed: &Option<Observed>| observed.as_ref().map(|one| one.verdict.word());
        let verdicts = |(seed, pair): (&u64, &Pair<Option<Observed>>)| SeedVerdicts {
            seed: *seed,
            verdicts: Pair { a: word(&pair.a), b: word(&pair.b) },
        };
        self.scenarios.push(Scenario {
            name: name.to_owned(),
            verdicts: runs.iter().map(verdicts).collect(),
            discrepancies: discrepancies(runs),
            rows: rows(runs),
            no_answer: no_answer(runs),
        });
    }

    /// The differences, the most important first: what B violates, what A violates, the numbers, the interface.
    pub fn differences(&self) -> Vec<Difference<'_>> {
        let mut all = Vec::new();
        for side in [Side::B, Side::A] {
            for scenario in &self.scenarios {
                for discrepancy in &scenario.discrepancies {
                    if discrepancy.attribution == Attribution::Only(side) {
                        all.push(Difference::Discrepancy(scenario, discrepancy, side));
                    }
                }
            }
        }
        // A finding says that something is wrong, a skip only that something is missing.
        all.sort_by_key(
            |one| matches!(one, Difference::Discrepancy(_, discrepancy, _) if discrepancy.id == SKIP),
        );
        for scenario in &self.scenarios {
            let significant = scenario.rows.iter().filter(|row| row.significance == Significance::Differs);
            all.extend(significant.map(|row| Difference::Number(scenario, row)));
        }
        all.extend(self.interface.iter().map(|line| Difference::Interface(line)));
        all
    }

    /// Whether some quantities have too few seeds to be compared.
    pub fn has_too_few_seeds(&self) -> bool {
        self.scenarios.iter().flat_map(|one| &one.rows).any(|row| row.seeds < LEAST_SEEDS)
    }

    /// The exit status: 0 no difference, 1 a difference, 3 a run without a verdict on the kernel.
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
                pair.get(side).as_ref().map(|observed| &observed.verdict)
            {
                all.push((side, *seed, why.clone()));
            }
        }
    }
    all
}

/// The quantities that both sides have with at least one seed, in the order of the subject.
fn rows(runs: &Runs) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for pair in runs.values() {
        let Pair { a: Some(a), b: Some(b) } = pair else { continue };
        for (quantity, left) in &a.measures {
            let Some((_, right)) = b.measures.iter().find(|(other, _)| other == quantity) else { continue };
            let at = rows.iter().position(|row| row.quantity == *quantity).unwrap_or(rows.len());
            if at == rows.len() {
                rows.push(Row::empty(quantity.clone()));
            }
            rows[at].seeds += 1;
            for (side, one) in [(Side::A, left), (Side::B, right)] {
                rows[at].values.get_mut(side).push(one.value);
                *rows[at].never.get_mut(side) += usize::from(one.never);
            }
        }
    }
    rows.into_iter().map(Row::compared).collect()
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
            significance: Significance::TooFew,
        }
    }

    fn compared(mut self) -> Row {
        if let Some((a, b)) = Group::of(&self.values.a).zip(Group::of(&self.values.b)) {
            self.groups = Pair { a, b };
            let floor = self.quantity.floor(a.median.max(b.median));
            self.significance = differs(&self.groups, self.seeds, floor);
        }
        self
    }
}
