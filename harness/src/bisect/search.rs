//! The search alone: from verdicts to the next question, and to the answer. Pure.
//!
//! A place is a number of patches applied; 0 is the base. Both ends are tried before anything between them, the bad
//! one first: where it does not fail there is nothing to find. Between a good and a bad place the middle one of those
//! not tried yet comes next, so a place that cannot be judged costs one question and no more.

use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// What a place came to, as far as the search goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// It passes.
    Good,
    /// It fails.
    Bad,
    /// It cannot be judged: it does not build, for instance.
    Skip,
}

/// Where a search begins and what it knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    good: usize,
    bad: usize,
    known: BTreeMap<usize, Turn>,
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// The verdict with so many patches is wanted.
    Try(usize),
    /// Nothing more: this is the answer.
    Done(End),
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The first bad patch, from 1.
    First(usize),
    /// One of these patches: what lies between cannot be judged.
    OneOf(RangeInclusive<usize>),
    /// The bad end passes.
    NothingBad,
    /// The good end fails.
    NothingGood,
    /// The bad end cannot be judged.
    Unjudged,
}

/// Ends between which nothing lies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadEnds {
    /// A patch that the series does not have.
    #[error("--{end} {number}: the series has {patches} patches")]
    Beyond {
        /// Which end.
        end: &'static str,
        /// What was given.
        number: usize,
        /// How many patches there are.
        patches: usize,
    },
    /// The good one is not before the bad one.
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

impl Search {
    /// In a series of so many patches. Without a good end from the base, without a bad one to all of the series.
    ///
    /// # Errors
    /// Ends that the series does not have, or the wrong way round.
    pub fn new(patches: usize, good: Option<usize>, bad: Option<usize>) -> Result<Search, BadEnds> {
        let within = |end, number: Option<usize>| match number {
            Some(number) if number > patches => Err(BadEnds::Beyond { end, number, patches }),
            _ => Ok(number),
        };
        let good = within("good", good)?.unwrap_or(0);
        let bad = within("bad", bad)?.unwrap_or(patches);
        if good >= bad {
            return Err(BadEnds::Order { good, bad });
        }
        Ok(Search { good, bad, known: BTreeMap::new() })
    }

    /// The end that should fail.
    pub fn bad_end(&self) -> usize {
        self.bad
    }

    /// Takes note of a verdict.
    pub fn learn(&mut self, place: usize, turn: Turn) {
        self.known.insert(place, turn);
    }

    /// The next question, or the answer. A good end that cannot be judged is taken as good: the user says so, and a
    /// series may bring what its scenario needs.
    pub fn next(&self) -> Next {
        match (self.known.get(&self.bad), self.known.get(&self.good)) {
            (None, _) => return Next::Try(self.bad),
            (Some(Turn::Good), _) => return Next::Done(End::NothingBad),
            (Some(Turn::Skip), _) => return Next::Done(End::Unjudged),
            (Some(Turn::Bad), None) => return Next::Try(self.good),
            (Some(Turn::Bad), Some(Turn::Bad)) => return Next::Done(End::NothingGood),
            (Some(Turn::Bad), Some(Turn::Good | Turn::Skip)) => {}
        }
        let (good, bad) = self.bounds();
        let open: Vec<usize> = (good + 1..bad).filter(|place| !self.known.contains_key(place)).collect();
        match open.get(open.len() / 2) {
            Some(place) => Next::Try(*place),
            None if good + 1 == bad => Next::Done(End::First(bad)),
            None => Next::Done(End::OneOf(good + 1..=bad)),
        }
    }

    /// The last good place before the first bad one, and that one.
    fn bounds(&self) -> (usize, usize) {
        let places =
            |turn| self.known.iter().filter(move |(_, known)| **known == turn).map(|(place, _)| *place);
        let bad = places(Turn::Bad).min().unwrap_or(self.bad);
        let good = places(Turn::Good).filter(|place| *place < bad).max().unwrap_or(self.good);
        (good, bad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The answer for places that come to `turns`, and the questions asked.
    fn ask(turns: &[Turn]) -> (End, Vec<usize>) {
        let mut search = Search::new(turns.len() - 1, None, None).unwrap();
        let mut asked = Vec::new();
        loop {
            match search.next() {
                Next::Done(end) => return (end, asked),
                Next::Try(place) => {
                    assert!(!asked.contains(&place), "{place} twice of {turns:?}");
                    asked.push(place);
                    search.learn(place, turns[place]);
                }
            }
        }
    }

    fn turns(text: &str) -> Vec<Turn> {
        let turn = |letter| match letter {
            'g' => Turn::Good,
            'b' => Turn::Bad,
            _ => Turn::Skip,
        };
        text.chars().map(turn).collect()
    }

    #[test]
    fn the_fourth_of_five_patches_is_found_in_five_questions_at_most() {
        let (end, asked) = ask(&turns("ggggbb"));
        assert_eq!(end, End::First(4));
        assert_eq!(asked, [5, 0, 3, 4]);
    }

    #[test]
    fn ends_that_are_not_as_told_end_it_at_once() {
        assert_eq!(ask(&turns("ggg")), (End::NothingBad, vec![2]));
        assert_eq!(ask(&turns("bbb")), (End::NothingGood, vec![2, 0]));
        assert_eq!(ask(&turns("ggs")), (End::Unjudged, vec![2]));
    }

    #[test]
    fn a_base_that_cannot_be_judged_is_taken_as_good() {
        assert_eq!(ask(&turns("sgb")).0, End::First(2));
        assert_eq!(ask(&turns("ssb")).0, End::OneOf(1..=2));
    }

    #[test]
    fn where_only_skipped_places_remain_all_that_it_may_be_are_named() {
        assert_eq!(ask(&turns("gssbb")).0, End::OneOf(1..=3));
        assert_eq!(ask(&turns("gsgsbsb")).0, End::OneOf(3..=4));
    }

    #[test]
    fn one_patch_alone_is_found_without_a_question_between() {
        assert_eq!(ask(&turns("gb")), (End::First(1), vec![1, 0]));
    }

    #[test]
    fn ends_outside_of_the_series_or_the_wrong_way_round_are_refused() {
        let refusal = |good, bad| Search::new(5, good, bad).unwrap_err().to_string();
        assert_eq!(refusal(None, Some(6)), "--bad 6: the series has 5 patches");
        assert!(refusal(Some(4), Some(4)).contains("must lie before"));
        assert!(refusal(Some(5), None).starts_with("--good 5 --bad 5"));
        assert!(Search::new(5, Some(4), None).is_ok());
    }

    /// A series whose verdict turns once, with places that cannot be judged anywhere but at its bad end.
    fn one_turn() -> impl Strategy<Value = (usize, Vec<Turn>)> {
        (1usize..60).prop_flat_map(|patches| {
            (1..=patches, proptest::collection::vec(proptest::bool::weighted(0.3), patches)).prop_map(
                move |(first, skips)| {
                    let turn = |place: usize| match skips.get(place) {
                        Some(true) => Turn::Skip,
                        _ if place < first => Turn::Good,
                        _ => Turn::Bad,
                    };
                    (first, (0..=patches).map(turn).collect())
                },
            )
        })
    }

    proptest! {
        #[test]
        fn a_single_turn_is_found_or_all_that_it_may_be_and_nothing_else((first, turns) in one_turn()) {
            let (end, asked) = ask(&turns);
            let bad = (first..turns.len()).find(|place| turns[*place] == Turn::Bad).unwrap();
            let good = (0..first).rev().find(|place| turns[*place] == Turn::Good).unwrap_or(0);
            let wanted = if good + 1 == bad { End::First(bad) } else { End::OneOf(good + 1..=bad) };
            prop_assert_eq!(end, wanted);
            let between = turns.len() - 2;
            let skipped = asked.iter().filter(|place| turns[**place] == Turn::Skip).count();
            let halvings = (between + 1).next_power_of_two().ilog2() as usize;
            prop_assert!(asked.len() <= 2 + halvings + skipped, "{} questions: {asked:?}", asked.len());
        }
    }
}
