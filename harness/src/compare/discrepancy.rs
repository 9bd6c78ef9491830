//! What the checks say against either kernel, and whether it is said against one alone.

use super::{Observed, Pair, Side};
use crate::check::{EXPECT, Finding, Verdict};
use serde::Serialize;
use std::collections::BTreeMap;

/// A rule that is broken on one side at least.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Discrepancy {
    /// The invariant's id, `expect`, or `skip` for what a kernel cannot be asked.
    pub id: String,
    /// The expectation's line in the scenario.
    pub line: Option<u64>,
    /// The first time it was broken: what was expected, and what was seen.
    pub sentence: String,
    /// With which seeds, on each side.
    pub seeds: Pair<Vec<u64>>,
    /// Whether that is a difference between the two.
    pub standing: Attribution,
}

/// Whose discrepancy it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "standing", content = "side")]
pub enum Attribution {
    /// Only this side's.
    Only(Side),
    /// Both sides', or it may be the seeds'.
    NoDifference,
}

/// Runs of one scenario: seed, and what each side showed.
pub(super) type Runs = BTreeMap<u64, Pair<Option<Observed>>>;

/// Everything that is said against either side, in the order in which it comes up: by seed, and the weightiest first.
pub(super) fn discrepancies(runs: &Runs) -> Vec<Discrepancy> {
    let mut all: Vec<Discrepancy> = Vec::new();
    for (seed, pair) in runs {
        for side in Side::BOTH {
            let Some(seen) = pair.get(side) else { continue };
            for (id, line, sentence) in told(&seen.verdict) {
                let at = all.iter().position(|one| one.id == id && one.line == line);
                let at = at.unwrap_or_else(|| {
                    let (seeds, standing) = (Pair::default(), Attribution::NoDifference);
                    all.push(Discrepancy { id, line, sentence, seeds, standing });
                    all.len() - 1
                });
                let seeds = all[at].seeds.get_mut(side);
                if seeds.last() != Some(seed) {
                    seeds.push(*seed);
                }
            }
        }
    }
    // Of a seed with one answer alone nothing follows.
    let answered = |seen: &Option<Observed>| {
        seen.as_ref().is_some_and(|seen| !matches!(seen.verdict, Verdict::Infra(_) | Verdict::Unstable(_)))
    };
    let both = |seed: &u64| runs.get(seed).is_some_and(|pair| answered(&pair.a) && answered(&pair.b));
    let count = runs.keys().filter(|seed| both(seed)).count();
    for one in &mut all {
        one.standing = standing(one, count, both);
    }
    all
}

fn told(verdict: &Verdict) -> Vec<(String, Option<u64>, String)> {
    match verdict {
        Verdict::Fail(findings) => findings
            .iter()
            .map(|finding| (finding.id().to_owned(), finding.scenario_line, sentence(finding)))
            .collect(),
        Verdict::Skip(why) => vec![(SKIP.to_owned(), None, why.clone())],
        Verdict::Pass | Verdict::Unstable(_) | Verdict::Infra(_) => Vec::new(),
    }
}

/// The id of what a kernel cannot be asked.
pub(super) const SKIP: &str = "skip";

fn sentence(finding: &Finding) -> String {
    format!("expected {}; saw {}", finding.expected, finding.seen)
}

/// An invariant does not depend on luck: broken with one seed, and never on the other side, it is a difference. An
/// expectation is a bound on a number: only where it is broken with more than half of the seeds more than on the other
/// side.
fn standing(discrepancy: &Discrepancy, count: usize, both: impl Fn(&u64) -> bool) -> Attribution {
    let broken = |side| discrepancy.seeds.get(side).iter().filter(|seed| both(seed)).count();
    for side in Side::BOTH {
        let (here, there) = (broken(side), broken(side.other()));
        let alone = match discrepancy.id.as_str() {
            EXPECT => 2 * here.saturating_sub(there) > count,
            _ => here > 0 && there == 0,
        };
        if alone {
            return Attribution::Only(side);
        }
    }
    Attribution::NoDifference
}
