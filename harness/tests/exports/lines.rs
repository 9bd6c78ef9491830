//! Lines of `trace-cmd report` and of a recorded trace, whatever the blanks in them: task, CPU, time, event and fields.

use damonlab::recording::Recording;

/// The parts of a line that both have.
pub type Parts = (String, String, String, String, String);

/// The lines of a recorded trace.
pub fn of_trace(recording: &Recording) -> Vec<Parts> {
    recording.trace.lines.iter().filter_map(|line| parts(&line.to_string())).collect()
}

/// The lines of `trace-cmd report`, without its head.
pub fn of_report(report: &str) -> Vec<Parts> {
    report.lines().filter_map(parts).collect()
}

/// `comm-pid [cpu] flags time: event: fields`.
fn parts(line: &str) -> Option<Parts> {
    let (task, rest) = line.split_once(" [")?;
    let (cpu, rest) = rest.split_once(']')?;
    let words = rest.split(' ');
    let time = words.into_iter().find(|word| {
        word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.') && word.ends_with(':')
    })?;
    let (_, rest) = rest.split_once(time)?;
    let (event, fields) = rest.trim_start().split_once(':')?;
    let plain = |text: &str| text.trim().to_owned();
    Some((plain(task), plain(cpu), plain(time.trim_end_matches(':')), plain(event), plain(fields)))
}

/// The first line that differs.
pub fn difference(ours: &[Parts], theirs: &[Parts]) -> Option<(String, String)> {
    let shown = |parts: Option<&Parts>| parts.map_or("nothing".to_owned(), |parts| format!("{parts:?}"));
    let differs = (0..ours.len().max(theirs.len())).find(|at| ours.get(*at) != theirs.get(*at))?;
    Some((shown(ours.get(differs)), shown(theirs.get(differs))))
}
