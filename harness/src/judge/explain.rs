//! The page of one rule, as `damonlab explain` shows it.

use super::reference::{self, Example};
use crate::check::{Origin, Source, c_function};
use crate::host::text::printable;
use crate::subject;
use serde::Serialize;
use std::fmt;

/// So many lines of a function are shown.
const LINES: usize = 60;
/// So many characters of a line.
const WIDTH: usize = 160;

/// All that is known about a rule, or about a way for a run to end.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Page {
    id: String,
    /// A rule's name, and how strict it is.
    name: Option<&'static str>,
    kind: Option<&'static str>,
    /// What that kind means.
    kind_meaning: Option<&'static str>,
    /// What holds, or what the end means.
    statement: &'static str,
    because: Option<&'static str>,
    when: Option<&'static str>,
    /// Where damonlab checks it.
    file: Option<&'static str>,
    example: Option<Example>,
    /// The shipped scenarios to which it applies.
    scenarios: Vec<String>,
    source: Vec<Excerpt>,
    /// The functions of which damonlab knows several variants, as the source has them.
    variants: Vec<Variant>,
}

/// The variant of a function that a source has.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Variant {
    function: String,
    variant: String,
    meaning: &'static str,
}

/// A part of the kernel's source.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Excerpt {
    /// The file, from the root of the tree.
    file: &'static str,
    function: Option<&'static str>,
    /// The number of the first line.
    first_line: Option<usize>,
    lines: Vec<String>,
    /// How many lines of the function are not among them.
    omitted: usize,
}

/// The page of `origin`. `text` has the files of the kernel's source, where one is at hand.
pub fn explain(origin: &Origin, text: impl Fn(&str) -> Option<String>) -> Page {
    let about = match origin {
        Origin::Rule(about) => Some(*about),
        _ => None,
    };
    let source = about.map_or(&[][..], |about| about.source);
    Page {
        id: origin.id().to_owned(),
        name: about.map(|about| about.name),
        kind: about.map(|about| about.kind.word()),
        kind_meaning: about.map(|about| about.kind.meaning()),
        statement: origin.statement(),
        because: about.map(|about| about.because),
        when: about.map(|about| about.when),
        file: about.map(|about| about.file),
        example: reference::example(origin.id()),
        scenarios: reference::scenarios(origin.id()),
        source: source.iter().map(|part| excerpt(part, &text)).collect(),
        variants: variants(source, &text),
    }
}

impl Page {
    /// Whether it is about a part of the kernel's source.
    pub fn has_source(&self) -> bool {
        !self.source.is_empty()
    }
}

/// Whether `text` defines the part of the source that a rule names.
pub fn is_in(part: &Source, text: impl Fn(&str) -> Option<String>) -> bool {
    match part {
        Source::File(path) => text(path).is_some(),
        Source::Function { .. } => excerpt(part, &text).first_line.is_some(),
    }
}

fn excerpt(part: &Source, text: &impl Fn(&str) -> Option<String>) -> Excerpt {
    let (file, function) = match part {
        Source::Function { file, name } => (*file, Some(*name)),
        Source::File(path) => (*path, None),
    };
    let text = function.and_then(|_| text(file)).unwrap_or_default();
    let definition = function.and_then(|name| c_function::find(&text, name));
    let lines = || definition.iter().flat_map(|found| found.lines());
    Excerpt {
        file,
        function,
        first_line: definition.map(|found| found.first),
        lines: lines().take(LINES).map(shown).collect(),
        omitted: lines().count().saturating_sub(LINES),
    }
}

fn variants(source: &[Source], text: &impl Fn(&str) -> Option<String>) -> Vec<Variant> {
    let named = |function: &str| {
        source.iter().any(|part| matches!(part, Source::Function { name, .. } if *name == function))
    };
    let all = subject::formulas(text).into_iter().filter(|(function, _)| named(function));
    all.map(|(function, variant)| {
        let meaning = subject::variant_meaning(&function, &variant);
        Variant { function, variant, meaning }
    })
    .collect()
}

/// A line of source that a terminal may print.
fn shown(line: &str) -> String {
    printable(line).chars().take(WIDTH).collect()
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name, self.kind) {
            (Some(name), Some(_)) => writeln!(f, "{name} ({})", self.id)?,
            _ => writeln!(f, "{}", self.id)?,
        }
        writeln!(f, "\n{}", self.statement)?;
        if let (Some(kind), Some(meaning)) = (self.kind, self.kind_meaning) {
            writeln!(f, "\nKind: {kind}; it {meaning}")?;
        }
        for (head, text) in [("Why", self.because), ("When", self.when), ("Checked in", self.file)] {
            text.iter().try_for_each(|text| writeln!(f, "\n{head}: {text}"))?;
        }
        if let Some(Example { expected, seen, evidence }) = &self.example {
            writeln!(f, "\nA violation, from a recording that a test tampered with:")?;
            writeln!(f, "    expected {expected}\n    saw      {seen}")?;
            evidence.iter().try_for_each(|line| writeln!(f, "    {line}"))?;
        }
        if self.name.is_some() {
            let none = "none is recorded";
            let names = self.scenarios.join(", ");
            writeln!(f, "\nScenarios that apply it: {}", if names.is_empty() { none } else { &names })?;
        }
        self.source.iter().try_for_each(|part| write!(f, "\n{part}"))?;
        for Variant { function, meaning, .. } in &self.variants {
            write!(f, "\nThe rule computes {function}() as this source has it: {meaning}.\n")?;
        }
        Ok(())
    }
}

/// Numbered lines below the place that has them.
impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let function = self.function.map(|name| format!(" {name}()")).unwrap_or_default();
        let Some(first) = self.first_line else { return writeln!(f, "{}{function}", self.file) };
        let last = first + self.lines.len() + self.omitted - 1;
        writeln!(f, "{}:{first}-{last}{function}", self.file)?;
        for (number, line) in (first..).zip(&self.lines) {
            writeln!(f, "{:>6}  {line}", number)?;
        }
        match self.omitted {
            0 => Ok(()),
            more => writeln!(f, "        ... {more} more lines"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::RunEnd;
    use crate::judge;

    fn page(id: &str, source: &str) -> Page {
        explain(&judge::origin(id).unwrap(), |path| (path == "mm/damon/core.c").then(|| source.to_owned()))
    }

    #[test]
    fn the_page_of_a_rule_has_all_that_is_known_and_the_function_with_its_lines() {
        let page = page("G5", "\n\nint damos_calc_eligible_bytes(void)\n{\n\treturn 1;\n}\n");
        let text = page.to_string();
        let about = judge::rule("G5").unwrap();
        assert!(text.starts_with("goal-share-matches-pages (G5)\n"), "{text}");
        let kind = "Kind: windowed; it is about many events together";
        for part in [
            about.statement,
            kind,
            about.because,
            about.when,
            "harness/src/subject/damon/rules/goal_vs_pages.rs",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(text.contains("expected ") && text.contains("saw "), "{text}");
        assert!(
            text.contains("mm/damon/core.c:3-6 damos_calc_eligible_bytes()\n     3  int damos"),
            "{text}"
        );
        assert!(
            text.contains("mm/damon/core.c damos_get_node_eligible_mem_bp()\n"),
            "it is not there: {text}"
        );
    }

    #[test]
    fn the_page_of_the_oracle_says_which_variant_of_a_formula_the_source_has() {
        let function = |body: &str| {
            format!("unsigned long damon_feed_loop_next_input(unsigned long last_input)\n{{\n\t{body}\n}}\n")
        };
        let known = page("Q2", &function("compensation = mult_frac(last_input, score_goal_diff, goal);"));
        assert!(
            known.to_string().contains("as this source has it: the variant with mult_frac()."),
            "{known}"
        );
        let other = page("Q2", &function("return 1;")).to_string();
        assert!(other.contains("none of the variants that damonlab knows"), "{other}");
        assert!(!page("G5", &function("return 1;")).to_string().contains("as this source has it"));
    }

    #[test]
    fn a_source_cannot_flood_or_colour_the_page() {
        let body = format!("\t\u{1b}[31m{};\n", "x".repeat(10_000)).repeat(1000);
        let text = page("G5", &format!("int damos_calc_eligible_bytes(void)\n{{\n{body}}}\n")).to_string();
        assert!(text.contains("... 943 more lines") && !text.contains('\u{1b}'), "{text}");
        assert!(text.len() < 20_000, "{} bytes", text.len());
    }

    #[test]
    fn every_way_to_end_has_a_page_that_says_what_it_means() {
        for end in RunEnd::ALL {
            let text = explain(&Origin::RunEnd(end), |_| None).to_string();
            assert!(text.starts_with(&format!("{}\n\nThe ", end.id())), "{text}");
        }
    }

    #[test]
    fn every_rule_has_an_example() {
        let without = |about: &&crate::check::About| reference::example(about.id).is_none();
        let missing: Vec<_> = judge::rules().filter(without).map(|about| about.id).collect();
        assert_eq!(missing, [""; 0]);
    }
}
