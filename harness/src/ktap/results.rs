//! The content of a KTAP text: a tree of tests, and the problems of the text itself.

/// The most tests that are read; DAMON has 37 of KUnit's and 15 selftests.
pub(super) const MAX_TESTS: usize = 10_000;
/// How deep tests may be nested. KUnit goes to 3.
pub(super) const MAX_DEPTH: usize = 16;

/// The test results of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ktap {
    /// The outermost tests, in order.
    pub tests: Vec<Test>,
    /// Problems of the text itself.
    pub problems: Vec<Problem>,
    /// Why no test was run, if the plan says so: `1..0 # SKIP reason`.
    pub skipped: Option<String>,
    /// Whether there is a version line.
    pub present: bool,
}

/// A test, or a suite of tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// Its name, or its number if it has none.
    pub name: String,
    /// Its result.
    pub outcome: TestResult,
    /// The tests of a suite; empty for a test.
    pub parts: Vec<Test>,
    /// The last diagnostic lines before its result.
    pub diagnostics: Vec<Diagnostic>,
    /// The line of its result, from 1; the line where it begins if there is no result.
    pub line: u32,
}

/// The result of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestResult {
    /// `ok`
    Passed,
    /// `ok` of a test that failed and was run again: `# AGAIN`, with its first result.
    PassedAgain(String),
    /// `not ok`, with the text after the hash sign: `TIMEOUT 45 seconds`, `exit=1`, or none.
    Failed(String),
    /// `# SKIP`, with its reason.
    Skipped(String),
    /// `not ok` that the test expects: `# XFAIL`, `# TODO`.
    KnownToFail(String),
    /// It began, and there is no result.
    Unfinished,
}

/// A diagnostic line, `# text`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its number, from 1.
    pub line: u32,
    /// The text without the prefix and the hash sign.
    pub text: String,
}

/// A problem of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its line, from 1.
    pub line: u32,
    /// What is wrong.
    pub what: ProblemKind,
}

/// What can be wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProblemKind {
    /// Results are missing.
    #[error("{wanted} tests are planned, and {found} have a result")]
    Plan {
        /// The number of tests in the plan.
        wanted: u32,
        /// The number of results.
        found: u32,
    },
    /// Results are missing, or came twice.
    #[error("this test has number {found}; expected {wanted}")]
    Number {
        /// One more than the number before it.
        wanted: u32,
        /// The number in the text.
        found: u32,
    },
    /// The test program gave up.
    #[error("Bail out! {0}")]
    Bail(String),
    /// The text exceeds the limits.
    #[error("more than {tests} tests, or more than {depth} deep: the rest is not read", tests = MAX_TESTS, depth = MAX_DEPTH)]
    TooMuch,
}

impl Test {
    /// The tests that are not suites, each with the path of the suites that it is in.
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
