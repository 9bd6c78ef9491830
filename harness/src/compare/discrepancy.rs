//! The rules that either kernel violates, and whether only one of them does.

use super::{Observed, Pair, Side};
use crate::check::{EXPECT, Verdict};
use serde::Serialize;
use std::collections::BTreeMap;

/// A rule that at least one side violates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Discrepancy {
    /// The id of the invariant, `expect`, or `skip` if the kernel misses a feature.
    pub id: String,
    /// The line of the expectation in the scenario.
    pub line: Option<u64>,
    /// The first violation: what was expected, and what was seen.
    pub sentence: String,
    /// The seeds that violate it, on each side.
    pub seeds: Pair<Vec<u64>>,
    /// Whether this is a difference between the sides.
    #[serde(rename = "standing")]
    pub attribution: Attribution,
}

/// The side to which a discrepancy is attributed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "standing", content = "side")]
pub enum Attribution {
    /// This side only.
    Only(Side),
    /// Both sides, or the seeds may explain it.
    NoDifference,
}

/// The runs of one scenario: by seed, what each side showed.
pub(super) type Runs = BTreeMap<u64, Pair<Option<Observed>>>;

/// All violations on either side, ordered by seed, the most important first.
pub(super) fn discrepancies(runs: &Runs) -> Vec<Discrepancy> {
    let mut all: Vec<Discrepancy> = Vec::new();
    for (seed, pair) in runs {
        for side in Side::BOTH {
            let Some(observed) = pair.get(side) else { continue };
            for (id, line, sentence) in violations(&observed.verdict) {
                let at = all.iter().position(|one| one.id == id && one.line == line);
                let at = at.unwrap_or_else(|| {
                    let (seeds, attribution) = (Pair::default(), Attribution::NoDifference);
                    all.push(Discrepancy { id, line, sentence, seeds, attribution });
                    all.len() - 1
                });
                let seeds = all[at].seeds.get_mut(side);
                if seeds.last() != Some(seed) {
                    seeds.push(*seed);
                }
            }
        }
    }
    // A seed counts only if both sides have a verdict on the kernel.
    let is_judged = |observed: &Option<Observed>| {
        observed.as_ref().is_some_and(|one| !matches!(one.verdict, Verdict::Infra(_) | Verdict::Unstable(_)))
    };
    let counts = |seed: &u64| runs.get(seed).is_some_and(|pair| is_judged(&pair.a) && is_judged(&pair.b));
    let seeds = runs.keys().filter(|seed| counts(seed)).count();
    for one in &mut all {
        one.attribution = attribution(one, seeds, counts);
    }
    all
}

/// The id, the scenario's line and the sentence of each violation.
fn violations(verdict: &Verdict) -> Vec<(String, Option<u64>, String)> {
    match verdict {
        Verdict::Fail(findings) => findings
            .iter()
            .map(|finding| (finding.id().to_owned(), finding.scenario_line, finding.sentence()))
            .collect(),
        Verdict::Skip(why) => vec![(SKIP.to_owned(), None, why.clone())],
        Verdict::Pass | Verdict::Unstable(_) | Verdict::Infra(_) => Vec::new(),
    }
}

/// The id of a discrepancy that is a skip.
pub(super) const SKIP: &str = "skip";

/// An invariant does not depend on luck: if one side violates it with any seed and the other side with none, it is a
/// difference. An expectation is a bound on a number, which one seed may miss: it is a difference if one side violates it
/// with more than half of the seeds more than the other side.
fn attribution(discrepancy: &Discrepancy, seeds: usize, counts: impl Fn(&u64) -> bool) -> Attribution {
    let violated = |side| discrepancy.seeds.get(side).iter().filter(|seed| counts(seed)).count();
    for side in Side::BOTH {
        let (here, there) = (violated(side), violated(side.other()));
        let only_here = match discrepancy.id.as_str() {
            EXPECT => 2 * here.saturating_sub(there) > seeds,
            _ => here > 0 && there == 0,
        };
        if only_here {
            return Attribution::Only(side);
        }
    }
    Attribution::NoDifference
}
