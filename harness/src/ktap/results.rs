//! What a KTAP text says: a tree of tests, and what is wrong with the text.

/// The most tests that are read; DAMON has 37 of KUnit's and 15 selftests.
pub(super) const MAX_TESTS: usize = 10_000;
/// How deep tests may be nested. KUnit goes to 3.
pub(super) const MAX_DEPTH: usize = 16;

/// The test results of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ktap {
    /// The outermost tests, in order.
    pub tests: Vec<Test>,
    /// What the text itself has wrong.
    pub problems: Vec<Problem>,
    /// Why nothing was run, where the plan says so: `1..0 # SKIP reason`.
    pub skipped: Option<String>,
    /// There was a version line.
    pub present: bool,
}

/// One test, or one that is made of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// Its name; its number where it has none.
    pub name: String,
    /// What it came to.
    pub outcome: TestResult,
    /// What it is made of; empty for a test that is one.
    pub parts: Vec<Test>,
    /// What was said before its result, the last lines of it.
    pub diagnostics: Vec<Said>,
    /// The line of its result, from 1; of its begin where there is no result.
    pub line: u32,
}

/// What a test came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestResult {
    /// `ok`
    Passed,
    /// `ok` of a test that failed before and was run again: `# AGAIN`, with what it came to the first time.
    PassedAgain(String),
    /// `not ok`, with what stands behind the hash sign: `TIMEOUT 45 seconds`, `exit=1`, nothing.
    Failed(String),
    /// `# SKIP`, with its reason.
    Skipped(String),
    /// `not ok` of which the test says that it is known: `# XFAIL`, `# TODO`.
    KnownToFail(String),
    /// It began, and there is no result.
    Unfinished,
}

/// A line that somebody said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its number, from 1.
    pub line: u32,
    /// Without the prefix and the hash sign.
    pub text: String,
}

/// Something that is wrong in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, from 1.
    pub line: u32,
    /// What.
    pub what: Wrong,
}

/// What can be wrong in a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// Lines are missing.
    #[error("{wanted} tests are planned, and {found} have a result")]
    Plan {
        /// By the plan.
        wanted: u32,
        /// By the results.
        found: u32,
    },
    /// Lines are missing, or came twice.
    #[error("the number of this test should be {wanted}, and is {found}")]
    Number {
        /// One more than the last.
        wanted: u32,
        /// What it is.
        found: u32,
    },
    /// The tests gave up.
    #[error("Bail out! {0}")]
    Bail(String),
    /// More than anybody reads.
    #[error("more than {tests} tests, or more than {depth} deep: the rest is not read", tests = MAX_TESTS, depth = MAX_DEPTH)]
    TooMuch,
}

impl Test {
    /// The tests that are made of no others, this one or those in it, each with the names of all that it is in.
    pub fn leaves(&self) -> Vec<(String, &Test)> {
        let mut leaves = Vec::new();
        self.collect(String::new(), &mut leaves);
        leaves
    }

    fn collect<'a>(&'a self, above: String, leaves: &mut Vec<(String, &'a Test)>) {
        let path = if above.is_empty() { self.name.clone() } else { format!("{above}/{}", self.name) };
        if self.parts.is_empty() {
            leaves.push((path, self));
            return;
        }
        for part in &self.parts {
            part.collect(path.clone(), leaves);
        }
    }
}
