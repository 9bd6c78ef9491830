//! From step to step until the search ends, or the host fails twice. Pure but for what `examine` does.

use super::search::{End, Next, Search};
use super::step::{Step, StepVerdict};

/// All steps, in the order in which they were taken, and how it ended.
#[derive(Debug, Clone, PartialEq)]
pub struct BisectLog {
    /// The steps.
    pub steps: Vec<Step>,
    /// How it ended.
    pub ending: Ending,
}

/// How a bisection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// With the search's answer.
    Answer(End),
    /// The host or QEMU failed twice with so many patches.
    NoAnswer(usize),
}

impl BisectLog {
    /// The step with so many patches.
    pub fn step(&self, applied: usize) -> Option<&Step> {
        self.steps.iter().rev().find(|step| step.applied == applied)
    }

    /// The last good place and the first bad one, where both were seen: also where others lie between them.
    pub fn turn(&self) -> Option<(usize, usize)> {
        let bad = match &self.ending {
            Ending::Answer(End::First(bad)) => *bad,
            Ending::Answer(End::OneOf(places)) => *places.end(),
            Ending::Answer(End::NothingBad | End::NothingGood | End::Unjudged) | Ending::NoAnswer(_) => {
                return None;
            }
        };
        let good = match &self.ending {
            Ending::Answer(End::OneOf(places)) => *places.start(),
            _ => bad,
        };
        Some((good.saturating_sub(1), bad))
    }

    /// How many kernels were built in this call.
    pub fn builds(&self) -> usize {
        self.steps.iter().filter(|step| !step.kept && step.build_seconds.is_some()).count()
    }

    /// 0: a patch is named. 1: none can be. 3: the host or QEMU failed.
    pub fn exit_code(&self) -> u8 {
        match &self.ending {
            Ending::Answer(End::First(_)) => 0,
            Ending::Answer(_) => 1,
            Ending::NoAnswer(_) => 3,
        }
    }
}

/// Examines what `search` asks for, and hands each step to `tell` as soon as it is there. Where the host fails, the
/// step is tried once more.
///
/// # Errors
/// What `examine` or `tell` said.
pub fn log<E>(
    mut search: Search,
    mut examine: impl FnMut(usize) -> Result<Step, E>,
    mut tell: impl FnMut(&Step) -> Result<(), E>,
) -> Result<BisectLog, E> {
    let mut steps = Vec::new();
    loop {
        let place = match search.next() {
            Next::Try(place) => place,
            Next::Done(end) => return Ok(BisectLog { steps, ending: Ending::Answer(end) }),
        };
        let mut step = examine(place)?;
        if matches!(step.outcome, StepVerdict::NoAnswer { .. }) {
            tell(&step)?;
            steps.push(step);
            step = examine(place)?;
        }
        tell(&step)?;
        let turn = step.outcome.turn();
        steps.push(step);
        match turn {
            Some(turn) => search.learn(place, turn),
            None => return Ok(BisectLog { steps, ending: Ending::NoAnswer(place) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::step::tests::{bad, step};
    use super::*;

    fn go(mut outcome: impl FnMut(usize) -> StepVerdict) -> BisectLog {
        let search = Search::new(5, None, None).unwrap();
        log(search, |place| Ok::<_, ()>(step(place, outcome(place))), |_| Ok(())).unwrap()
    }

    fn places(log: &BisectLog) -> Vec<usize> {
        log.steps.iter().map(|step| step.applied).collect()
    }

    #[test]
    fn a_host_that_failed_once_is_asked_again_and_never_counts_as_bad() {
        let mut failures = 1;
        let log = go(|place| match place {
            3 if failures > 0 => {
                failures -= 1;
                StepVerdict::NoAnswer { why: "no QEMU".into() }
            }
            0..4 => StepVerdict::Good,
            _ => bad(&["Q2"]),
        });
        assert_eq!((log.ending.clone(), places(&log)), (Ending::Answer(End::First(4)), vec![5, 0, 3, 3, 4]));
        assert_eq!(log.exit_code(), 0);
    }

    #[test]
    fn a_host_that_fails_twice_ends_it_with_status_3() {
        let log = go(
            |place| if place == 5 { bad(&["Q2"]) } else { StepVerdict::NoAnswer { why: "no QEMU".into() } },
        );
        assert_eq!((log.ending.clone(), places(&log)), (Ending::NoAnswer(0), vec![5, 0, 0]));
        assert_eq!(log.exit_code(), 3);
    }

    #[test]
    fn a_patch_that_does_not_build_is_passed_over() {
        let log = go(|place| match place {
            3 => StepVerdict::DoesNotBuild { why: "error: expected ';'".into() },
            0..3 => StepVerdict::Good,
            _ => bad(&["Q2"]),
        });
        assert_eq!(log.ending, Ending::Answer(End::OneOf(3..=4)));
        assert_eq!(log.exit_code(), 1);
    }
}
