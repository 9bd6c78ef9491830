//! Lines of a recording's files that show something, each among its neighbours.

use crate::host::text::quote;
use crate::recording::Recording;
use damonlab_protocol::record::section;
use serde::Serialize;
use std::collections::BTreeMap;

/// So many lines before and after a line are shown.
const AROUND: u32 = 3;

/// So many lines of one file are shown.
const MOST: usize = 80;

/// A line that shows something.
pub(super) struct Hit<'a> {
    pub(super) file: &'a str,
    /// From 1.
    pub(super) number: u32,
    pub(super) text: &'a str,
}

/// Lines of a file.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(super) struct Excerpt {
    file: String,
    lines: Vec<Line>,
}

#[derive(Debug, Serialize, PartialEq, Eq)]
struct Line {
    number: u32,
    text: String,
    /// Whether it is what shows something, or a neighbour.
    hit: bool,
    /// Whether lines before it are left out.
    gap: bool,
}

/// The lines with their neighbours, by file. Without a recording they stand alone.
pub(super) fn around(hits: &[Hit<'_>], recording: Option<&Recording>) -> Vec<Excerpt> {
    let mut files: BTreeMap<&str, BTreeMap<u32, (String, bool)>> = BTreeMap::new();
    for hit in hits {
        let lines = files.entry(hit.file).or_default();
        for (number, text) in recording.map(|one| neighbours(one, hit)).unwrap_or_default() {
            lines.entry(number).or_insert((text, false));
        }
        // The line as the file has it: in a finding it is without the blanks around it.
        let text = || (quote(hit.text).to_string(), true);
        lines.entry(hit.number).and_modify(|(_, hit)| *hit = true).or_insert_with(text);
    }
    let excerpt = |(file, lines): (&str, BTreeMap<u32, (String, bool)>)| {
        let mut before = None;
        let blanks = lines.values().map(|(text, _)| text.len() - text.trim_start_matches(' ').len()).min();
        let lines = lines.into_iter().take(MOST).map(|(number, (text, hit))| {
            let gap = before.replace(number).is_some_and(|before| before + 1 < number);
            Line { number, text: text[blanks.unwrap_or(0)..].to_owned(), hit, gap }
        });
        Excerpt { file: quote(file).to_string(), lines: lines.collect() }
    };
    files.into_iter().map(excerpt).collect()
}

/// The lines around one, with their numbers.
fn neighbours(recording: &Recording, hit: &Hit<'_>) -> Vec<(u32, String)> {
    let numbers = hit.number.saturating_sub(AROUND).max(1)..=hit.number.saturating_add(AROUND);
    let of_text = |text: &str| {
        let skipped = numbers.start().saturating_sub(1) as usize;
        let lines = (*numbers.start()..).zip(text.lines().skip(skipped));
        lines.take_while(|(number, _)| numbers.contains(number)).map(shown).collect()
    };
    match hit.file {
        section::TRACE => {
            let lines = &recording.trace.lines;
            let first = lines.partition_point(|line| line.number < *numbers.start());
            let lines = lines[first..].iter().take_while(|line| numbers.contains(&line.number));
            lines.map(|line| shown((line.number, &line.to_string()))).collect()
        }
        section::DMESG => of_text(&recording.dmesg),
        section::TESTS => of_text(&recording.tests),
        section::SYSFS => of_text(&recording.sysfs),
        _ => Vec::new(),
    }
}

fn shown((number, text): (u32, &str)) -> (u32, String) {
    (number, quote(text).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::testing::stored;

    #[test]
    fn a_line_stands_among_its_neighbours_and_lines_left_out_are_marked() {
        let recording = Recording::load(&stored("steady")).unwrap();
        let text = recording.trace.lines[100].to_string();
        let (first, far) = (recording.trace.lines[100].number, recording.trace.lines[300].number);
        let hit = |number, text| Hit { file: section::TRACE, number, text };
        let excerpts = around(&[hit(first, &text), hit(far, "x")], Some(&recording));
        let [Excerpt { lines, .. }] = excerpts.as_slice() else { panic!("{excerpts:?}") };
        assert_eq!(
            lines.iter().map(|line| line.number).collect::<Vec<_>>()[..7],
            [first - 3, first - 2, first - 1, first, first + 1, first + 2, first + 3]
        );
        assert_eq!(
            lines.iter().filter(|line| line.hit).map(|line| line.number).collect::<Vec<_>>(),
            [first, far]
        );
        assert_eq!(
            lines.iter().filter(|line| line.gap).map(|line| line.number).collect::<Vec<_>>(),
            [far - 3]
        );
        assert_eq!(lines[3].text, text.trim(), "without the blanks that all lines begin with");
    }

    #[test]
    fn without_a_recording_and_beyond_the_end_of_a_file_the_line_stands_alone() {
        let recording = Recording::load(&stored("steady")).unwrap();
        let hit = [Hit { file: section::DMESG, number: u32::MAX, text: "<b>" }];
        for recording in [None, Some(&recording)] {
            let excerpts = around(&hit, recording);
            assert_eq!(
                excerpts[0].lines,
                [Line { number: u32::MAX, text: "<b>".into(), hit: true, gap: false }]
            );
        }
    }
}
