use super::*;
use crate::recording::testing;
use damonlab_protocol::record::section;
use fs_err as fs;

/// Two copies of a stored recording, the second one with `change` made to `file`.
fn changed(file: &str, change: impl Fn(String) -> String) -> (tempfile::TempDir, Option<Difference>) {
    let place = tempfile::tempdir().unwrap();
    ["a", "b"].iter().for_each(|side| testing::copy("pull-push-short", &place.path().join(side)));
    let target = place.path().join("b").join(file);
    let text = fs::read_to_string(&target).unwrap();
    fs::write(&target, change(text)).unwrap();
    let found = first_difference(&place.path().join("a"), &place.path().join("b")).unwrap();
    (place, found)
}

/// The sentence about a change, with the folders called A and B.
fn said(file: &str, change: impl Fn(String) -> String) -> String {
    let (place, found) = changed(file, change);
    let name = |side: &str| place.path().join(side).display().to_string();
    found.unwrap().to_string().replace(&name("a"), "A").replace(&name("b"), "B")
}

/// Replaces what is found first.
fn swap(from: &'static str, to: &'static str) -> impl Fn(String) -> String {
    move |text| {
        assert!(text.contains(from), "{from} is not there");
        text.replacen(from, to, 1)
    }
}

#[test]
fn equal_recordings_have_no_difference_and_an_extent() {
    let (place, found) = changed("trace.txt", |text| text);
    assert_eq!(found, None);
    let extent = extent(&place.path().join("a")).unwrap();
    assert_eq!((extent.trace_lines, extent.samples), (294, 8));
    assert!(extent.to_string().starts_with("294 trace lines, 8 samples, "), "{extent}");
}

#[test]
fn a_field_of_an_event_is_named_with_its_time_and_both_values() {
    let said = said("trace.txt", swap("scheme_idx=1 esz=1048576", "scheme_idx=1 esz=0"));
    let (place, values) = said.split_once(" s: ").unwrap();
    assert!(place.starts_with("trace.txt line "), "{said}");
    assert!(place.contains(": damos_esz at "), "{said}");
    assert_eq!(values, "esz is 1048576 in A and 0 in B");
}

#[test]
fn a_later_moment_is_named_before_the_event_itself() {
    let said = said("trace.txt", |text| {
        let at = text.find("damos_esz").unwrap() - 3;
        let digit = if &text[at..=at] == "1" { "2" } else { "1" };
        format!("{}{digit}{}", &text[..at], &text[at + 1..])
    });
    assert!(said.contains(": time is "), "{said}");
}

#[test]
fn another_event_in_the_same_place_shows_both_lines() {
    let said = said("trace.txt", swap("damos_esz: ctx_idx=0 scheme_idx=0 esz=0", "damos_other: x=1"));
    assert!(said.contains("damos_esz: ctx_idx=0 scheme_idx=0 esz=0\" in A and \""), "{said}");
    assert!(said.ends_with("damos_other: x=1\" in B"), "{said}");
}

#[test]
fn the_count_in_the_header_is_not_the_difference_but_what_it_counts() {
    let said = said("trace.txt", |text| {
        let text = text.replacen("entries-written: 294/294", "entries-written: 293/293", 1);
        let last = text.trim_end().rfind('\n').unwrap();
        text[..=last].to_owned()
    });
    assert!(said.starts_with("trace.txt line 306: "), "{said}");
    assert!(said.contains(": B ends there, and A goes on with \""), "{said}");
}

#[test]
fn a_file_cut_within_a_line_ends_there() {
    let said = said("trace.txt", |text| text[..text.len() - 7].to_owned());
    assert!(said.contains("B ends there, and A goes on with"), "{said}");
}

#[test]
fn a_header_that_is_the_only_difference_is_one() {
    let said = said("trace.txt", swap("#P:1", "#P:2"));
    assert!(said.starts_with("trace.txt line 3: \""), "{said}");
}

#[test]
fn a_counter_of_a_sample_is_named_by_its_path() {
    let said = said("samples.jsonl", swap("\"AnonPages\":331776", "\"AnonPages\":0"));
    assert_eq!(
        said,
        "samples.jsonl line 1: the sample at 3.567794 s: nodes.0.AnonPages is 331776 in A and 0 in B"
    );
}

#[test]
fn a_value_of_the_guests_report_is_named_by_its_path() {
    let said = said("guest.json", swap("\"errors\": []", "\"errors\": [\"no\"]"));
    assert_eq!(said, "guest.json line 3: errors.0 is null in A and \"no\" in B");
}

#[test]
fn of_two_files_the_one_that_differs_earlier_in_guest_time_is_named() {
    let (place, _) = changed("samples.jsonl", swap("\"time\":3567794559", "\"time\":3567794558"));
    let log = place.path().join("b/dmesg.txt");
    let text = fs::read_to_string(&log).unwrap();
    fs::write(&log, text.replacen("Linux version 7.3.4", "Linux version 7.3.5", 1)).unwrap();
    let found = first_difference(&place.path().join("a"), &place.path().join("b")).unwrap().unwrap();
    assert_eq!(found.file, section::DMESG);
}

#[test]
fn a_missing_file_comes_before_everything_and_none_on_either_side_is_an_error() {
    let (place, _) = changed("trace.txt", swap("esz=0", "esz=1"));
    let (a, b) = (place.path().join("a"), place.path().join("b"));
    fs::remove_file(b.join(section::FORMATS)).unwrap();
    let found = first_difference(&a, &b).unwrap().unwrap();
    assert_eq!((found.file, found.what), (section::FORMATS, What::Missing { from: Side::Second }));
    fs::remove_file(a.join(section::FORMATS)).unwrap();
    let error = first_difference(&a, &b).unwrap_err();
    assert!(error.to_string().ends_with("has a formats.txt"), "{error}");
}

#[test]
fn other_ingredients_are_said_with_the_difference_and_are_none_themselves() {
    let (place, found) = changed("plan.json", swap("\"seed\": 0", "\"seed\": 1"));
    assert_eq!(found, None, "a plan is no result");
    let trace = place.path().join("b/trace.txt");
    fs::write(&trace, "").unwrap();
    let found = first_difference(&place.path().join("a"), &place.path().join("b")).unwrap().unwrap();
    assert!(found.to_string().ends_with("they were not made of the same: plan.json differs too"), "{found}");
}

#[test]
fn what_a_guest_prints_cannot_reach_the_terminal_or_fill_it() {
    let said = said("dmesg.txt", |text| format!("\u{1b}[31m{}\n{text}", "x".repeat(100_000)));
    assert!(!said.contains('\u{1b}') && said.len() < 1_000, "{} bytes", said.len());
}

#[test]
fn another_machine_is_said_with_the_difference() {
    let (place, _) = changed("trace.txt", swap("scheme_idx=1 esz=1048576", "scheme_idx=1 esz=0"));
    fs::write(place.path().join("b/machine.yaml"), "another").unwrap();
    let found = first_difference(&place.path().join("a"), &place.path().join("b")).unwrap().unwrap();
    assert_eq!(found.ingredient, Some("machine.yaml"));
}
