//! What came of a mutant, and what all of them come to. Pure.

use super::mutant::{Header, Kind};
use crate::check::{EXPECT, Finding};
use serde::{Deserialize, Serialize};

/// What a catch is worth: a later one more than an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// A stored text that differs: it says that something changed, and not that it is wrong.
    Snapshot,
    /// A number that this scenario expects.
    Expectation,
    /// A rule that holds for every run: an invariant, the oracle, or a kernel that does not die.
    Invariant,
}

/// One scenario that did not pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catch {
    /// What it is worth.
    pub strength: Strength,
    /// The ids of all that was broken, the weightiest first.
    pub ids: Vec<String>,
    /// The scenario.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// The weightiest finding.
    pub sentence: String,
}

impl Catch {
    /// What a failed run's findings, the weightiest first, are worth.
    pub fn by(findings: &[Finding], scenario: &str, seed: u64) -> Option<Catch> {
        let first = findings.iter().find(|finding| finding.id() != EXPECT).or(findings.first())?;
        let strength = if first.id() == EXPECT { Strength::Expectation } else { Strength::Invariant };
        let mut ids: Vec<String> = Vec::new();
        for finding in findings {
            if !ids.iter().any(|id| id == finding.id()) {
                ids.push(finding.id().to_owned());
            }
        }
        let sentence = format!("expected {}; saw {}", first.expected, first.seen);
        Some(Catch { strength, ids, scenario: scenario.to_owned(), seed, sentence })
    }
}

/// What came of one mutant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum MutantResult {
    /// A scenario did not pass: what a regression must come to, and a false alarm for a null.
    Noticed(Catch),
    /// Every scenario passed: what a null must come to, and a miss for a regression.
    Unnoticed,
    /// There is no such kernel.
    DoesNotBuild {
        /// Why.
        why: String,
    },
    /// The kernel never got to its first process.
    DoesNotBoot {
        /// What became of it.
        why: String,
    },
    /// The host or QEMU failed, and nothing was noticed elsewhere.
    NoAnswer {
        /// Why.
        why: String,
    },
}

/// All that is kept of one mutant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its name.
    pub name: String,
    /// What it must come to.
    pub kind: Kind,
    /// What it says about itself.
    pub header: Header,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: MutantResult,
    /// The scenarios that ended, in order, each with its verdict's word.
    pub ran: Vec<(String, String)>,
    /// Names in its header that no scenario has.
    pub unknown_scenarios: Vec<String>,
    /// How long its kernel took to build; none where it was in the cache.
    pub build_seconds: Option<f64>,
    /// How long its scenarios took.
    pub run_seconds: f64,
    /// The image, and the suite it ran.
    pub image: String,
    /// Likewise.
    pub suite: String,
    /// The damonlab that judged it.
    pub program: String,
}

impl Record {
    /// One or two words, as in the table.
    pub fn word(&self) -> &'static str {
        match (&self.outcome, self.kind) {
            (MutantResult::Noticed(_), Kind::Regression) => "CAUGHT",
            (MutantResult::Noticed(_), Kind::Null) => "FALSE ALARM",
            (MutantResult::Unnoticed, Kind::Regression) => "MISSED",
            (MutantResult::Unnoticed, Kind::Null) => "green",
            (MutantResult::DoesNotBuild { .. }, _) => "NO BUILD",
            (MutantResult::DoesNotBoot { .. }, _) => "NO BOOT",
            (MutantResult::NoAnswer { .. }, _) => "NO ANSWER",
        }
    }

    /// It came to what it must.
    pub fn is_good(&self) -> bool {
        match (&self.outcome, self.kind) {
            (MutantResult::Noticed(catch), Kind::Regression) => catch.strength == Strength::Invariant,
            (MutantResult::Unnoticed, Kind::Null) => true,
            _ => false,
        }
    }
}

/// What all mutants come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Score {
    /// Regressions that were built and booted.
    pub regressions: usize,
    /// Of them, caught by a rule that holds for every run.
    pub by_invariant: usize,
    /// Caught by a scenario's own numbers alone.
    pub by_expectation_only: usize,
    /// Caught by a stored text alone.
    pub by_snapshot_only: usize,
    /// Not caught.
    pub missed: usize,
    /// Nulls that were built and booted.
    pub nulls: usize,
    /// Of them, green.
    pub green: usize,
    /// Those that were not.
    pub false_alarms: usize,
    /// Mutants of either kind.
    pub do_not_build: usize,
    /// Likewise.
    pub do_not_boot: usize,
    /// Likewise: the host failed.
    pub no_answer: usize,
}

impl Score {
    /// Counts.
    pub fn of(records: &[Record]) -> Score {
        let mut score = Score::default();
        for record in records {
            score.add(record);
        }
        score
    }

    fn add(&mut self, record: &Record) {
        let count = match (&record.outcome, record.kind) {
            (MutantResult::DoesNotBuild { .. }, _) => &mut self.do_not_build,
            (MutantResult::DoesNotBoot { .. }, _) => &mut self.do_not_boot,
            (MutantResult::NoAnswer { .. }, _) => &mut self.no_answer,
            (outcome, Kind::Regression) => {
                self.regressions += 1;
                match outcome {
                    MutantResult::Noticed(Catch { strength: Strength::Invariant, .. }) => {
                        &mut self.by_invariant
                    }
                    MutantResult::Noticed(Catch { strength: Strength::Expectation, .. }) => {
                        &mut self.by_expectation_only
                    }
                    MutantResult::Noticed(_) => &mut self.by_snapshot_only,
                    _ => &mut self.missed,
                }
            }
            (outcome, Kind::Null) => {
                self.nulls += 1;
                match outcome {
                    MutantResult::Noticed(_) => &mut self.false_alarms,
                    _ => &mut self.green,
                }
            }
        };
        *count += 1;
    }

    /// The exit status: 3 where the host gave no answer, 0 where every regression was caught, by more than a
    /// snapshot, and every null is green, else 1.
    pub fn exit_code(&self) -> u8 {
        if self.no_answer > 0 {
            return 3;
        }
        let missed = self.missed + self.by_snapshot_only;
        u8::from(missed + self.false_alarms + self.do_not_build + self.do_not_boot > 0)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn record(kind: Kind, outcome: MutantResult) -> Record {
        Record {
            name: "m".into(),
            kind,
            header: Header::default(),
            outcome,
            ran: vec![("idle".into(), "pass".into())],
            unknown_scenarios: Vec::new(),
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
        Finding { origin, expected: "a".into(), seen: id.into(), evidence, scenario_line: None }
    }

    #[test]
    fn a_rule_beside_an_expectation_makes_it_a_catch_by_rule() {
        let catch = Catch::by(&[finding(EXPECT), finding("Q1"), finding("Q1")], "idle", 3).unwrap();
        assert_eq!((catch.strength, catch.sentence.as_str()), (Strength::Invariant, "expected a; saw Q1"));
        assert_eq!(catch.ids, [EXPECT, "Q1"]);
        let weak = Catch::by(&[finding(EXPECT)], "idle", 3).unwrap();
        assert_eq!(weak.strength, Strength::Expectation);
    }

    #[test]
    fn weak_catches_and_kernels_that_are_not_there_do_not_count_as_caught_by_a_rule() {
        let all = [
            record(Kind::Regression, caught(Strength::Invariant)),
            record(Kind::Regression, caught(Strength::Expectation)),
            record(Kind::Regression, caught(Strength::Snapshot)),
            record(Kind::Regression, MutantResult::Unnoticed),
            record(Kind::Regression, MutantResult::DoesNotBuild { why: "no".into() }),
            record(Kind::Null, MutantResult::Unnoticed),
            record(Kind::Null, caught(Strength::Snapshot)),
            record(Kind::Null, MutantResult::DoesNotBoot { why: "no".into() }),
        ];
        let score = Score::of(&all);
        assert_eq!((score.regressions, score.by_invariant, score.missed), (4, 1, 1));
        assert_eq!((score.by_expectation_only, score.by_snapshot_only), (1, 1));
        assert_eq!((score.nulls, score.green, score.false_alarms), (2, 1, 1));
        assert_eq!((score.do_not_build, score.do_not_boot), (1, 1));
    }

    #[test]
    fn the_exit_status_is_0_only_if_all_is_caught_and_all_nulls_are_green() {
        let good = [
            record(Kind::Regression, caught(Strength::Expectation)),
            record(Kind::Null, MutantResult::Unnoticed),
        ];
        assert_eq!(Score::of(&good).exit_code(), 0);
        assert_eq!(Score::of(&[record(Kind::Regression, MutantResult::Unnoticed)]).exit_code(), 1);
        assert_eq!(Score::of(&[record(Kind::Regression, caught(Strength::Snapshot))]).exit_code(), 1);
        assert_eq!(Score::of(&[record(Kind::Null, caught(Strength::Invariant))]).exit_code(), 1);
        let no_qemu = record(Kind::Null, MutantResult::NoAnswer { why: "no QEMU".into() });
        assert_eq!(Score::of(&[no_qemu]).exit_code(), 3);
    }

    #[test]
    fn a_record_survives_being_written_and_read() {
        let written = record(Kind::Regression, caught(Strength::Invariant));
        let text = serde_json::to_string(&written).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), written);
    }
}
