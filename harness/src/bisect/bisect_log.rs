//! Takes the steps of a search until it ends, or until the host fails twice. Pure except for `examine`.

use super::search::{Next, Search, SearchResult};
use super::step::{Step, StepVerdict};

/// All steps, in the order in which they were taken, and the ending.
#[derive(Debug, Clone, PartialEq)]
pub struct BisectLog {
    /// The steps.
    pub steps: Vec<Step>,
    /// How the bisection ended.
    pub ending: Ending,
}

/// How a bisection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The search came to a result.
    Result(SearchResult),
    /// The host or QEMU failed twice with this many patches.
    HostFailed(usize),
}

impl BisectLog {
    /// Examines the places of `search` and passes each step to `report` as soon as it has ended. If the host fails, the step
    /// is tried once more.
    ///
    /// # Errors
    /// Those of `examine` and `report`.
    pub fn of<E>(
        mut search: Search,
        mut examine: impl FnMut(usize) -> Result<Step, E>,
        mut report: impl FnMut(&Step) -> Result<(), E>,
    ) -> Result<BisectLog, E> {
        let mut steps = Vec::new();
        loop {
            let place = match search.next() {
                Next::Try(place) => place,
                Next::Done(result) => return Ok(BisectLog { steps, ending: Ending::Result(result) }),
            };
            let mut step = examine(place)?;
            if matches!(step.verdict, StepVerdict::NoAnswer { .. }) {
                report(&step)?;
                steps.push(step);
                step = examine(place)?;
            }
            report(&step)?;
            let mark = step.verdict.mark();
            steps.push(step);
            match mark {
                Some(mark) => search.mark(place, mark),
                None => return Ok(BisectLog { steps, ending: Ending::HostFailed(place) }),
            }
        }
    }

    /// The step with this many patches.
    pub fn step(&self, applied: usize) -> Option<&Step> {
        self.steps.iter().rev().find(|step| step.applied == applied)
    }

    /// The last good place and the first bad place, if there are both. Skipped places may lie between them.
    pub fn boundary(&self) -> Option<(usize, usize)> {
        let Ending::Result(result) = &self.ending else { return None };
        let candidates = result.candidates()?;
        Some((candidates.start().saturating_sub(1), *candidates.end()))
    }

    /// How many kernels were built in this invocation.
    pub fn builds(&self) -> usize {
        self.steps.iter().filter(|step| !step.kept && step.build_seconds.is_some()).count()
    }

    /// The exit status: 0 if the first bad patch is known, 1 if it cannot be, 3 if the host or QEMU failed.
    pub fn exit_code(&self) -> u8 {
        match &self.ending {
            Ending::Result(SearchResult::First(_)) => 0,
            Ending::Result(_) => 1,
            Ending::HostFailed(_) => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::step::tests::{bad, step};
    use super::*;

    fn bisect(mut verdict: impl FnMut(usize) -> StepVerdict) -> BisectLog {
        let search = Search::new(5, None, None).unwrap();
        BisectLog::of(search, |place| Ok::<_, ()>(step(place, verdict(place))), |_| Ok(())).unwrap()
    }

    fn places(log: &BisectLog) -> Vec<usize> {
        log.steps.iter().map(|step| step.applied).collect()
    }

    #[test]
    fn a_step_on_which_the_host_failed_is_repeated_and_never_counts_as_bad() {
        let mut failures = 1;
        let log = bisect(|place| match place {
            3 if failures > 0 => {
                failures -= 1;
                StepVerdict::NoAnswer { why: "no QEMU".into() }
            }
            0..4 => StepVerdict::Good,
            _ => bad(&["Q2"]),
        });
        assert_eq!(
            (log.ending.clone(), places(&log)),
            (Ending::Result(SearchResult::First(4)), vec![5, 0, 3, 3, 4])
        );
        assert_eq!(log.exit_code(), 0);
    }

    #[test]
    fn a_second_host_failure_ends_the_bisection_with_status_3() {
        let log =
            bisect(
                |place| {
                    if place == 5 { bad(&["Q2"]) } else { StepVerdict::NoAnswer { why: "no QEMU".into() } }
                },
            );
        assert_eq!((log.ending.clone(), places(&log)), (Ending::HostFailed(0), vec![5, 0, 0]));
        assert_eq!(log.exit_code(), 3);
    }

    #[test]
    fn a_patch_that_does_not_build_is_skipped() {
        let log = bisect(|place| match place {
            3 => StepVerdict::DoesNotBuild { why: "error: expected ';'".into() },
            0..3 => StepVerdict::Good,
            _ => bad(&["Q2"]),
        });
        assert_eq!(log.ending, Ending::Result(SearchResult::OneOf(3..=4)));
        assert_eq!(log.exit_code(), 1);
    }
}
