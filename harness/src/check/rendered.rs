//! The text of events without a type against their records: each is printed again from its record, by the event's own
//! `print fmt`. What only the running kernel knows, as a hashed pointer, is left out, and the rest of the text is compared. An
//! event of which that is not possible is named with the reason.

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
    /// The events whose text is not compared, or not all of it, by their number.
    noted: BTreeSet<u16>,
    /// Those whose text is not compared at all.
    skipped: BTreeSet<u16>,
    /// Each of `noted` with the reason.
    pub(super) not_compared: Vec<String>,
}

impl Rendered {
    pub(super) fn new() -> Rendered {
        Rendered {
            steps: Steps::new(),
            noted: BTreeSet::new(),
            skipped: BTreeSet::new(),
            not_compared: Vec::new(),
        }
    }

    /// What differs between the text of an event and its record.
    pub(super) fn difference(&mut self, line: &Line, record: &Record<'_>) -> Option<Difference> {
        let format = record.format.filter(|format| !self.skipped.contains(&format.id))?;
        let text = line.event.untyped()?;
        let printed = match record.text(&mut self.steps) {
            Ok(printed) => printed,
            Err(why) => {
                self.skipped.insert(format.id);
                self.note(format, "the text", &why);
                return None;
            }
        };
        if let Some(why) = format.print_fmt.reason() {
            self.note(format, "a part of the text", &why);
        }
        (!printed.fits(text)).then(|| ("text", text.to_owned(), printed.to_string()))
    }

    /// Notes once for an event what is not compared of it.
    fn note(&mut self, format: &RawFormat, what: &str, why: &str) {
        if !self.noted.insert(format.id) {
            return;
        }
        if self.noted.len() <= NAMED {
            let note = format!("{what} of {} is not compared: {}", foreign(&format.name), foreign(why));
            self.not_compared.push(note);
        } else if self.noted.len() == NAMED + 1 {
            self.not_compared.push("the text of more events, or a part of it, is not compared".to_owned());
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
    fn of_an_event_with_a_pointer_the_rest_is_compared_and_the_gap_is_named_with_the_reason() {
        let mut recording = stored("foreign");
        let print = b"[action=%s]";
        let at = recording.raw.windows(print.len()).position(|bytes| bytes == print).unwrap();
        recording.raw[at..at + print.len()].copy_from_slice(b"[action=%p]");
        assert_eq!(found(&recording, "P1"), []);
        let mut wrong = stored("foreign");
        wrong.raw.clone_from(&recording.raw);
        rewrite(&mut wrong, |lines| {
            edit(lines, "softirq_entry", 0, |line| line.replacen("vec=", "vec=9", 1))
        });
        let finding = found(&wrong, "P1").remove(0);
        assert!(finding.expected.contains("[action=...]"), "{finding}");
        let notes = judge(&recording).notes;
        let wanted = "text-matches-record: a part of the text of softirq_entry is not compared: %p prints what only the running \
                      kernel knows";
        assert!(notes.iter().any(|note| note == wanted), "{notes:?}");
        assert!(judge(&stored("foreign")).notes.is_empty());
    }
}
