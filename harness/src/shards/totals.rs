//! What the last lines and the exit status of a command depend on, of one shard or of several. Pure.

use crate::explore::Explored;
use crate::judge::{ChangesSeen, Coverage, RuleFileUse};
use crate::line_coverage::CountedRuns;
use crate::mutants::Record;
use serde::{Deserialize, Serialize};

/// What a command comes to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Totals {
    /// Of `run`.
    Run(Box<RunTotals>),
    /// Of `coverage`.
    Coverage(Box<CoverageTotals>),
    /// Of `explore`.
    Explore(Box<Explored>),
    /// Of `mutants`.
    Mutants(MutantsTotals),
}

/// What the verdicts of several runs come to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statuses {
    /// The worst, as a shell wants it.
    pub shell: u8,
    /// All, as git wants them.
    pub git: Vec<u8>,
}

/// What `run`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunTotals {
    /// The verdicts.
    pub statuses: Statuses,
    /// Whether the exit status is for git.
    pub for_git: bool,
    /// The files of `--rules`.
    pub rules: RuleFileUse,
    /// The rules that the kernel means to change.
    pub changes: ChangesSeen,
    /// To which scenarios the rules applied, where all scenarios ran with one seed.
    pub coverage: Option<Coverage>,
}

/// What `coverage`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CoverageTotals {
    /// The verdicts.
    pub statuses: Statuses,
    /// The files of `--rules`.
    pub rules: RuleFileUse,
    /// The rules that the kernel means to change.
    pub changes: ChangesSeen,
    /// What is to be said of single runs.
    pub notes: Vec<String>,
    /// Whether the scenarios of each line are named.
    pub by_scenario: bool,
    /// What was executed.
    pub runs: CountedRuns,
}

/// What `mutants`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MutantsTotals {
    /// What is stored of each mutant.
    pub records: Vec<Record>,
    /// The rules that the kernels mean to change.
    pub changes: ChangesSeen,
}

impl Totals {
    /// The verb.
    pub fn command(&self) -> &'static str {
        match self {
            Totals::Run(_) => "run",
            Totals::Coverage(_) => "coverage",
            Totals::Explore(_) => "explore",
            Totals::Mutants(_) => "mutants",
        }
    }

    /// Adds another shard of the same command. Gives it back if it is of another command.
    pub(super) fn join(&mut self, other: Totals) -> Result<(), Totals> {
        match (self, other) {
            (Totals::Run(mine), Totals::Run(other)) => mine.join(*other),
            (Totals::Coverage(mine), Totals::Coverage(other)) => mine.join(*other),
            (Totals::Explore(mine), Totals::Explore(other)) => mine.join(*other),
            (Totals::Mutants(mine), Totals::Mutants(other)) => {
                mine.records.extend(other.records);
                mine.changes.join(other.changes);
            }
            (_, other) => return Err(other),
        }
        Ok(())
    }
}

impl Statuses {
    fn join(&mut self, other: Statuses) {
        self.shell = self.shell.max(other.shell);
        self.git.extend(other.git);
    }
}

impl RunTotals {
    fn join(&mut self, other: RunTotals) {
        self.statuses.join(other.statuses);
        self.rules.join(other.rules);
        self.changes.join(other.changes);
        if let (Some(mine), Some(other)) = (&mut self.coverage, other.coverage) {
            mine.join(other);
        }
    }
}

impl CoverageTotals {
    fn join(&mut self, other: CoverageTotals) {
        self.statuses.join(other.statuses);
        self.rules.join(other.rules);
        self.changes.join(other.changes);
        self.notes.extend(other.notes);
        self.runs.join(other.runs);
    }
}
