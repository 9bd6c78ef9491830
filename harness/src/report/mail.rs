//! Plain text of 72 columns that a person pastes into a cover letter or a reply: what was run on what, how the goals
//! converged, what is wrong, and what was not covered.

use super::convergence::{self, Goal};
use super::document::{ENDED_EARLY, End, Suite, Whole, full_name};
use super::event::{Item, ItemResult};
use crate::host::text::quote;
use serde_json::Value;
use std::collections::BTreeMap;

/// What mails about the kernel are wrapped to.
const COLUMNS: usize = 72;

/// So many findings are shown, each with so many lines.
const FINDINGS: usize = 8;
const LINES: usize = 4;

/// So many reasons for rules that do not apply are listed.
const REASONS: usize = 12;

/// The mail.
pub(super) fn render(whole: &Whole) -> String {
    let mut mail = Mail::default();
    mail.head(whole);
    mail.scenarios(whole);
    mail.convergence(whole);
    mail.findings(whole);
    mail.not_covered(whole);
    mail.0
}

#[derive(Default)]
struct Mail(String);

impl Mail {
    /// A paragraph, the lines after the first one indented by `hang` more.
    fn fill(&mut self, text: &str, indent: usize, hang: usize) {
        let (first, rest) = (" ".repeat(indent), " ".repeat(indent + hang));
        let options = textwrap::Options::new(COLUMNS).initial_indent(&first).subsequent_indent(&rest);
        for line in textwrap::wrap(&quote(text).to_string(), options) {
            self.0.push_str(line.trim_end());
            self.0.push('\n');
        }
    }

    fn heading(&mut self, text: &str) {
        self.0.push_str(&format!("\n{text}\n{}\n", "-".repeat(text.len())));
    }

    fn head(&mut self, whole: &Whole) {
        let Whole { command, kernel, end, .. } = whole;
        match end {
            Some(End { counts, .. }) => self.fill(&format!("damonlab {command}: {counts}"), 0, 2),
            None => self.fill(&format!("damonlab {command}: {ENDED_EARLY}"), 0, 2),
        }
        self.0.push('\n');
        let of = |name: &str| all(whole, name);
        let kernels = if let Some(kernel) = kernel { vec![kernel.clone()] } else { of("kernel") };
        for (label, values) in
            [("Kernel:  ", kernels), ("QEMU:    ", of("qemu")), ("Machine: ", of("machine"))]
        {
            if !values.is_empty() {
                self.fill(&format!("{label}{}", values.join(", ")), 0, 9);
            }
        }
        for line in end.iter().flat_map(|end| &end.answer).flat_map(|text| text.lines()) {
            self.fill(line, 0, 2);
        }
    }

    fn scenarios(&mut self, whole: &Whole) {
        if whole.suites.is_empty() {
            return;
        }
        self.heading("Scenarios and seeds");
        for suite in &whole.suites {
            let word = suite.together.as_ref().map_or("", |item| item.status.word);
            let seeds: Vec<u64> = suite.cases.iter().filter_map(|case| case.seed).collect();
            let bad: Vec<u64> = suite
                .cases
                .iter()
                .filter(|case| case.status.outcome.is_bad())
                .filter_map(|case| case.seed)
                .collect();
            let of = match seeds.len() {
                0 => String::new(),
                1 => format!(", seed {}", ranges(&seeds)),
                _ => format!(", seeds {}", ranges(&seeds)),
            };
            let bad = if bad.is_empty() || seeds.len() < 2 {
                String::new()
            } else {
                format!("; bad: {}", ranges(&bad))
            };
            self.fill(&format!("{word:<6}{}{of}{bad}", quote(&suite.name)), 0, 8);
        }
    }

    fn convergence(&mut self, whole: &Whole) {
        let goals: Vec<(&Suite, Vec<Goal>)> =
            whole.suites.iter().map(|suite| (suite, convergence::goals(&suite.cases))).collect();
        if goals.iter().all(|(_, goals)| goals.is_empty()) {
            return;
        }
        self.heading("Convergence (basis points; the second half of the windows)");
        self.0.push_str("                                target   mean  swing    time\n");
        for (suite, goals) in goals.iter().filter(|(_, goals)| !goals.is_empty()) {
            let seeds = goals.iter().map(|goal| goal.seeds).max().unwrap_or_default();
            let means = if seeds > 1 { format!(", means over {seeds} seeds") } else { String::new() };
            self.fill(&format!("{}{means}", suite.name), 0, 2);
            for Goal { name, target, mean, swing, time, unreached, .. } in goals {
                let never = if *unreached == 0 { String::new() } else { format!(" ({unreached} never)") };
                let name = format!("  {name}");
                self.0.push_str(&format!(
                    "{name:<32}{target:>6} {mean:>6.0} {swing:>6.0} {time:>5.1} s{never}\n"
                ));
            }
        }
    }

    fn findings(&mut self, whole: &Whole) {
        let bad: Vec<(&Suite, &Item)> = whole.bad_cases().collect();
        if bad.is_empty() {
            return;
        }
        self.heading("Findings");
        for (suite, case) in bad.iter().take(FINDINGS) {
            self.fill(&format!("{}: {}", full_name(suite, case), case.headline.join(", ")), 0, 2);
            for finding in case.data["findings"].as_array().into_iter().flatten().take(2) {
                self.finding(finding);
            }
            let repeat = case.properties.iter().find(|(name, _)| *name == "repeat");
            if let Some((_, command)) = repeat {
                self.command(command);
            }
        }
        if bad.len() > FINDINGS {
            self.fill(&format!("{} more", bad.len() - FINDINGS), 0, 2);
        }
    }

    fn finding(&mut self, finding: &Value) {
        let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        self.fill(&format!("expected {}", text("expected")), 2, 2);
        self.fill(&format!("saw {}", text("seen").lines().collect::<Vec<_>>().join(" ")), 2, 2);
        for line in finding["evidence"].as_array().into_iter().flatten().take(LINES) {
            let (file, text) =
                (line["file"].as_str().unwrap_or_default(), line["text"].as_str().unwrap_or_default());
            self.fill(&format!("{file}:{}: {}", line["number"], text.trim()), 4, 2);
        }
    }

    /// A command that can be pasted: a line goes on behind a backslash.
    fn command(&mut self, command: &str) {
        let options = textwrap::Options::new(COLUMNS - 2).initial_indent("  $ ").subsequent_indent("      ");
        let options = options.break_words(false).word_splitter(textwrap::WordSplitter::NoHyphenation);
        let lines: Vec<String> =
            textwrap::wrap(&quote(command).to_string(), options).iter().map(ToString::to_string).collect();
        self.0.push_str(&lines.join(" \\\n"));
        self.0.push('\n');
    }

    fn not_covered(&mut self, whole: &Whole) {
        self.heading("Not covered");
        let clocks = all(whole, "clock");
        if clocks.iter().any(|clock| clock == "virtual") {
            self.fill("- The guests ran under QEMU on virtual time: nothing here is about the speed of a real machine.", 0, 2);
        }
        for case in whole.suites.iter().flat_map(|suite| &suite.cases) {
            if case.status.outcome == ItemResult::Skipped {
                self.fill(
                    &format!("- {} was skipped: {}", quote(&case.name), case.headline.join(", ")),
                    0,
                    2,
                );
            }
        }
        let reasons = never_applied(whole);
        for (reason, rules) in reasons.iter().take(REASONS) {
            self.fill(&format!("- {}: {reason}", rules.join(", ")), 0, 2);
        }
        if reasons.len() > REASONS {
            self.fill(&format!("- rules for {} more reasons", reasons.len() - REASONS), 0, 2);
        }
        for note in whole.end.iter().flat_map(|end| &end.notes) {
            self.fill(&format!("- {}", note.trim_start_matches("note: ")), 0, 2);
        }
    }
}

/// The values of a property, each once.
fn all(whole: &Whole, name: &str) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    let cases = whole.suites.iter().flat_map(|suite| &suite.cases);
    for (_, value) in cases.flat_map(|case| &case.properties).filter(|(of, _)| *of == name) {
        if !values.contains(value) {
            values.push(value.clone());
        }
    }
    values
}

/// The rules that applied to none of the runs, by the reason that the last run gave.
fn never_applied(whole: &Whole) -> BTreeMap<String, Vec<String>> {
    let cases = || whole.suites.iter().flat_map(|suite| &suite.cases);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let texts =
        |value: &Value| -> Vec<String> { value.as_array().into_iter().flatten().filter_map(text).collect() };
    let applied: Vec<String> = cases()
        .flat_map(|case| ["passed", "violated"].map(|key| texts(&case.data["rules"][key])).concat())
        .collect();
    let mut reasons: BTreeMap<String, String> = BTreeMap::new();
    for one in cases().flat_map(|case| case.data["rules"]["not_applicable"].as_array().into_iter().flatten())
    {
        for rule in texts(&one["rules"]).into_iter().filter(|rule| !applied.contains(rule)) {
            reasons.insert(rule, one["reason"].as_str().unwrap_or_default().to_owned());
        }
    }
    let mut rules: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (rule, reason) in reasons {
        rules.entry(reason).or_default().push(rule);
    }
    rules
}

/// `0-3 7`.
fn ranges(seeds: &[u64]) -> String {
    let mut sorted = seeds.to_vec();
    sorted.sort_unstable();
    let stretch = |seeds: &[u64]| match seeds {
        [one] => one.to_string(),
        [first, .., last] => format!("{first}-{last}"),
        [] => String::new(),
    };
    let stretches = sorted.chunk_by(|one, next| one.checked_add(1) == Some(*next));
    stretches.map(stretch).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FAIL, run, run_of, sweep};
    use super::super::{Format, RunView};
    use super::*;
    use crate::recording::Recording;
    use crate::recording::testing::stored;

    /// The mail about a stored recording.
    fn mail(name: &str) -> String {
        let scenario = Recording::load(&stored(name)).unwrap().scenario;
        let report = crate::judge::rejudge(&stored(name)).unwrap();
        run_of(
            Format::Mail,
            &[RunView { scenario: Some(&scenario), seed: Some(0), ..RunView::of(&report) }.item()],
        )
    }

    #[test]
    fn a_mail_has_the_convergence_of_each_goal_and_what_was_not_covered() {
        let text = mail("truth");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_mail_has_72_columns_and_no_tab() {
        let long = vec!["y ".repeat(500), "z".repeat(900)];
        let item = Item { headline: long, ..run(&"x".repeat(400), 7, FAIL) };
        for text in [mail("steady"), run_of(Format::Mail, &[item]), run_of(Format::Mail, &sweep())] {
            for line in text.lines() {
                assert!(line.chars().count() <= COLUMNS && !line.contains('\t'), "{line}");
            }
        }
    }

    #[test]
    fn seeds_in_a_row_are_a_range() {
        assert_eq!(ranges(&[7, 0, 1, 2, 9, 10]), "0-2 7 9-10");
    }
}
