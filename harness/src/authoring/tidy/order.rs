//! The order of the keys at the top: that of the shape which the reader has, so that one finds them in every file.

use crate::scenario;

/// A key at the top, with the comments above it.
struct Section<'a> {
    /// Which it was in the file.
    number: usize,
    key: &'a str,
    lines: Vec<&'a str>,
}

/// The text with its top keys in order. One with a key that no scenario has stays as it is.
pub(super) fn sections(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let known = scenario::top_keys();
    let Some((head, sections, tail)) = split(&lines) else { return text.to_owned() };
    let place = |section: &Section<'_>| known.iter().position(|key| *key == section.key);
    if sections.iter().any(|section| place(section).is_none()) {
        return text.to_owned();
    }
    let is_sorted = sections.is_sorted_by_key(place);
    if is_sorted {
        return text.to_owned();
    }
    let mut sections = sections;
    sections.sort_by_key(place);
    // What comes below a longer section from elsewhere stands apart from it.
    for after in 1..sections.len() {
        let (before, section) = (&sections[after - 1], &sections[after]);
        let moved = section.number != before.number + 1;
        if moved && before.lines.len() > 1 && section.lines.first().is_some_and(|line| !line.is_empty()) {
            sections[after].lines.insert(0, "");
        }
    }
    let body = sections.iter().flat_map(|section| section.lines.iter().copied());
    let all = head.iter().copied().chain(body).chain(tail.iter().copied());
    all.map(|line| format!("{line}\n")).collect()
}

/// The comment at the beginning, the sections, and the comment at the end.
fn split<'a>(lines: &'a [&'a str]) -> Option<(&'a [&'a str], Vec<Section<'a>>, &'a [&'a str])> {
    let is_note = |line: &str| line.is_empty() || line.starts_with('#');
    let first = lines.iter().position(|line| !is_note(line))?;
    let last = lines.iter().rposition(|line| !is_note(line))?;
    let mut sections: Vec<Section<'_>> = Vec::new();
    let mut notes = Vec::new();
    for line in &lines[first..=last] {
        if is_note(line) {
            notes.push(*line);
        } else if line.starts_with(' ') {
            let section = sections.last_mut()?;
            section.lines.append(&mut notes);
            section.lines.push(line);
        } else {
            let key = line.split(':').next()?;
            let lines = notes.drain(..).chain([*line]).collect();
            sections.push(Section { number: sections.len(), key, lines });
        }
    }
    Some((&lines[..first], sections, &lines[last + 1..]))
}
