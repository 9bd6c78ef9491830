//! The text of an event against its raw record: P1.
//!
//! Both come out of one `TP_fast_assign`, so what P1 shows is a wrong `TP_printk`: a field under another
//! field's key, a wrong width or sign. Arguments that are swapped before (in `TP_ARGS`, or by the caller) are
//! the same in both; only other truth shows those (A1, A3, S2, M1).

use crate::check::finding::Violation;
use crate::check::rule::{About, Kind, RecordingRule, Rule, RuleResult, Source};
use crate::check::violations::Violations;
use crate::recording::Recording;
use crate::trace::raw::{RawFormat, RawTrace, Record};
use crate::trace::{Event, Line};
use damonlab_protocol::record::RAW_LIMIT;

/// What the text of an event is: for each part that changes, in its order, what damonlab reads it as, and the
/// record's field of that meaning.
type Meaning = &'static [(&'static str, &'static str)];

const REGION: Meaning = &[
    ("target_id", "target_id"),
    ("nr_regions", "nr_regions"),
    ("start", "start"),
    ("end", "end"),
    ("nr_accesses", "nr_accesses"),
    ("age", "age"),
];

const MEANINGS: &[(&str, Meaning)] = &[
    (
        "damos_node_eligible_mem_bp",
        &[
            ("ctx_idx", "context_idx"),
            ("scheme_idx", "scheme_idx"),
            ("nid", "nid"),
            ("target_value", "target_value"),
            ("current_value", "current_value"),
        ],
    ),
    ("damos_esz", &[("ctx_idx", "context_idx"), ("scheme_idx", "scheme_idx"), ("esz", "esz")]),
    (
        "damos_before_apply",
        &[
            ("ctx_idx", "context_idx"),
            ("scheme_idx", "scheme_idx"),
            ("target_idx", "target_idx"),
            ("nr_regions", "nr_regions"),
            ("start", "start"),
            ("end", "end"),
            ("nr_accesses", "nr_accesses"),
            ("age", "age"),
        ],
    ),
    (
        "damos_stat_after_apply_interval",
        &[
            ("ctx_idx", "context_idx"),
            ("scheme_idx", "scheme_idx"),
            ("nr_tried", "nr_tried"),
            ("sz_tried", "sz_tried"),
            ("nr_applied", "nr_applied"),
            ("sz_applied", "sz_applied"),
            ("sz_ops_filter_passed", "sz_ops_filter_passed"),
            ("qt_exceeds", "qt_exceeds"),
            ("nr_snapshots", "nr_snapshots"),
        ],
    ),
    ("damon_monitor_intervals_tune", &[("sample_us", "sample_us")]),
    (
        "damon_region_aggregated",
        &[REGION[0], REGION[1], REGION[2], REGION[3], REGION[4], REGION[5], ("probe_hits", "probe_hits")],
    ),
    ("damon_aggregated", REGION),
    (
        "mm_migrate_pages",
        &[
            ("nr_succeeded", "succeeded"),
            ("nr_failed", "failed"),
            ("nr_thp_succeeded", "thp_succeeded"),
            ("nr_thp_failed", "thp_failed"),
            ("nr_thp_split", "thp_split"),
            ("nr_split", "large_folio_split"),
        ],
    ),
];

fn meaning(event: &str) -> Option<Meaning> {
    MEANINGS.iter().find(|(name, _)| *name == event).map(|(_, meaning)| *meaning)
}

pub(crate) static TEXT_MATCHES_RECORD: RecordingRule = Rule {
    about: About {
        id: "P1",
        name: "text-matches-record",
        kind: Kind::Exact,
        statement: "The text of every event says what the ring buffer's record of it says: event, CPU, pid, time, fields.",
        because: "The text is rendered from the record when it is read, by the event's print format alone.",
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
        let mut findings: Violations = raw.formats.values().flat_map(misprinted).collect();
        findings.append(compared(&trace.lines, &raw.records()?, raw.is_below(RAW_LIMIT)));
        Ok(findings)
    });
    RuleResult::Applied(found.unwrap_or_else(|error| {
        [Violation::new("a ring buffer's record", error.to_string())].into_iter().collect()
    }))
}

/// What stands in the wrong place of a `print fmt`, whether such an event happened or not.
fn misprinted(format: &RawFormat) -> Option<Violation> {
    let known: Vec<&str> = meaning(&format.name)?.iter().map(|(_, field)| *field).collect();
    if known.iter().any(|field| format.field(field).is_none()) {
        return None;
    }
    let (_, arguments) = format.print.split_once("\", ")?;
    let words = arguments.split(|c: char| c != '_' && !c.is_ascii_alphanumeric());
    let mut printed: Vec<&str> = words.filter(|word| known.contains(word)).collect();
    // An array is named for its bytes and for their number.
    printed.dedup();
    (printed != known).then(|| {
        let expected = format!("{} to print {}", format.name, known.join(", "));
        Violation::new(expected, format!("{}: {}", printed.join(", "), format.print))
    })
}

/// Line by line; `whole` says that no record is missing at the end.
fn compared(lines: &[Line], records: &[Record<'_>], whole: bool) -> Violations {
    let mut findings = Violations::default();
    if (whole && lines.len() != records.len()) || records.len() > lines.len() {
        let expected = format!("a record for each of {} lines", lines.len());
        findings.push(|| Violation::new(expected, format!("{} records", records.len())));
        return findings;
    }
    for (line, record) in lines.iter().zip(records) {
        for (what, text, raw) in differences(line, record) {
            findings.push(|| {
                let expected = format!("{what} {raw}, as in the ring buffer's record");
                Violation::new(expected, format!("{what} {text} in the text")).at([line])
            });
        }
    }
    findings
}

type Difference = (&'static str, String, String);

fn differences(line: &Line, record: &Record<'_>) -> Vec<Difference> {
    let Some(format) = record.format else {
        // Only the plan's events have their formats recorded; the rest has no text that we read.
        let ours = !matches!(line.event, Event::Other(_));
        return ours
            .then(|| ("event", line.event.name().to_owned(), "none of the plan".to_owned()))
            .into_iter()
            .collect();
    };
    let micros = line.time.micros();
    let mut all = Vec::new();
    let mut compare = |what, text: String, raw: String| {
        if text != raw {
            all.push((what, text, raw));
        }
    };
    compare("event", line.event.name().to_owned(), format.name.clone());
    compare("microsecond", micros.to_string(), record.micros().to_string());
    compare("CPU", line.cpu.to_string(), record.cpu.to_string());
    if let Some(pid) = record.field("common_pid") {
        compare("pid", line.pid.to_string(), pid.to_string());
    }
    if format.name != line.event.name() {
        return all;
    }
    for (key, field) in meaning(&format.name).unwrap_or_default() {
        // A kernel may call a field otherwise: that is no difference between text and record.
        if let (Some(text), Some(raw)) = (line.field(key), record.field(field)) {
            compare(key, text.to_string(), raw.to_string());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::{TEXT_MATCHES_RECORD, meaning};
    use crate::judge::judge;
    use crate::recording::Recording;
    use crate::subject::damon::testing::{Model, edit, found, rewrite, stored};
    use crate::trace::Event;

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
    fn p1_holds_on_a_real_run_and_is_not_asked_without_a_raw_record() {
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
    fn every_event_of_damon_has_a_meaning_for_all_that_its_text_says() {
        for (name, fields) in Event::FIELDS {
            let keys: Vec<&str> = meaning(name).unwrap().iter().map(|(key, _)| *key).collect();
            assert_eq!(keys, *fields, "{name}");
        }
    }

    #[test]
    fn p1_sees_two_fields_that_the_text_swaps() {
        let mut recording = stored("truth");
        rewrite(&mut recording, |lines| {
            edit(lines, "damos_before_apply", 3, |line| {
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
    fn p1_is_silent_about_a_field_that_a_kernel_calls_otherwise() {
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
            rewrite(&mut recording, |lines| edit(lines, "damos_esz", 0, change));
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
