//! The result of one mutant, and the score of all. Pure.

use super::mutant::{Header, Kind};
use crate::check::{EXPECT, Finding, RunEnd};
use crate::run::Failure;
use crate::scenario::GuestClock;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What a catch is worth, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// A run on the real clock failed: it does not repeat, so it proves nothing alone.
    RealClock,
    /// A stored snapshot differs: something changed, which need not be wrong.
    Snapshot,
    /// An expectation of this scenario is violated.
    Expectation,
    /// A rule that holds for every run is violated: an invariant, the oracle, or a kernel that died.
    Invariant,
}

/// A scenario that did not pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catch {
    /// What the catch is worth.
    pub strength: Strength,
    /// The ids of all violated rules, the most important first.
    pub ids: Vec<String>,
    /// The scenario.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// The most important finding.
    pub sentence: String,
}

impl Catch {
    /// The catch that the findings of a failed run on this clock are, given the most important one first.
    pub fn by(findings: &[Finding], clock: GuestClock, scenario: &str, seed: u64) -> Option<Catch> {
        let Failure { ids, sentence, .. } = Failure::by(findings, None, Some(seed));
        let strength = match clock {
            GuestClock::Real => Strength::RealClock,
            GuestClock::Virtual if ids.iter().all(|id| id == EXPECT) => Strength::Expectation,
            GuestClock::Virtual => Strength::Invariant,
        };
        (!ids.is_empty()).then(|| Catch { strength, ids, scenario: scenario.to_owned(), seed, sentence })
    }

    /// Whether a clock ran out and no rule is violated: a slow host has the same findings as a kernel that hangs.
    pub fn is_by_the_clock_alone(&self) -> bool {
        let follows = [EXPECT, RunEnd::Clock.id(), RunEnd::Incomplete.id()];
        self.ids.iter().any(|id| id == RunEnd::Clock.id())
            && self.ids.iter().all(|id| follows.contains(&id.as_str()))
    }
}

/// The result of one mutant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum MutantResult {
    /// A scenario did not pass: right for a regression, a false alarm for an equivalent mutant.
    Noticed(Catch),
    /// Every scenario passed: right for an equivalent mutant, a miss for a regression.
    Unnoticed,
    /// The kernel does not build.
    DoesNotBuild {
        /// Why.
        why: String,
    },
    /// The kernel never started its first process.
    DoesNotBoot {
        /// The finding.
        why: String,
    },
    /// The host or QEMU failed in one scenario, and the others passed.
    NoAnswer {
        /// Why.
        why: String,
    },
}

/// What is stored of one mutant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The name of the mutant.
    pub name: String,
    /// What the suite must do about it.
    pub kind: Kind,
    /// What its file states about it.
    pub header: Header,
    /// The result.
    #[serde(flatten)]
    pub result: MutantResult,
    /// The scenarios that ended, in order, each with the word of its verdict.
    pub ran: Vec<(String, String)>,
    /// The names in the header that no scenario has.
    pub unknown_scenarios: Vec<String>,
    /// The rules of `--expect-change` that runs of it violated.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub intended: BTreeSet<String>,
    /// How long the kernel took to build; none if it was in the cache.
    pub build_seconds: Option<f64>,
    /// How long the scenarios took.
    pub run_seconds: f64,
    /// The key of the kernel image.
    pub image: String,
    /// [`super::SuiteKey::digest`] of the suite.
    pub suite: String,
    /// [`super::SuiteKey::program`] of the damonlab that judged the runs.
    pub program: String,
}

impl Record {
    /// The result in one or two words, as in the report.
    pub fn word(&self) -> &'static str {
        match (&self.result, self.kind) {
            (MutantResult::Noticed(Catch { strength: Strength::RealClock, .. }), Kind::Regression) => {
                "MISSED"
            }
            (MutantResult::Noticed(_), Kind::Regression) => "CAUGHT",
            (MutantResult::Noticed(_), Kind::Equivalent) => "FALSE ALARM",
            (MutantResult::Unnoticed, Kind::Regression) => "MISSED",
            (MutantResult::Unnoticed, Kind::Equivalent) => "green",
            (MutantResult::DoesNotBuild { .. }, _) => "NO BUILD",
            (MutantResult::DoesNotBoot { .. }, _) => "NO BOOT",
            (MutantResult::NoAnswer { .. }, _) => "NO ANSWER",
        }
    }

    /// Whether the suite did what it must about this mutant.
    pub fn is_good(&self) -> bool {
        match (&self.result, self.kind) {
            (MutantResult::Noticed(catch), Kind::Regression) => catch.strength == Strength::Invariant,
            (MutantResult::Unnoticed, Kind::Equivalent) => true,
            _ => false,
        }
    }
}

/// The number of mutants with each result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
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
}

impl Score {
    /// The score of these mutants.
    pub fn of(records: &[Record]) -> Score {
        let mut score = Score::default();
        for record in records {
            score.add(record);
        }
        score
    }

    fn add(&mut self, record: &Record) {
        let count = match (&record.result, record.kind) {
            (MutantResult::DoesNotBuild { .. }, _) => &mut self.do_not_build,
            (MutantResult::DoesNotBoot { .. }, _) => &mut self.do_not_boot,
            (MutantResult::NoAnswer { .. }, _) => &mut self.no_answer,
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
    /// clock and no equivalent mutant was noticed; otherwise 1.
    pub fn exit_code(&self) -> u8 {
        if self.no_answer > 0 {
            return 3;
        }
        let missed = self.missed + self.by_snapshot_only + self.by_real_clock_only;
        u8::from(missed + self.false_alarms + self.do_not_build + self.do_not_boot > 0)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn record(kind: Kind, result: MutantResult) -> Record {
        Record {
            name: "m".into(),
            kind,
            header: Header::default(),
            result,
            ran: vec![("idle".into(), "pass".into())],
            unknown_scenarios: Vec::new(),
            intended: BTreeSet::new(),
            build_seconds: Some(30.5),
            run_seconds: 12.0,
            image: "image".into(),
            suite: "suite".into(),
            program: "program".into(),
        }
    }

    fn caught(strength: Strength) -> MutantResult {
        let (scenario, sentence) = ("idle".to_owned(), "expected a; saw b".to_owned());
        MutantResult::Noticed(Catch { strength, ids: vec!["Q1".into()], scenario, seed: 0, sentence })
    }

    fn finding(id: &'static str) -> Finding {
        let (origin, evidence) = (crate::judge::origin(id).unwrap(), Vec::new());
        Finding { origin, expected: "a".into(), seen: id.into(), evidence, scenario_line: None, more: 0 }
    }

    #[test]
    fn a_violated_rule_outranks_an_expectation() {
        let clock = GuestClock::Virtual;
        let catch = Catch::by(&[finding(EXPECT), finding("Q1"), finding("Q1")], clock, "idle", 3).unwrap();
        assert_eq!((catch.strength, catch.sentence.as_str()), (Strength::Invariant, "expected a; saw Q1"));
        assert_eq!(catch.ids, [EXPECT, "Q1"]);
        let weak = Catch::by(&[finding(EXPECT)], clock, "idle", 3).unwrap();
        assert_eq!(weak.strength, Strength::Expectation);
    }

    #[test]
    fn a_clock_that_ran_out_beside_a_violated_rule_is_not_alone() {
        let is_alone = |ids: &[&'static str]| {
            let findings: Vec<Finding> = ids.iter().map(|id| finding(id)).collect();
            Catch::by(&findings, GuestClock::Virtual, "idle", 0).unwrap().is_by_the_clock_alone()
        };
        let clock = RunEnd::Clock.id();
        assert!(is_alone(&[clock]) && is_alone(&[clock, EXPECT]));
        assert!(!is_alone(&[clock, "K3"]) && !is_alone(&[EXPECT]));
    }

    #[test]
    fn a_mutant_is_not_caught_by_the_real_clock_alone() {
        let catch = Catch::by(&[finding("K1")], GuestClock::Real, "smoke-two-socket-two-slow", 0).unwrap();
        assert!(catch.strength < Strength::Snapshot);
        let caught = record(Kind::Regression, MutantResult::Noticed(catch));
        let score = Score::of(std::slice::from_ref(&caught));
        assert_eq!((caught.is_good(), score.by_real_clock_only, score.exit_code()), (false, 1, 1));
    }

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
    fn a_record_is_read_as_it_was_written() {
        let written = record(Kind::Regression, caught(Strength::Invariant));
        let text = serde_json::to_string(&written).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), written);
    }
}
