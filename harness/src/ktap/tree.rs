//! From lines to the tree. The tests of a suite stand before the suite's result and are indented further; the result of
//! the suite closes their level.

use super::line::{self, Line, ResultLine, after_keyword};
use super::results::{Diagnostic, Ktap, MAX_DEPTH, MAX_TESTS, Problem, ProblemKind, Test, TestResult};
use crate::host::text::excerpt;

/// How many diagnostic lines a result keeps, the last ones.
const MAX_DIAGNOSTICS: usize = 12;
/// How many problems are reported.
const MAX_PROBLEMS: usize = 100;

/// How kmsg writes a newline inside a message.
const NEWLINE_OF_KMSG: &str = "\\x0a";

/// Tests of one indentation whose suite has no result yet.
#[derive(Default)]
struct Level {
    indent: usize,
    /// The line of its beginning.
    line: u32,
    /// The name of the suite, from `# Subtest:`.
    name: Option<String>,
    plan: Option<Planned>,
    /// The number of results since the plan.
    counted: u32,
    last_number: Option<u32>,
    tests: Vec<Test>,
    diagnostics: Vec<Diagnostic>,
}

#[derive(Clone, Copy)]
struct Planned {
    count: u32,
    line: u32,
}

#[derive(Default)]
struct Reader {
    levels: Vec<Level>,
    ktap: Ktap,
    count: usize,
    full: bool,
}

impl Ktap {
    /// Reads a text: a kernel log (`priority,time;message`, `[  1.234567] message`) or plain lines.
    pub fn parse(text: &str) -> Ktap {
        let mut reader = Reader::default();
        for (index, text) in text.lines().enumerate() {
            let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
            let (indent, line) = line::parse(text);
            // Before the first version line, any text may look like KTAP.
            if reader.ktap.present || line == Line::Version {
                reader.take(number, indent, line);
            }
            if reader.full {
                reader.problem(number, ProblemKind::TooMuch);
                break;
            }
        }
        reader.finish()
    }
}

impl Reader {
    fn take(&mut self, number: u32, indent: usize, line: Line<'_>) {
        match line {
            Line::Version => {
                self.ktap.present = true;
                self.enter(number, indent);
                self.end_of_plan();
                if let Some(level) = self.levels.last_mut() {
                    level.last_number = None;
                }
            }
            Line::Plan { count, skip } => self.plan(number, indent, count, skip),
            Line::Subtest(name) => {
                self.enter(number, indent);
                if let Some(level) = self.levels.last_mut() {
                    level.name = Some(excerpt(name));
                }
            }
            Line::Result(result) => self.result(number, indent, &result),
            Line::Bail(reason) => self.problem(number, ProblemKind::Bail(excerpt(reason))),
            Line::Totals => {}
            Line::Diagnostic(text) => self.diagnostic(number, indent, text),
            Line::Other(text) => self.continued(number, text),
        }
    }

    /// Makes the level of `indent` the innermost one. Deeper suites remain without a result.
    fn enter(&mut self, line: u32, indent: usize) {
        while self.levels.last().is_some_and(|level| level.indent > indent) {
            self.close_unfinished();
        }
        if self.levels.last().is_none_or(|level| level.indent < indent) {
            if self.levels.len() >= MAX_DEPTH {
                self.full = true;
                return;
            }
            self.levels.push(Level { indent, line, ..Level::default() });
        }
    }

    fn plan(&mut self, line: u32, indent: usize, count: u32, skip: Option<&str>) {
        self.enter(line, indent);
        // A plan may also come last: then it is the plan of the tests above.
        if self.levels.last().is_some_and(|level| level.plan.is_some()) {
            self.end_of_plan();
        }
        let outermost = self.levels.len() == 1;
        if let Some(level) = self.levels.last_mut() {
            level.plan = Some(Planned { count, line });
        }
        if outermost && let Some(reason) = skip {
            self.ktap.skipped = Some(excerpt(reason));
        }
    }

    fn result(&mut self, line: u32, indent: usize, result: &ResultLine<'_>) {
        // The deepest levels first: what is indented further belongs to this suite.
        while self.levels.iter().rev().nth(1).is_some_and(|above| above.indent > indent) {
            self.close_unfinished();
        }
        let inner = match self.levels.last() {
            Some(level) if level.indent > indent => {
                self.end_of_plan();
                self.levels.pop()
            }
            _ => None,
        };
        self.enter(line, indent);
        self.count += 1;
        self.full |= self.count > MAX_TESTS;
        let Some(level) = self.levels.last_mut() else { return };
        let first = if level.tests.is_empty() { 1 } else { result.number.unwrap_or(1) };
        let wanted = level.last_number.map_or(first, |last| last.saturating_add(1));
        let number = result.number.unwrap_or(wanted);
        level.last_number = Some(number);
        level.counted = level.counted.saturating_add(1);
        let (parts, mut diagnostics) =
            inner.map_or_else(Default::default, |inner| (inner.tests, inner.diagnostics));
        diagnostics.append(&mut level.diagnostics);
        keep_last(&mut diagnostics);
        let name = if result.name.is_empty() { number.to_string() } else { excerpt(result.name) };
        level.tests.push(Test { name, outcome: outcome(result), parts, diagnostics, line });
        if number != wanted {
            self.problem(line, ProblemKind::Number { wanted, found: number });
        }
    }

    /// Closes the innermost level, whose suite has no result.
    fn close_unfinished(&mut self) {
        self.end_of_plan();
        let Some(Level { line, name, tests: parts, diagnostics, .. }) = self.levels.pop() else {
            return;
        };
        let name = name.unwrap_or_else(|| "a test without a name".to_owned());
        let test = Test { name, outcome: TestResult::Unfinished, parts, diagnostics, line };
        match self.levels.last_mut() {
            Some(level) => level.tests.push(test),
            None => self.ktap.tests.push(test),
        }
    }

    /// Compares the plan with the results. Another text may follow in the same log, with its own plan.
    fn end_of_plan(&mut self) {
        let Some(level) = self.levels.last_mut() else { return };
        let counted = std::mem::take(&mut level.counted);
        if let Some(Planned { count: wanted, line }) = level.plan.take()
            && wanted != counted
        {
            self.problem(line, ProblemKind::Plan { wanted, found: counted });
        }
    }

    /// Adds a diagnostic line to the innermost level that is indented no further.
    fn diagnostic(&mut self, line: u32, indent: usize, text: &str) {
        let at = self.levels.iter().rposition(|level| level.indent <= indent).unwrap_or(0);
        let Some(level) = self.levels.get_mut(at) else { return };
        for text in text.split(NEWLINE_OF_KMSG) {
            level.diagnostics.push(Diagnostic { line, text: excerpt(text) });
        }
        keep_last(&mut level.diagnostics);
    }

    /// Adds a further line of a message: only its first line has the hash sign.
    fn continued(&mut self, line: u32, text: &str) {
        let Some(level) = self.levels.last_mut() else { return };
        if level.diagnostics.last().is_some_and(|last| last.line.saturating_add(1) == line)
            && !text.is_empty()
        {
            level.diagnostics.push(Diagnostic { line, text: excerpt(text) });
            keep_last(&mut level.diagnostics);
        }
    }

    fn problem(&mut self, line: u32, what: ProblemKind) {
        if self.ktap.problems.len() < MAX_PROBLEMS {
            self.ktap.problems.push(Problem { line, what });
        }
    }

    fn finish(mut self) -> Ktap {
        while self.levels.len() > 1 {
            self.close_unfinished();
        }
        // A log may have lost the beginning of the outermost level, but its results close what is in it.
        match self.levels.last() {
            Some(level) if level.indent > 0 && level.name.is_some() => self.close_unfinished(),
            _ => {
                self.end_of_plan();
                let rest = self.levels.pop().map_or_else(Vec::new, |level| level.tests);
                self.ktap.tests.extend(rest);
            }
        }
        self.ktap
    }
}

fn keep_last(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.drain(..diagnostics.len().saturating_sub(MAX_DIAGNOSTICS));
}

fn outcome(result: &ResultLine<'_>) -> TestResult {
    let directive = result.directive;
    if let Some(reason) = after_keyword(directive, "SKIP") {
        return TestResult::Skipped(excerpt(reason));
    }
    if result.ok {
        let first = after_keyword(directive, "AGAIN");
        return first.map_or(TestResult::Passed, |first| TestResult::PassedAgain(excerpt(first)));
    }
    let known = ["XFAIL", "TODO"].iter().find_map(|keyword| after_keyword(directive, keyword));
    known.map_or_else(
        || TestResult::Failed(excerpt(directive)),
        |reason| TestResult::KnownToFail(excerpt(reason)),
    )
}
