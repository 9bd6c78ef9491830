//! Which lines of source were executed: the lines of a series in the colour of what came of them, and a bar for each file.

use crate::host::text::quote;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// More lines, or files, than these are left out.
const LINES: usize = 4000;
const FILES: usize = 60;

/// Where DAMON's own files are.
const DAMON: &str = "mm/damon/";

/// A line as programs get it ([`crate::line_coverage::AddedLine`]).
#[derive(Deserialize)]
struct StoredLine {
    path: String,
    line: u32,
    text: String,
    reach: String,
    #[serde(default)]
    scenarios: Vec<String>,
}

#[derive(Deserialize)]
struct StoredFile {
    path: String,
    executed: u64,
    lines: u64,
}

/// What a page shows of it.
#[derive(Debug, Serialize)]
pub(super) struct Covered {
    /// The files that a series adds lines to.
    series: Vec<Source>,
    files: Vec<Bar>,
}

#[derive(Debug, Serialize)]
struct Source {
    path: String,
    lines: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    number: u32,
    text: String,
    /// executed, missed, no_code, not_counted.
    reach: &'static str,
    /// The scenarios that executed it.
    by: String,
    gap: bool,
}

#[derive(Debug, Serialize)]
struct Bar {
    path: String,
    executed: u64,
    lines: u64,
    percent: u64,
}

/// What was covered, if the command was about that.
pub(super) fn of(data: &Value) -> Option<Covered> {
    let files = data["files"].as_array()?;
    let stored = files.iter().filter_map(|file| StoredFile::deserialize(file).ok());
    let bars = stored.filter(|file| file.path.starts_with(DAMON) && file.lines > 0).take(FILES).map(|file| {
        let StoredFile { path, executed, lines } = file;
        Bar { path: quote(&path).to_string(), executed, lines, percent: executed.min(lines) * 100 / lines }
    });
    let lines = data["series"].as_array().into_iter().flatten();
    let lines: Vec<StoredLine> =
        lines.filter_map(|line| StoredLine::deserialize(line).ok()).take(LINES).collect();
    let source =
        |lines: &[StoredLine]| Source { path: quote(&lines[0].path).to_string(), lines: shown(lines) };
    let series = lines.chunk_by(|one, next| one.path == next.path).map(source).collect();
    Some(Covered { series, files: bars.collect() })
}

fn shown(lines: &[StoredLine]) -> Vec<Line> {
    let mut before = None;
    let line = |one: &StoredLine| {
        let gap = before.replace(one.line).is_some_and(|before: u32| before.saturating_add(1) < one.line);
        let reach = ["executed", "missed", "no_code"].into_iter().find(|known| *known == one.reach);
        // A tab is no character of a page.
        let text = quote(&one.text.replace('\t', "        ")).to_string();
        let by = quote(&one.scenarios.join(" ")).to_string();
        Line { number: one.line, text, reach: reach.unwrap_or("not_counted"), by, gap }
    };
    lines.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lines_of_a_series_have_what_came_of_them_and_files_their_share() {
        let line = |number: u32, reach: &str| json!({"path": "mm/damon/core.c", "line": number, "text": "\tx();", "function": null, "reach": reach, "scenarios": ["idle"]});
        let data = json!({
            "files": [{"path": "mm/damon/core.c", "executed": 3, "lines": 4}, {"path": "mm/slub.c", "executed": 1, "lines": 1}],
            "series": [line(7, "executed"), line(8, "missed"), line(20, "odd")],
        });
        let Covered { series, files } = of(&data).unwrap();
        assert_eq!(
            files.iter().map(|bar| (bar.path.as_str(), bar.percent)).collect::<Vec<_>>(),
            [("mm/damon/core.c", 75)]
        );
        let seen: Vec<_> = series[0].lines.iter().map(|line| (line.number, line.reach, line.gap)).collect();
        assert_eq!(seen, [(7, "executed", false), (8, "missed", false), (20, "not_counted", true)]);
        assert!(of(&json!(null)).is_none());
    }
}
