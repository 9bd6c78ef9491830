//! The score of all mutants: of the suite, of its seeds, and of generated scenarios. Pure.

use super::catch::{Catch, Strength};
use super::generated::Generated;
use super::mutant::Kind;
use super::result::{MutantResult, Record};
use super::seed_catches::SeedCatches;
use serde::Serialize;

/// The number of mutants with each result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Score {
    /// Regressions that build and boot.
    pub regressions: usize,
    /// Regressions that a rule caught which holds for every run.
    pub by_invariant: usize,
    /// Regressions that nothing but an expectation of a scenario caught.
    pub by_expectation_only: usize,
    /// Regressions that nothing but a stored snapshot caught.
    pub by_snapshot_only: usize,
    /// Regressions that nothing but a run on the real clock caught.
    pub by_real_clock_only: usize,
    /// Regressions that were not caught.
    pub missed: usize,
    /// Equivalent mutants that build and boot.
    pub equivalents: usize,
    /// Equivalent mutants that were not noticed.
    pub green: usize,
    /// Equivalent mutants that were noticed.
    pub false_alarms: usize,
    /// Mutants of either kind that do not build.
    pub do_not_build: usize,
    /// Mutants of either kind that do not boot.
    pub do_not_boot: usize,
    /// Mutants of either kind on which the host or QEMU failed.
    pub no_answer: usize,
    /// Mutants of either kind on which the suite was not to run.
    pub not_run: usize,
    /// The score over several seeds, where that was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seeds: Option<SeedScore>,
    /// The score of generated scenarios, where that was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generated: Option<GeneratedScore>,
}

/// How many regressions are caught whatever the seed is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SeedScore {
    /// Regressions that ran with several seeds.
    pub regressions: usize,
    /// Those of which at least 8 of 10 seeds catch one.
    pub steady: usize,
    /// Those on which the host or QEMU failed in a run that counts.
    pub no_result: usize,
}

/// How many mutants generated scenarios alone catch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct GeneratedScore {
    /// The seed of the generator.
    pub seed: u64,
    /// How many scenarios there were for each mutant.
    pub limit: u64,
    /// Regressions on which they ran.
    pub regressions: usize,
    /// Regressions that they caught.
    pub caught: usize,
    /// The median of how many it took to catch one, over those that were caught.
    pub median: Option<f64>,
    /// Equivalent mutants on which they ran.
    pub equivalents: usize,
    /// Equivalent mutants that they noticed.
    pub false_alarms: usize,
    /// Mutants of either kind that they did not catch, and on which the host or QEMU failed.
    pub no_result: usize,
}

impl Score {
    /// The score of these mutants.
    pub fn of(records: &[Record]) -> Score {
        let mut score = Score::default();
        for record in records {
            score.add(record);
        }
        score.seeds = SeedScore::of(records.iter().filter_map(|record| record.seeds.as_ref()));
        let generated = |record: &Record| record.generated.clone().map(|generated| (record.kind, generated));
        score.generated = GeneratedScore::of(&records.iter().filter_map(generated).collect::<Vec<_>>());
        score
    }

    fn add(&mut self, record: &Record) {
        let count = match (&record.result, record.kind) {
            (MutantResult::DoesNotBuild { .. }, _) => &mut self.do_not_build,
            (MutantResult::DoesNotBoot { .. }, _) => &mut self.do_not_boot,
            (MutantResult::NoAnswer { .. }, _) => &mut self.no_answer,
            (MutantResult::NotRun, _) => &mut self.not_run,
            (result, Kind::Regression) => {
                self.regressions += 1;
                match result {
                    MutantResult::Noticed(Catch { strength: Strength::Invariant, .. }) => {
                        &mut self.by_invariant
                    }
                    MutantResult::Noticed(Catch { strength: Strength::Expectation, .. }) => {
                        &mut self.by_expectation_only
                    }
                    MutantResult::Noticed(Catch { strength: Strength::Snapshot, .. }) => {
                        &mut self.by_snapshot_only
                    }
                    MutantResult::Noticed(_) => &mut self.by_real_clock_only,
                    _ => &mut self.missed,
                }
            }
            (result, Kind::Equivalent) => {
                self.equivalents += 1;
                match result {
                    MutantResult::Noticed(_) => &mut self.false_alarms,
                    _ => &mut self.green,
                }
            }
        };
        *count += 1;
    }

    /// The exit status: 3 if the host or QEMU failed; 0 if every regression was caught by more than a snapshot or the real
    /// clock and no equivalent mutant was noticed; otherwise 1. Generated scenarios need not catch a regression, unless
    /// they alone ran.
    pub fn exit_code(&self) -> u8 {
        let generated = self.generated.unwrap_or_default();
        if self.no_answer + generated.no_result + self.seeds.unwrap_or_default().no_result > 0 {
            return 3;
        }
        let missed = self.missed + self.by_snapshot_only + self.by_real_clock_only;
        let missed_alone = if self.not_run > 0 { generated.regressions - generated.caught } else { 0 };
        let false_alarms = self.false_alarms + generated.false_alarms;
        u8::from(missed + missed_alone + false_alarms + self.do_not_build + self.do_not_boot > 0)
    }
}

impl SeedScore {
    /// The score of these; none of none.
    fn of<'a>(all: impl Iterator<Item = &'a SeedCatches>) -> Option<SeedScore> {
        let mut score = SeedScore::default();
        for one in all {
            score.regressions += 1;
            score.steady += usize::from(!one.is_weak());
            score.no_result += usize::from(one.lacks_results());
        }
        (score.regressions > 0).then_some(score)
    }
}

impl GeneratedScore {
    /// The score of these; none of none.
    fn of(all: &[(Kind, Generated)]) -> Option<GeneratedScore> {
        let (_, first) = all.first()?;
        let of = |kind: Kind| all.iter().filter(move |(own, _)| *own == kind).map(|(_, one)| one);
        let mut until: Vec<u64> = of(Kind::Regression).filter_map(Generated::until_catch).collect();
        Some(GeneratedScore {
            seed: first.seed,
            limit: first.limit,
            regressions: of(Kind::Regression).count(),
            caught: until.len(),
            median: median(&mut until),
            equivalents: of(Kind::Equivalent).count(),
            false_alarms: of(Kind::Equivalent).filter(|one| one.catch.is_some()).count(),
            no_result: all.iter().filter(|(_, one)| one.lacks_results()).count(),
        })
    }
}

/// The median; none of nothing.
fn median(numbers: &mut [u64]) -> Option<f64> {
    numbers.sort_unstable();
    let middle = numbers.len() / 2;
    let upper = *numbers.get(middle)?;
    let lower = if numbers.len().is_multiple_of(2) { numbers[middle - 1] } else { upper };
    // Numbers of scenarios are far below 2^52.
    Some((lower + upper) as f64 / 2.0)
}

#[cfg(test)]
mod tests {
    use super::super::generated::tests::after;
    use super::super::result::tests::{caught, record};
    use super::super::seed_catches::tests::catches;
    use super::*;

    #[test]
    fn weak_catches_and_kernels_that_do_not_run_are_not_counted_as_caught_by_a_rule() {
        let all = [
            record(Kind::Regression, caught(Strength::Invariant)),
            record(Kind::Regression, caught(Strength::Expectation)),
            record(Kind::Regression, caught(Strength::Snapshot)),
            record(Kind::Regression, MutantResult::Unnoticed),
            record(Kind::Regression, MutantResult::DoesNotBuild { why: "no".into() }),
            record(Kind::Equivalent, MutantResult::Unnoticed),
            record(Kind::Equivalent, caught(Strength::Snapshot)),
            record(Kind::Equivalent, MutantResult::DoesNotBoot { why: "no".into() }),
        ];
        let score = Score::of(&all);
        assert_eq!((score.regressions, score.by_invariant, score.missed), (4, 1, 1));
        assert_eq!((score.by_expectation_only, score.by_snapshot_only), (1, 1));
        assert_eq!((score.equivalents, score.green, score.false_alarms), (2, 1, 1));
        assert_eq!((score.do_not_build, score.do_not_boot), (1, 1));
    }

    #[test]
    fn the_exit_status_is_0_only_if_all_regressions_are_caught_and_no_equivalent_mutant_is() {
        let good = [
            record(Kind::Regression, caught(Strength::Expectation)),
            record(Kind::Equivalent, MutantResult::Unnoticed),
        ];
        assert_eq!(Score::of(&good).exit_code(), 0);
        assert_eq!(Score::of(&[record(Kind::Regression, MutantResult::Unnoticed)]).exit_code(), 1);
        assert_eq!(Score::of(&[record(Kind::Regression, caught(Strength::Snapshot))]).exit_code(), 1);
        assert_eq!(Score::of(&[record(Kind::Equivalent, caught(Strength::Invariant))]).exit_code(), 1);
        let no_qemu = record(Kind::Equivalent, MutantResult::NoAnswer { why: "no QEMU".into() });
        assert_eq!(Score::of(&[no_qemu]).exit_code(), 3);
    }

    #[test]
    fn a_regression_that_only_the_real_clock_catches_is_not_caught() {
        let score = Score::of(&[record(Kind::Regression, caught(Strength::RealClock))]);
        assert_eq!((score.by_real_clock_only, score.exit_code()), (1, 1));
    }

    /// A mutant that the suite did as it must, on which generated scenarios ran.
    fn explored(kind: Kind, result: MutantResult, generated: Generated) -> Record {
        Record { generated: Some(generated), ..record(kind, result) }
    }

    #[test]
    fn generated_scenarios_have_a_share_and_a_median_of_those_that_they_caught() {
        let regression = |ended, is_caught| {
            explored(Kind::Regression, caught(Strength::Invariant), after(ended, is_caught))
        };
        let equivalent = explored(Kind::Equivalent, MutantResult::Unnoticed, after(60, false));
        let all = [regression(3, true), regression(60, false), regression(8, true), equivalent];
        let score = Score::of(&all).generated.unwrap();
        assert_eq!((score.caught, score.regressions, score.median), (2, 3, Some(5.5)));
        assert_eq!((score.false_alarms, score.equivalents), (0, 1));
        assert_eq!(Score::of(&[regression(60, false)]).generated.unwrap().median, None);
        assert_eq!(Score::of(&[record(Kind::Regression, MutantResult::Unnoticed)]).generated, None);
    }

    #[test]
    fn generated_scenarios_must_not_notice_an_equivalent_mutant_and_need_not_catch_a_regression() {
        let exit = |record: Record| Score::of(&[record]).exit_code();
        let regression = || caught(Strength::Invariant);
        assert_eq!(exit(explored(Kind::Regression, regression(), after(60, false))), 0);
        assert_eq!(exit(explored(Kind::Equivalent, MutantResult::Unnoticed, after(9, true))), 1);
        // Where they alone ran, they are what has to catch it.
        assert_eq!(exit(explored(Kind::Regression, MutantResult::NotRun, after(60, false))), 1);
        assert_eq!(exit(explored(Kind::Regression, MutantResult::NotRun, after(9, true))), 0);
    }

    #[test]
    fn a_catch_that_hangs_on_the_seed_is_counted_as_weak_and_is_still_a_catch() {
        let with =
            |seeds| Record { seeds: Some(seeds), ..record(Kind::Regression, caught(Strength::Invariant)) };
        let score = Score::of(&[with(catches(&[("a", 10, 0)])), with(catches(&[("a", 1, 9)]))]);
        assert_eq!(score.seeds, Some(SeedScore { regressions: 2, steady: 1, no_result: 0 }));
        assert_eq!(score.exit_code(), 0);
    }
}
