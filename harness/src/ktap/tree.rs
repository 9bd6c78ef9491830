//! From lines to the tree. A test's parts stand before its result and are indented further; what closes a level is
//! the result of the test that they are parts of.

use super::line::{self, Line, ResultLine, after_word};
use super::results::{Ktap, MAX_DEPTH, MAX_TESTS, Problem, Said, Test, TestResult, Wrong};
use crate::host::text::excerpt;

/// So many lines that were said before a result are kept, the last ones.
const MAX_SAID: usize = 12;
/// So many problems are told.
const MAX_PROBLEMS: usize = 100;

/// How kmsg writes a line's end inside of a message.
const NEWLINE_OF_KMSG: &str = "\\x0a";

/// Tests of one indentation whose parent has no result yet.
#[derive(Default)]
struct Level {
    indent: usize,
    /// Where it began.
    line: u32,
    /// `# Subtest:`, which names the test that these are parts of.
    name: Option<String>,
    plan: Option<Planned>,
    /// Results since the plan.
    counted: u32,
    last_number: Option<u32>,
    tests: Vec<Test>,
    said: Vec<Said>,
}

#[derive(Clone, Copy)]
struct Planned {
    count: u32,
    line: u32,
}

#[derive(Default)]
struct Reader {
    levels: Vec<Level>,
    found: Ktap,
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
            // What others print before the first version line may look like anything.
            if reader.found.present || line == Line::Version {
                reader.take(number, indent, line);
            }
            if reader.full {
                reader.problem(number, Wrong::TooMuch);
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
                self.found.present = true;
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
            Line::Bail(reason) => self.problem(number, Wrong::Bail(excerpt(reason))),
            Line::Totals => {}
            Line::Diagnostic(text) => self.said(number, indent, text),
            Line::Other(text) => self.continued(number, text),
        }
    }

    /// Makes the level of `indent` the innermost one. Deeper ones are without their parent's result then.
    fn enter(&mut self, line: u32, indent: usize) {
        while self.levels.last().is_some_and(|level| level.indent > indent) {
            self.orphan();
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
        // A plan may also come last, and is then one for what stands above.
        if self.levels.last().is_some_and(|level| level.plan.is_some()) {
            self.end_of_plan();
        }
        let outermost = self.levels.len() == 1;
        if let Some(level) = self.levels.last_mut() {
            level.plan = Some(Planned { count, line });
        }
        if outermost && let Some(reason) = skip {
            self.found.skipped = Some(excerpt(reason));
        }
    }

    fn result(&mut self, line: u32, indent: usize, result: &ResultLine<'_>) {
        // The deepest levels first: what is indented further is part of this test.
        while self.levels.iter().rev().nth(1).is_some_and(|above| above.indent > indent) {
            self.orphan();
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
        let (parts, mut diagnostics) = inner.map_or_else(Default::default, |inner| (inner.tests, inner.said));
        diagnostics.append(&mut level.said);
        keep_last(&mut diagnostics);
        let name = if result.name.is_empty() { number.to_string() } else { excerpt(result.name) };
        level.tests.push(Test { name, outcome: outcome(result), parts, diagnostics, line });
        if number != wanted {
            self.problem(line, Wrong::Number { wanted, found: number });
        }
    }

    /// The innermost level, whose tests are parts of one that has no result.
    fn orphan(&mut self) {
        self.end_of_plan();
        let Some(Level { line, name, tests: parts, said: diagnostics, .. }) = self.levels.pop() else {
            return;
        };
        let name = name.unwrap_or_else(|| "a test without a name".to_owned());
        let test = Test { name, outcome: TestResult::Unfinished, parts, diagnostics, line };
        match self.levels.last_mut() {
            Some(level) => level.tests.push(test),
            None => self.found.tests.push(test),
        }
    }

    /// Another text may follow in the same log, with a plan of its own.
    fn end_of_plan(&mut self) {
        let Some(level) = self.levels.last_mut() else { return };
        let counted = std::mem::take(&mut level.counted);
        if let Some(Planned { count: wanted, line }) = level.plan.take()
            && wanted != counted
        {
            self.problem(line, Wrong::Plan { wanted, found: counted });
        }
    }

    /// For the innermost test that is indented no further.
    fn said(&mut self, line: u32, indent: usize, text: &str) {
        let at = self.levels.iter().rposition(|level| level.indent <= indent).unwrap_or(0);
        let Some(level) = self.levels.get_mut(at) else { return };
        for text in text.split(NEWLINE_OF_KMSG) {
            level.said.push(Said { line, text: excerpt(text) });
        }
        keep_last(&mut level.said);
    }

    /// A message of several lines has the hash sign in its first alone.
    fn continued(&mut self, line: u32, text: &str) {
        let Some(level) = self.levels.last_mut() else { return };
        if level.said.last().is_some_and(|last| last.line.saturating_add(1) == line) && !text.is_empty() {
            level.said.push(Said { line, text: excerpt(text) });
            keep_last(&mut level.said);
        }
    }

    fn problem(&mut self, line: u32, what: Wrong) {
        if self.found.problems.len() < MAX_PROBLEMS {
            self.found.problems.push(Problem { line, what });
        }
    }

    fn finish(mut self) -> Ktap {
        while self.levels.len() > 1 {
            self.orphan();
        }
        // A log may have lost the outermost level's begin, but its results close what is in it.
        match self.levels.last() {
            Some(level) if level.indent > 0 && level.name.is_some() => self.orphan(),
            _ => {
                self.end_of_plan();
                let rest = self.levels.pop().map_or_else(Vec::new, |level| level.tests);
                self.found.tests.extend(rest);
            }
        }
        self.found
    }
}

fn keep_last(said: &mut Vec<Said>) {
    said.drain(..said.len().saturating_sub(MAX_SAID));
}

fn outcome(result: &ResultLine<'_>) -> TestResult {
    let directive = result.directive;
    if let Some(reason) = after_word(directive, "SKIP") {
        return TestResult::Skipped(excerpt(reason));
    }
    if result.ok {
        let first = after_word(directive, "AGAIN");
        return first.map_or(TestResult::Passed, |first| TestResult::PassedAgain(excerpt(first)));
    }
    let known = ["XFAIL", "TODO"].iter().find_map(|word| after_word(directive, word));
    known.map_or_else(
        || TestResult::Failed(excerpt(directive)),
        |reason| TestResult::KnownToFail(excerpt(reason)),
    )
}
