//! Makes a scenario smaller as long as the same finding stays, within a number of runs. Pure: what runs is passed in.
//!
//! Large parts are left out first, then smaller ones, then values become plain. Of several candidates that still fail, the
//! first in order is taken, so the result does not depend on how many run at once.

use super::reductions::{Reduction, deletions, simplifications};
use super::tree::Tree;
use std::collections::HashSet;

/// So many candidates are asked about at once.
const BATCH: usize = 8;

/// What a shrinker asks about candidates.
pub(super) trait Oracle {
    /// Why there is no answer.
    type Error;

    /// Whether the reader takes it. Costs no run.
    fn is_valid(&self, tree: &Tree) -> bool;

    /// The index of the first that still has the finding, of none or more.
    fn first_that_fails(&mut self, candidates: &[Tree]) -> Result<Option<usize>, Self::Error>;
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shrunk {
    /// The smallest scenario that fails.
    pub(super) tree: Tree,
    /// How many runs it took, one after the other.
    pub(super) runs: usize,
    /// Whether nothing smaller is left to try.
    pub(super) done: bool,
}

/// Makes `tree`, which fails, smaller with `budget` runs at most.
///
/// # Errors
/// Those of the oracle.
pub(super) fn shrink<O: Oracle>(tree: Tree, budget: usize, oracle: &mut O) -> Result<Shrunk, O::Error> {
    let mut state = State { tree, left: budget, oracle, failed: HashSet::new() };
    let mut done = false;
    while !done && state.left > 0 {
        let before = state.tree.clone();
        // What is left out makes further values superfluous, and the other way round.
        done = state.pass(deletions)? && state.pass(simplifications)? && state.tree == before;
    }
    Ok(Shrunk { runs: budget - state.left, tree: state.tree, done })
}

struct State<'a, O> {
    tree: Tree,
    left: usize,
    oracle: &'a mut O,
    /// Candidates that did not have the finding.
    failed: HashSet<Tree>,
}

impl<O: Oracle> State<'_, O> {
    /// Takes reductions, the largest first, until none is left that was not tried. False where the runs ran out.
    fn pass(&mut self, reductions: fn(&Tree) -> Vec<Reduction>) -> Result<bool, O::Error> {
        // What is larger was tried already, on a scenario that had more.
        let mut most = usize::MAX;
        while let Some(taken) = self.first_of(reductions(&self.tree), most)? {
            most = taken;
        }
        Ok(self.left > 0)
    }

    /// Takes the first reduction that keeps the finding, and returns what it saved.
    fn first_of(&mut self, all: Vec<Reduction>, most: usize) -> Result<Option<usize>, O::Error> {
        let mut rest = all.into_iter().filter(|one| one.saved <= most).peekable();
        while self.left > 0 && rest.peek().is_some() {
            // To read a candidate takes time too, so not all of them are read at once.
            let mut batch = Vec::new();
            while batch.len() < BATCH.min(self.left)
                && let Some(one) = rest.next()
            {
                if !self.failed.contains(&one.tree) && self.oracle.is_valid(&one.tree) {
                    batch.push(one);
                }
            }
            let trees: Vec<Tree> = batch.iter().map(|one| one.tree.clone()).collect();
            let found = self.oracle.first_that_fails(&trees)?;
            self.left -= found.map_or(trees.len(), |index| index + 1);
            let passed = found.unwrap_or(trees.len());
            self.failed.extend(trees.into_iter().take(passed));
            if let Some(index) = found {
                self.tree = batch[index].tree.clone();
                return Ok(Some(batch[index].saved));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kernel that has a bug where a text has all of these words.
    struct Fake {
        words: &'static [&'static str],
        /// Candidates of a batch that were asked about.
        asked: usize,
    }

    impl Oracle for Fake {
        type Error = ();

        fn is_valid(&self, tree: &Tree) -> bool {
            tree.get("steps").is_some_and(|steps| steps.items().first() == Some(&"start".into()))
        }

        fn first_that_fails(&mut self, candidates: &[Tree]) -> Result<Option<usize>, ()> {
            self.asked += candidates.len();
            let fails = |tree: &Tree| self.words.iter().all(|word| tree.text().contains(word));
            Ok(candidates.iter().position(fails))
        }
    }

    const LARGE: &str = "
version: 1
summary: A scenario that nobody wrote.
machine: three-tier
swap: 64M
workloads:
  - {name: w0, size: 16M, node: 1, touch: {every: 15ms}}
  - {name: w1, size: 12284K, node: 0}
damon:
  kdamonds:
    - {contexts: [{ops: paddr, schemes: [{action: stat}, {action: pageout, quotas: {sz_bytes: 4097, weights: {sz_permil: 1}}}]}]}
    - {contexts: [{ops: paddr, schemes: [{action: migrate_hot, target_nid: 1}]}]}
steps: [start, {run: {for: 2s}}, pause, {run: {for: 1s}}, resume, {run: {for: 700ms}}, stop]
";

    fn shrunk(words: &'static [&'static str], budget: usize) -> Shrunk {
        let tree = Tree::read("large.yaml", LARGE).unwrap();
        shrink(tree, budget, &mut Fake { words, asked: 0 }).unwrap()
    }

    #[test]
    fn what_is_left_is_what_the_finding_needs() {
        let Shrunk { tree, done, runs } = shrunk(&["pageout", "sz_bytes", "pause"], 300);
        assert!(done, "{runs} runs");
        let wanted = "version: 1\nsummary: A scenario that nobody wrote.\nmachine: dram2\n\
                      damon: {kdamonds: [{contexts: [{schemes: [{action: pageout, quotas: {sz_bytes: 1 MiB}}]}]}]}\n\
                      steps:\n  - start\n  - pause\n";
        assert_eq!(tree.text(), wanted);
    }

    #[test]
    fn no_more_runs_are_made_than_allowed_and_most_is_gone_after_few() {
        for budget in [0, 1, 5, 20] {
            let shrunk = shrunk(&["pageout", "4097"], budget);
            assert!(shrunk.runs <= budget && !shrunk.done, "{shrunk:?}");
        }
        let (large, small) =
            (Tree::read("l", LARGE).unwrap().size(), shrunk(&["pageout", "4097"], 40).tree.size());
        assert!(small * 2 < large, "{small} of {large}");
    }

    #[test]
    fn a_value_that_the_finding_needs_stays() {
        assert!(shrunk(&["4097"], 300).tree.text().contains("sz_bytes: 4097"));
    }

    #[test]
    fn the_result_does_not_depend_on_how_many_candidates_are_tried_at_once() {
        /// Tries few at a time, as one slot would.
        struct Few(Fake);
        impl Oracle for Few {
            type Error = ();
            fn is_valid(&self, tree: &Tree) -> bool {
                self.0.is_valid(tree)
            }
            fn first_that_fails(&mut self, candidates: &[Tree]) -> Result<Option<usize>, ()> {
                for (place, one) in candidates.iter().enumerate() {
                    if self.0.first_that_fails(std::slice::from_ref(one))?.is_some() {
                        return Ok(Some(place));
                    }
                }
                Ok(None)
            }
        }
        let words = &["pageout", "pause"];
        let tree = Tree::read("large.yaml", LARGE).unwrap();
        let few = shrink(tree, 60, &mut Few(Fake { words, asked: 0 })).unwrap();
        assert_eq!(few, shrunk(words, 60));
    }
}
