//! The binary search: from the verdicts so far to the next step, and to the result. Pure.
//!
//! A place is a number of patches applied; 0 is the base. Both ends are tried before anything between them, the bad
//! end first: if it passes, there is nothing to find. Between a good and a bad place, the median of the places not
//! tried yet comes next, so a place that cannot be judged costs one step.

use crate::host::fault::{Fault, Faulty};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// The mark that a step gives a place, as in `git bisect`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The scenario passes.
    Good,
    /// The scenario fails.
    Bad,
    /// The place cannot be judged: the kernel does not build, for instance.
    Skip,
}

/// The ends of a search and the marks so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    good: usize,
    bad: usize,
    known: BTreeMap<usize, Mark>,
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// A step with this many patches.
    Try(usize),
    /// No further step: this is the result.
    Done(SearchResult),
}

/// The result of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchResult {
    /// The first bad patch, from 1.
    First(usize),
    /// One of these patches: the places between them cannot be judged.
    OneOf(RangeInclusive<usize>),
    /// The bad end passes.
    NothingBad,
    /// The good end fails.
    NothingGood,
    /// The bad end cannot be judged.
    Unjudged,
}

impl SearchResult {
    /// The patches that may be the first bad one; none if the search did not get that far.
    pub fn candidates(&self) -> Option<RangeInclusive<usize>> {
        match self {
            SearchResult::First(patch) => Some(*patch..=*patch),
            SearchResult::OneOf(patches) => Some(patches.clone()),
            SearchResult::NothingBad | SearchResult::NothingGood | SearchResult::Unjudged => None,
        }
    }
}

/// Why `--good` and `--bad` are no ends of a search.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// The series has fewer patches.
    #[error("--{end} {number}: the series has {patches} patches")]
    Beyond {
        /// `good` or `bad`.
        end: &'static str,
        /// The number that was typed.
        number: usize,
        /// The number of patches in the series.
        patches: usize,
    },
    /// The good end is not before the bad end.
    #[error(
        "--good {good} --bad {bad}: the good end must lie before the bad one; N counts the patches applied, 0 is the base"
    )]
    Order {
        /// The good end.
        good: usize,
        /// The bad end.
        bad: usize,
    },
}

impl Faulty for EndpointError {
    fn fault(&self) -> Fault {
        Fault::BadInput
    }
}

impl Search {
    /// A search in a series of `patches` patches. The default good end is the base, the default bad end the complete
    /// series.
    ///
    /// # Errors
    /// See [`EndpointError`].
    pub fn new(patches: usize, good: Option<usize>, bad: Option<usize>) -> Result<Search, EndpointError> {
        let within = |end, number: Option<usize>| match number {
            Some(number) if number > patches => Err(EndpointError::Beyond { end, number, patches }),
            _ => Ok(number),
        };
        let good = within("good", good)?.unwrap_or(0);
        let bad = within("bad", bad)?.unwrap_or(patches);
        if good >= bad {
            return Err(EndpointError::Order { good, bad });
        }
        Ok(Search { good, bad, known: BTreeMap::new() })
    }

    /// The end that should fail.
    pub fn bad_end(&self) -> usize {
        self.bad
    }

    /// Marks a place.
    pub fn mark(&mut self, place: usize, mark: Mark) {
        self.known.insert(place, mark);
    }

    /// The next step, or the result. A good end that cannot be judged counts as good: the user says that it is, and a
    /// series may introduce what its scenario needs.
    pub fn next(&self) -> Next {
        match (self.known.get(&self.bad), self.known.get(&self.good)) {
            (None, _) => return Next::Try(self.bad),
            (Some(Mark::Good), _) => return Next::Done(SearchResult::NothingBad),
            (Some(Mark::Skip), _) => return Next::Done(SearchResult::Unjudged),
            (Some(Mark::Bad), None) => return Next::Try(self.good),
            (Some(Mark::Bad), Some(Mark::Bad)) => return Next::Done(SearchResult::NothingGood),
            (Some(Mark::Bad), Some(Mark::Good | Mark::Skip)) => {}
        }
        let (good, bad) = self.bounds();
        let open: Vec<usize> = (good + 1..bad).filter(|place| !self.known.contains_key(place)).collect();
        match open.get(open.len() / 2) {
            Some(place) => Next::Try(*place),
            None if good + 1 == bad => Next::Done(SearchResult::First(bad)),
            None => Next::Done(SearchResult::OneOf(good + 1..=bad)),
        }
    }

    /// The last good place before the first bad place, and the first bad place.
    fn bounds(&self) -> (usize, usize) {
        let places =
            |mark| self.known.iter().filter(move |(_, known)| **known == mark).map(|(place, _)| *place);
        let bad = places(Mark::Bad).min().unwrap_or(self.bad);
        let good = places(Mark::Good).filter(|place| *place < bad).max().unwrap_or(self.good);
        (good, bad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The result for places with these marks, and the steps to it.
    fn search(marks: &[Mark]) -> (SearchResult, Vec<usize>) {
        let mut search = Search::new(marks.len() - 1, None, None).unwrap();
        let mut steps = Vec::new();
        loop {
            match search.next() {
                Next::Done(result) => return (result, steps),
                Next::Try(place) => {
                    assert!(!steps.contains(&place), "{place} twice of {marks:?}");
                    steps.push(place);
                    search.mark(place, marks[place]);
                }
            }
        }
    }

    fn marks(text: &str) -> Vec<Mark> {
        let mark = |letter| match letter {
            'g' => Mark::Good,
            'b' => Mark::Bad,
            _ => Mark::Skip,
        };
        text.chars().map(mark).collect()
    }

    #[test]
    fn the_fourth_of_five_patches_is_found_in_four_steps() {
        let (result, steps) = search(&marks("ggggbb"));
        assert_eq!(result, SearchResult::First(4));
        assert_eq!(steps, [5, 0, 3, 4]);
    }

    #[test]
    fn a_bad_end_that_passes_or_a_good_end_that_fails_ends_the_search() {
        assert_eq!(search(&marks("ggg")), (SearchResult::NothingBad, vec![2]));
        assert_eq!(search(&marks("bbb")), (SearchResult::NothingGood, vec![2, 0]));
        assert_eq!(search(&marks("ggs")), (SearchResult::Unjudged, vec![2]));
    }

    #[test]
    fn a_base_that_cannot_be_judged_counts_as_good() {
        assert_eq!(search(&marks("sgb")).0, SearchResult::First(2));
        assert_eq!(search(&marks("ssb")).0, SearchResult::OneOf(1..=2));
    }

    #[test]
    fn if_only_skipped_places_are_left_all_candidates_are_named() {
        assert_eq!(search(&marks("gssbb")).0, SearchResult::OneOf(1..=3));
        assert_eq!(search(&marks("gsgsbsb")).0, SearchResult::OneOf(3..=4));
    }

    #[test]
    fn a_series_of_one_patch_takes_two_steps() {
        assert_eq!(search(&marks("gb")), (SearchResult::First(1), vec![1, 0]));
    }

    #[test]
    fn ends_outside_of_the_series_or_in_the_wrong_order_are_refused() {
        let refusal = |good, bad| Search::new(5, good, bad).unwrap_err().to_string();
        assert_eq!(refusal(None, Some(6)), "--bad 6: the series has 5 patches");
        assert!(refusal(Some(4), Some(4)).contains("must lie before"));
        assert!(refusal(Some(5), None).starts_with("--good 5 --bad 5"));
        assert!(Search::new(5, Some(4), None).is_ok());
    }

    /// A series in which one patch is the first bad one; any place but the bad end may be one that cannot be judged.
    fn one_bad_patch() -> impl Strategy<Value = (usize, Vec<Mark>)> {
        (1usize..60).prop_flat_map(|patches| {
            (1..=patches, proptest::collection::vec(proptest::bool::weighted(0.3), patches)).prop_map(
                move |(first, skips)| {
                    let mark = |place: usize| match skips.get(place) {
                        Some(true) => Mark::Skip,
                        _ if place < first => Mark::Good,
                        _ => Mark::Bad,
                    };
                    (first, (0..=patches).map(mark).collect())
                },
            )
        })
    }

    proptest! {
        #[test]
        fn the_first_bad_patch_is_found_or_exactly_the_candidates_are_named((first, marks) in one_bad_patch()) {
            let (result, steps) = search(&marks);
            let bad = (first..marks.len()).find(|place| marks[*place] == Mark::Bad).unwrap();
            let good = (0..first).rev().find(|place| marks[*place] == Mark::Good).unwrap_or(0);
            let expected =
                if good + 1 == bad { SearchResult::First(bad) } else { SearchResult::OneOf(good + 1..=bad) };
            prop_assert_eq!(result, expected);
            let between = marks.len() - 2;
            let skipped = steps.iter().filter(|place| marks[**place] == Mark::Skip).count();
            let halvings = (between + 1).next_power_of_two().ilog2() as usize;
            prop_assert!(steps.len() <= 2 + halvings + skipped, "{} steps: {steps:?}", steps.len());
        }
    }
}
