//! The text of an event against its raw record (P1).
//!
//! Both come from one `TP_fast_assign`, so P1 finds errors in a `TP_printk`: a field under another field's key, a wrong
//! width or sign. Arguments that are swapped earlier (in `TP_ARGS`, or by the caller) are the same in both; only rules
//! with another source find those (A1, A3, S2, M1).

use super::rendered::{Difference, Rendered, mislabelled};
use crate::check::finding::Violation;
use crate::check::rule::{About, Kind, RecordingRule, Rule, RuleResult, Source};
use crate::check::violations::Violations;
use crate::recording::{Event, Line, Recording};
use crate::trace::raw::{RawFormat, RawTrace, Record};
use damonlab_protocol::record::RAW_LIMIT;

pub(crate) static TEXT_MATCHES_RECORD: RecordingRule = Rule {
    about: About {
        id: "P1",
        name: "text-matches-record",
        kind: Kind::Exact,
        statement: "The text of every event equals its record in the ring buffer: event, CPU, pid, time, fields.",
        because: "The kernel renders the text from the record when it is read, by the event's print format alone.",
        source: &[Source::File("include/trace/events/damon.h"), Source::File("kernel/trace/trace_output.c")],
        file: file!(),
        when: "the recording has trace.raw and a trace without holes",
    },
    judge: text_matches_record,
};

fn text_matches_record(recording: &Recording) -> RuleResult {
    let (raw, trace) = (&recording.raw, &recording.trace);
    if raw.is_empty() {
        return RuleResult::NotApplicable("the recording has no raw record".to_owned());
    }
    if trace.unreadable_count > 0 || !trace.losses.is_empty() {
        return RuleResult::NotApplicable("the text has holes: event and record cannot be paired".to_owned());
    }
    let found = RawTrace::parse(raw).and_then(|raw| {
        let mut violations: Violations = raw.formats.values().flat_map(misprinted).collect();
        violations.append(compared(&trace.lines, &raw.records(trace.lines.len())?, raw.is_below(RAW_LIMIT)));
        Ok(violations)
    });
    RuleResult::Applied(found.unwrap_or_else(|error| {
        [Violation::new("a ring buffer's record", error.to_string())].into_iter().collect()
    }))
}

/// A `print fmt` with fields in the wrong places, whether such an event happened or not.
fn misprinted(format: &RawFormat) -> Option<Violation> {
    let Some(names) = Event::record_names(&format.name) else {
        let (label, field) = mislabelled(format)?;
        let expected = format!("{} to print {label} as {label}", format.name);
        return Some(Violation::new(expected, format!("{field} as {label}: {}", format.print)));
    };
    let known: Vec<&str> = names.iter().map(|(_, field)| *field).collect();
    if known.iter().any(|field| format.field(field).is_none()) {
        return None;
    }
    let (_, arguments) = format.print.split_once("\", ")?;
    let identifiers = arguments.split(|c: char| c != '_' && !c.is_ascii_alphanumeric());
    let mut printed: Vec<&str> = identifiers.filter(|word| known.contains(word)).collect();
    // The macro for an array names it twice: for its bytes and for their number.
    printed.dedup();
    (printed != known).then(|| {
        let expected = format!("{} to print {}", format.name, known.join(", "));
        Violation::new(expected, format!("{}: {}", printed.join(", "), format.print))
    })
}

/// Compares line by line; `complete` says that no record is missing at the end.
fn compared(lines: &[Line], records: &[Record<'_>], complete: bool) -> Violations {
    let mut violations = Violations::default();
    let mut rendered = Rendered::new();
    if (complete && lines.len() != records.len()) || records.len() > lines.len() {
        let expected = format!("a record for each of {} lines", lines.len());
        // No more are read than show that there are too many.
        let least = if records.len() > lines.len() { "at least " } else { "" };
        violations.push(|| Violation::new(expected, format!("{least}{} records", records.len())));
        return violations;
    }
    for (line, record) in lines.iter().zip(records) {
        let mut all = differences(line, record);
        if all.is_empty() {
            all.extend(rendered.difference(line, record));
        }
        for (what, text, raw) in all {
            violations.push(|| {
                let expected = format!("{what} {raw}, as in the ring buffer's record");
                Violation::new(expected, format!("{what} {text} in the text")).at([line])
            });
        }
    }
    rendered.not_compared.into_iter().for_each(|note| violations.note(note));
    violations
}

fn differences(line: &Line, record: &Record<'_>) -> Vec<Difference> {
    let Some(format) = record.format else {
        // The recording has the formats of the plan's events only, and damonlab does not interpret other text.
        let difference = ("event", line.name().to_owned(), "none of the plan".to_owned());
        return if line.event.is_damons() { vec![difference] } else { Vec::new() };
    };
    let micros = line.time.micros();
    let mut all = Vec::new();
    let mut compare = |what, text: String, raw: String| {
        if text != raw {
            all.push((what, text, raw));
        }
    };
    compare("event", line.name().to_owned(), format.name.clone());
    compare("microsecond", micros.to_string(), record.micros().to_string());
    compare("CPU", line.cpu.to_string(), record.cpu.to_string());
    if let Some(pid) = record.field("common_pid") {
        compare("pid", line.pid.to_string(), pid.to_string());
    }
    if format.name != line.name() {
        return all;
    }
    for (key, field) in Event::record_names(&format.name).unwrap_or_default() {
        // A kernel may have another name for a field: that is no difference between text and record.
        if let (Some(text), Some(raw)) = (line.field(key), record.field(field)) {
            compare(key, text.to_string(), raw.to_string());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::TEXT_MATCHES_RECORD;
    use crate::judge::judge;
    use crate::recording::Recording;
    use crate::subject::damon::events::{BeforeApply, Esz};
    use crate::subject::damon::testing::{Model, edit, found, rewrite, stored};

    /// Replaces text in the formats of the raw record by as much other text.
    fn reformat(recording: &mut Recording, from: &str, to: &str) {
        assert_eq!(from.len(), to.len());
        let at = recording.raw.windows(from.len()).position(|bytes| bytes == from.as_bytes()).unwrap();
        recording.raw[at..at + from.len()].copy_from_slice(to.as_bytes());
    }

    fn seen(recording: &Recording) -> Vec<String> {
        found(recording, "P1")
            .into_iter()
            .map(|finding| format!("{}; {}", finding.expected, finding.seen))
            .collect()
    }

    #[test]
    fn p1_passes_on_a_real_run_and_does_not_apply_without_a_raw_record() {
        let real = stored("truth");
        assert!(judge(&real).applied.iter().any(|invariant| invariant.id == "P1"));
        assert_eq!(seen(&real), [""; 0]);
        let judged = judge(&Model::pull_push().recording());
        assert!(
            judged
                .skipped
                .contains(&(&TEXT_MATCHES_RECORD.about, "the recording has no raw record".to_owned()))
        );
    }

    #[test]
    fn p1_sees_two_fields_that_the_text_swaps() {
        let mut recording = stored("truth");
        rewrite(&mut recording, |lines| {
            edit(lines, BeforeApply::NAME, 3, |line| {
                let (head, age) = line.rsplit_once(' ').unwrap();
                let (head, accesses) = head.rsplit_once(' ').unwrap();
                assert_ne!(accesses, age);
                format!("{head} {age} {accesses}")
            });
        });
        let seen = seen(&recording);
        assert_eq!(seen.len(), 2, "{seen:?}");
        assert!(seen[0].starts_with("nr_accesses ") && seen[1].starts_with("age "), "{seen:?}");
    }

    #[test]
    fn p1_sees_a_print_format_that_swaps_them_although_no_such_event_happened() {
        let mut recording = stored("truth");
        reformat(&mut recording, "REC->scheme_idx, REC->esz", "REC->esz, REC->scheme_idx");
        assert!(
            seen(&recording)[0]
                .starts_with("damos_esz to print context_idx, scheme_idx, esz; context_idx, esz")
        );
    }

    #[test]
    fn p1_accepts_another_name_of_a_field() {
        let mut recording = stored("truth");
        for from in ["unsigned long esz;", "REC->esz"] {
            reformat(&mut recording, from, &from.replace("esz", "esq"));
        }
        assert_eq!(seen(&recording), [""; 0]);
    }

    #[test]
    fn p1_sees_another_task_another_moment_and_a_line_too_many() {
        let line = |change: fn(&str) -> String| {
            let mut recording = stored("truth");
            rewrite(&mut recording, |lines| edit(lines, Esz::NAME, 0, change));
            seen(&recording)
        };
        let pid = line(|line| line.replacen("kdamond.0-39 ", "kdamond.0-38 ", 1));
        assert!(pid[0].starts_with("pid 39, as"), "{pid:?}");
        let later = line(|line| {
            let at = line.find(": damos").unwrap() - 1;
            let digit = if line[at..].starts_with('9') { "8" } else { "9" };
            format!("{}{digit}{}", &line[..at], &line[at + 1..])
        });
        assert!(later[0].starts_with("microsecond "), "{later:?}");
        let mut recording = stored("truth");
        rewrite(&mut recording, |lines| drop(lines.pop()));
        assert!(seen(&recording)[0].starts_with("a record for each of "));
    }

    #[test]
    fn p1_names_the_place_where_a_raw_record_is_broken() {
        let mut recording = stored("truth");
        recording.raw.truncate(recording.raw.len() - 100);
        assert!(seen(&recording)[0].contains("per_cpu/cpu0/trace_pipe_raw has "), "{:?}", seen(&recording));
    }
}
