//! Why there is no scenario.

use crate::grammar::Wrong;
use crate::host::fault::{Fault, Faulty};
use crate::host::text::{excerpt, quote, shown};
use std::path::PathBuf;

/// Why there is no scenario.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ScenarioError {
    /// Nothing is at the path.
    #[error("no scenario file at {}", shown(.0))]
    #[diagnostic(help("give the path of a YAML file; the ones that ship are in scenarios/"))]
    NotThere(PathBuf),
    /// It is there and cannot be read.
    #[error("cannot read {}", shown(path))]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// No machine's file is at the path.
    #[error("no machine file at {}", shown(.0))]
    #[diagnostic(help("give the path of a YAML file, or a name; `damonlab list` has the names"))]
    NoMachineFile(PathBuf),
    /// No file of words is at the path.
    #[error("no file to introduce words from at {}", shown(.0))]
    #[diagnostic(help(
        "give the path of a YAML file: version: 1, and introduces: {{goal_metrics: [..], ..}} or expect_changes: {{RULE: REASON}}"
    ))]
    NoIntroducesFile(PathBuf),
    /// No file of rules is at the path.
    #[error("no file of rules at {}", shown(.0))]
    #[diagnostic(help(
        "give the path of a YAML file: version: 1, a summary, and rules: [..]; examples/rules/ has some"
    ))]
    NoRuleFile(PathBuf),
    /// No scenario uses a word of the file.
    #[error("no scenario of this run uses a word that {} introduces", quote(.0))]
    #[diagnostic(help("leave --introduces out, or run the scenarios that are about these words"))]
    UnusedIntroduces(String),
    /// A run is judged by the rules of more files than a recording keeps.
    #[error("a run is judged by the rules of {most} files at most, and these are {found} files")]
    #[diagnostic(help("put rules that belong together into one file"))]
    TooManyRuleFiles {
        /// How many there may be.
        most: usize,
        /// How many there are.
        found: usize,
    },
    /// A name on the command line that no machine has.
    #[error("there is no machine named '{}'", excerpt(name))]
    #[diagnostic(help("{help}"))]
    NoMachine {
        /// The name.
        name: String,
        /// The nearest known one, or all.
        help: String,
    },
    /// The file was read, and has a mistake.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Wrong(#[from] Box<Wrong>),
}

impl Faulty for ScenarioError {
    fn fault(&self) -> Fault {
        Fault::BadInput
    }
}

impl ScenarioError {
    /// `file:line`, where a line is known.
    pub fn place(&self) -> Option<String> {
        match self {
            ScenarioError::Wrong(wrong) if wrong.line > 0 => Some(format!("{}:{}", wrong.file, wrong.line)),
            _ => None,
        }
    }
}
