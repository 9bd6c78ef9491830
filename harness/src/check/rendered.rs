//! The text of events without a type against their records: each is printed again from its record, by the event's own
//! `print fmt`. An event of which that is not possible is named with the reason.

use crate::host::text::foreign;
use crate::recording::Line;
use crate::trace::EventSet;
use crate::trace::print_fmt::Steps;
use crate::trace::raw::{RawFormat, Record};
use std::collections::BTreeSet;

/// So many events are named of which the text is not compared.
const NAMED: usize = 40;

/// What differs: what it is, in the text, in the record.
pub(super) type Difference = (&'static str, String, String);

/// The comparison of one trace.
pub(super) struct Rendered {
    steps: Steps,
    /// The events whose text is not compared, by their number.
    skipped: BTreeSet<u16>,
    /// Each of them with the reason.
    pub(super) not_compared: Vec<String>,
}

impl Rendered {
    pub(super) fn new() -> Rendered {
        Rendered { steps: Steps::new(), skipped: BTreeSet::new(), not_compared: Vec::new() }
    }

    /// What differs between the text of an event and its record.
    pub(super) fn difference(&mut self, line: &Line, record: &Record<'_>) -> Option<Difference> {
        let format = record.format.filter(|format| !self.skipped.contains(&format.id))?;
        let text = line.event.untyped()?;
        match format.print_fmt.reason().map_or_else(|| record.text(&mut self.steps), Err) {
            Ok(printed) if printed == text => None,
            Ok(printed) => Some(("text", text.to_owned(), printed)),
            Err(why) => {
                self.skip(format, &why);
                None
            }
        }
    }

    fn skip(&mut self, format: &RawFormat, why: &str) {
        self.skipped.insert(format.id);
        if self.skipped.len() <= NAMED {
            let note = format!("the text of {} is not compared: {}", foreign(&format.name), foreign(why));
            self.not_compared.push(note);
        } else if self.skipped.len() == NAMED + 1 {
            self.not_compared.push("the text of more events is not compared".to_owned());
        }
    }
}

/// A `print fmt` that shows one field under the name of another, which it does not show under its own: that name, and
/// the field.
pub(super) fn mislabelled(format: &RawFormat) -> Option<(&str, &str)> {
    let shown = || {
        let all = format.print_fmt.shown();
        all.filter_map(|shown| Some((shown.label?, format.fields.get(shown.field)?.name.as_str())))
    };
    let is_field = |label: &str| format.fields.iter().any(|field| field.name == label);
    let has_its_own = |label: &str| shown().any(|one| one == (label, label));
    shown().find(|(label, _)| is_field(label) && !has_its_own(label))
}

#[cfg(test)]
mod tests {
    use crate::judge::judge;
    use crate::subject::damon::testing::{edit, found, rewrite, stored};

    #[test]
    fn the_text_of_an_event_without_a_type_is_compared_with_its_record() {
        for (event, from, to) in [
            ("mm_migrate_pages", "mode=MIGRATE_SYNC", "mode=MIGRATE_ASYNC"),
            ("softirq_raise", "[action=", "[action=X"),
            ("sys_enter", "NR ", "NR 1"),
        ] {
            let mut recording = stored("foreign");
            assert_eq!(found(&recording, "P1"), [], "{event}");
            rewrite(&mut recording, |lines| {
                edit(lines, event, 0, |line| {
                    assert!(line.contains(from), "{line}");
                    line.replacen(from, to, 1)
                });
            });
            let finding = found(&recording, "P1").remove(0);
            assert!(finding.expected.starts_with("text ") && finding.seen.contains(to), "{finding}");
        }
    }

    #[test]
    fn an_event_whose_text_cannot_be_computed_is_named_with_the_reason() {
        let mut recording = stored("foreign");
        let print = b"[action=%s]";
        let at = recording.raw.windows(print.len()).position(|bytes| bytes == print).unwrap();
        recording.raw[at..at + print.len()].copy_from_slice(b"[action=%p]");
        let notes = judge(&recording).notes;
        let wanted = "text-matches-record: the text of softirq_entry is not compared: %p prints what only the running \
                      kernel knows";
        assert!(notes.iter().any(|note| note == wanted), "{notes:?}");
        assert!(judge(&stored("foreign")).notes.is_empty());
    }
}
