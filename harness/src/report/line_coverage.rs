//! Which lines were executed, for people and programs.
//!
//! For programs the summary has the `kernel`, the `runs`, the `series` (every line that it adds; null without patches), the
//! `files` and the `functions`.

use super::event::data;
use crate::line_coverage::{AddedLine, CountedRuns, FileTotal, FunctionTotal, Reach, files, functions};
use crate::subject;
use serde_json::{Value, json};

/// Where DAMON's own files are.
const DAMON: &str = "mm/damon/";

/// How many scenarios are named on a line.
const NAMED: usize = 6;

/// What the series comes to, then DAMON and its files.
pub fn line_coverage(runs: &CountedRuns, by_scenario: bool) -> Vec<String> {
    let mut lines = series(runs, by_scenario);
    let files = files(&runs.counts);
    let damon: Vec<&FileTotal> = files.iter().filter(|file| file.path.starts_with(DAMON)).collect();
    let sum = |count: fn(&FileTotal) -> usize| damon.iter().map(|file| count(file)).sum::<usize>();
    let (executed, all) = (sum(|file| file.executed), sum(|file| file.lines));
    let percent = percent(executed, all);
    lines.push(format!(
        "mm/damon: {executed} of {all} lines with code executed ({percent}); runs: {}",
        runs.runs.len()
    ));
    let width = files.iter().map(|file| file.path.len()).max().unwrap_or_default();
    for FileTotal { path, executed, lines: all } in &files {
        lines.push(format!("  {path:<width$}  {}", share(*executed, *all)));
    }
    lines
}

fn series(runs: &CountedRuns, by_scenario: bool) -> Vec<String> {
    let Some(series) = runs.series() else { return Vec::new() };
    let (executed, all) = series.executed_of();
    let (without, uncounted) = (series.with(Reach::NoCode).count(), series.with(Reach::NotCounted).count());
    let mut lines = vec![format!(
        "series: {executed} of {all} added lines with code executed ({}); added lines without code of their own: {without}, \
         in files that do not count: {uncounted}",
        percent(executed, all)
    )];
    lines.extend(series.with(Reach::Missed).map(missed));
    if by_scenario {
        lines.extend(series.with(Reach::Executed).map(|line| {
            format!("  {}  executed by {}", place(line), named(line.scenarios.iter().map(String::as_str)))
        }));
    }
    lines
}

/// A line of the series that was not executed, on as many lines as there is to say of it.
fn missed(line: &AddedLine) -> String {
    let function = line.function.as_deref();
    let mut text = format!(
        "  {}  not executed{}: {}",
        place(line),
        function.map(|name| format!(", in {name}()")).unwrap_or_default(),
        line.text
    );
    if let Some(key) = subject::scenario_key(&line.path, function.unwrap_or_default(), &line.text) {
        text.push_str(&format!("\nscenario: {key}"));
    }
    text
}

fn place(line: &AddedLine) -> String {
    format!("{}:{}", line.path, line.line)
}

/// The functions of `mm/damon`: those with a line that was not executed or, `by_scenario`, all of them with their scenarios.
pub fn line_coverage_notes(runs: &CountedRuns, by_scenario: bool) -> Vec<String> {
    let all = functions(&runs.counts);
    let shown = all.iter().filter(|one| one.path.starts_with(DAMON) && one.lines > 0);
    let shown: Vec<&FunctionTotal> = shown.filter(|one| by_scenario || !one.missed.is_empty()).collect();
    if shown.is_empty() {
        return Vec::new();
    }
    let what = if by_scenario {
        "functions of mm/damon"
    } else {
        "functions of mm/damon with lines that were not executed"
    };
    let mut lines = vec![format!("{what}:")];
    let name = |one: &FunctionTotal| format!("{}:{}  {}", one.path, one.line, one.name);
    let width = shown.iter().map(|one| name(one).len()).max().unwrap_or_default();
    for one in shown {
        let mut line = format!("  {:<width$}  {}", name(one), share(one.executed, one.lines));
        if !one.missed.is_empty() {
            line.push_str(&format!("  not {}", ranges(&one.missed)));
        }
        if by_scenario {
            line.push_str(&format!("\nby {}", named(one.scenarios.iter().map(String::as_str))));
        }
        lines.push(line);
    }
    lines
}

/// Everything, for programs.
pub fn line_coverage_data(runs: &CountedRuns) -> Value {
    json!({
        "kernel": runs.kernel,
        "kernel_key": runs.kernel_key,
        "runs": data(&runs.runs),
        "series": runs.series().map(|series| data(&series.lines)),
        "files": data(&files(&runs.counts)),
        "functions": data(&functions(&runs.counts)),
    })
}

/// `12-14, 20`.
fn ranges(lines: &[u32]) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for &line in lines {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(line) => *last = line,
            _ => ranges.push((line, line)),
        }
    }
    let one = |(first, last): &(u32, u32)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    ranges.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The first few names, and how many more there are.
fn named<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    match names.len().checked_sub(NAMED) {
        _ if names.is_empty() => "none".to_owned(),
        Some(more @ 1..) => format!("{} and {more} more", names[..NAMED].join(", ")),
        _ => names.join(", "),
    }
}

fn share(executed: usize, all: usize) -> String {
    format!("{executed} of {all} ({})", percent(executed, all))
}

/// Rounded down: a line that is missing never shows as 100 %.
fn percent(executed: usize, all: usize) -> String {
    let thousandths = (executed * 1000).checked_div(all).unwrap_or_default();
    format!("{}.{} %", thousandths / 10, thousandths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::names::Key;
    use crate::line_coverage::{Added, CountedRun, read_gcov};
    use std::collections::BTreeMap;

    /// Two scenarios on a small program of gcc 12, of which a series adds some lines.
    fn runs() -> CountedRuns {
        let lines = [(5, "return 0;"), (6, "return x / 2;"), (7, "}"), (13, "return x;")];
        let lines = lines.map(|(number, text)| (number, text.to_owned()));
        let added = Added::from([
            ("mm/damon/small.c".to_owned(), BTreeMap::from(lines)),
            ("Documentation/x.rst".to_owned(), BTreeMap::from([(1, "text".to_owned())])),
        ]);
        let mut runs = CountedRuns::on("linux 7.3", &Key::new("k").unwrap(), Some(added));
        let stored = include_bytes!("../line_coverage/testdata/gcov-12.json");
        for scenario in ["idle", "memcg"] {
            let counts = read_gcov(stored, scenario, |path| Some(format!("mm/damon/{path}"))).unwrap();
            runs.add(CountedRun { scenario: scenario.into(), seed: 0 }, &counts);
        }
        runs
    }

    #[test]
    fn the_series_comes_first_and_each_line_that_was_not_executed_is_named() {
        insta::assert_snapshot!(line_coverage(&runs(), false).join("\n"));
    }

    #[test]
    fn by_scenario_names_who_executed_a_line_and_a_function() {
        let (runs, lines) = (runs(), |lines: Vec<String>| lines.join("\n"));
        insta::assert_snapshot!(format!(
            "{}\n{}",
            lines(line_coverage(&runs, true)),
            lines(line_coverage_notes(&runs, true))
        ));
    }

    #[test]
    fn only_functions_with_a_line_that_was_not_executed_are_listed_otherwise() {
        let notes = line_coverage_notes(&runs(), false);
        assert_eq!(notes.len(), 3, "{notes:?}");
        assert_eq!(notes[1], "  mm/damon/small.c:2  half     3 of 4 (75.0 %)  not 5");
    }

    #[test]
    fn programs_get_every_line_of_the_series() {
        let data = line_coverage_data(&runs());
        assert_eq!(data["series"].as_array().unwrap().len(), 5);
        assert_eq!(data["functions"][0]["missed"], json!([5]));
        assert_eq!(data["runs"][1]["scenario"], "memcg");
    }

    #[test]
    fn a_share_is_rounded_down_and_neighbours_are_a_range() {
        assert_eq!(percent(999, 1000), "99.9 %");
        assert_eq!(percent(9_999, 10_000), "99.9 %");
        assert_eq!(percent(0, 0), "0.0 %");
        assert_eq!(ranges(&[1, 2, 3, 7, 9, 10]), "1-3, 7, 9-10");
        assert_eq!(
            named(["a", "b", "c", "d", "e", "f", "g", "h"].into_iter()),
            "a, b, c, d, e, f and 2 more"
        );
    }
}
