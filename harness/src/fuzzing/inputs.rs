//! The targets that read one text: scenarios, series, diffs, traces, formats, KTAP, results and QEMU's replies.

use crate::ktap::Ktap;
use crate::machine::Machine;
use crate::recording::Trace;
use crate::scenario::{IntroducesFile, MachineFile, Scenario};
use crate::trace::print_fmt::Steps;
use crate::trace::raw::RawTrace;
use crate::{scenario, series, trace, vm};
use std::path::Path;

/// A scenario, and the same text as a machine's file and as one of words. An error can be shown; a scenario has a machine and a plan.
pub(super) fn yaml(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Scenario::parse("fuzz", &text) {
        Ok(scenario) => {
            if let Ok(machine) = Machine::of(&scenario) {
                let plan = machine.plan(&scenario, 1);
                assert!(serde_json::to_vec(&plan).is_ok(), "a plan that is no JSON");
            }
        }
        Err(error) => {
            let _ = error.place();
            drop(format!("{:?}", miette::Report::new(error)));
        }
    }
    let words = IntroducesFile::of("fuzz.yaml", text.clone().into_owned());
    if let Err(error) = MachineFile::of("fuzz", "fuzz.yaml", text.into_owned()).parse() {
        drop(format!("{:?}", miette::Report::new(error)));
    }
    if let Err(error) = words.check() {
        drop(format!("{:?}", miette::Report::new(error)));
    }
}

/// Mails. The diff of each patch of a series can be read again, and no path leaves the tree.
pub(super) fn mbox(bytes: &[u8]) {
    match series::of_text(Path::new("fuzz.mbox"), bytes) {
        Ok(series) => {
            for patch in &series.patches {
                let diff = patch.diff();
                assert!(diff.is_ok(), "a patch of a series whose diff is refused: {diff:?}");
                for path in diff.iter().flat_map(series::Diff::paths) {
                    assert!(stays_inside(&path), "{path:?} is outside of the tree");
                }
            }
        }
        Err(error) => drop(error.to_string()),
    }
}

fn stays_inside(path: &str) -> bool {
    !path.starts_with('/') && path.split('/').all(|part| !matches!(part, ".." | ".git"))
}

/// A diff, and after a line `====` the file that it changes. A diff is read again from its own text, the same.
pub(super) fn diff(bytes: &[u8]) {
    const BORDER: &[u8] = b"\n====\n";
    let border = bytes.windows(BORDER.len()).position(|window| window == BORDER);
    let (text, file) = border.map_or((bytes, &[][..]), |at| (&bytes[..=at], &bytes[at + BORDER.len()..]));
    let Ok(Some(diff)) = series::Diff::parse(text) else { return };
    let again = series::Diff::parse(&diff.bytes());
    let again = again.ok().flatten().map(|again| again.bytes());
    assert!(again.as_ref() == Some(&diff.bytes()), "a diff is another one when it is read from its own text");
    for changed in &diff.files {
        if let Err(misfit) = series::fit(file, &changed.hunks) {
            drop(misfit.to_string());
        }
    }
}

/// The text of a trace. Each line that is read prints as itself.
pub(super) fn trace(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let trace = Trace::parse(&text);
    let lines: Vec<&str> = text.lines().collect();
    for line in &trace.lines {
        let printed = line.to_string();
        assert_eq!(lines.get(line.number as usize - 1), Some(&printed.as_str()), "it prints otherwise");
    }
}

/// The ring buffer's own record. Each record has the fields of its format, or none.
pub(super) fn raw(bytes: &[u8]) {
    let mut steps = Steps::of(1_000_000);
    let mut show = |record: &trace::raw::Record<'_>| show(record, &mut steps);
    match RawTrace::parse(bytes)
        .and_then(|trace| trace.records(usize::MAX).map(|records| records.iter().for_each(&mut show)))
    {
        Ok(()) => {}
        Err(error) => drop(error.to_string()),
    }
}

fn show(record: &trace::raw::Record<'_>, steps: &mut Steps) {
    let _ = record.micros();
    drop(record.text(steps));
    for field in record.format.iter().flat_map(|format| &format.typed) {
        drop(record.value(field).map(|value| value.to_string()));
    }
    for field in record.format.iter().flat_map(|format| &format.fields) {
        drop(record.field(&field.name).map(|value| value.to_string()));
    }
}

/// `format` files.
pub(super) fn formats(bytes: &[u8]) {
    if let Err(error) = trace::formats(&String::from_utf8_lossy(bytes)) {
        drop(error.to_string());
    }
}

/// KTAP.
pub(super) fn ktap(bytes: &[u8]) {
    drop(Ktap::parse(&String::from_utf8_lossy(bytes)));
}

/// A source of DAMON's, as each of the files with its words. All of them are bounded, and have a kind.
pub(super) fn source(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let words = scenario::source_words(|_| Some(text.clone().into_owned()));
    assert!(words.len() <= 1_000 && words.iter().all(|word| word.len() <= 130 && word.contains('.')));
    assert!(scenario::unknown_words(&words).len() <= words.len());
}

/// A stream of results: as it is, and as one with the right sum at its end.
pub(super) fn results(bytes: &[u8]) {
    if let Err(error) = vm::fuzzing::results(bytes) {
        drop(error.to_string());
    }
    let (mut summed, total) = (bytes.to_vec(), bytes.len() as u64);
    let sum = blake3::hash(bytes);
    summed.extend(0u16.to_le_bytes());
    summed.extend(total.to_le_bytes());
    summed.extend(sum.as_bytes());
    if let Ok(sections) = vm::fuzzing::results(&summed) {
        let mut once = sections.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), sections.len(), "a section came twice");
    }
}

/// QEMU's replies.
pub(super) fn replies(bytes: &[u8]) {
    if let Err(error) = vm::fuzzing::replies(bytes) {
        drop(error.to_string());
    }
}
