//! The command as a shell sees it: what it prints, and its exit status. Nothing here boots anything.

#[path = "common/failing_recording.rs"]
mod failing_recording;

use damonlab::host::command::{Limits, Output, answer, capture, command_for};
use damonlab::host::process::Group;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};

fn damonlab(arguments: &[&str]) -> Command {
    let mut damonlab = command_for(env!("CARGO_BIN_EXE_damonlab"));
    // Not the cache of whoever runs the tests.
    damonlab.args(arguments).env_remove("NO_COLOR").env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    damonlab
}

fn run(arguments: &[&str]) -> Output {
    capture(&mut damonlab(arguments), Limits::LOCAL).expect("damonlab starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The exit status and the standard error of a command whose output is read by `read`, which then closes the pipe.
fn read_by(arguments: &[&str], read: impl FnOnce(ChildStdout)) -> (Option<i32>, String) {
    let mut command = damonlab(arguments);
    let mut group =
        Group::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped())).expect("damonlab starts");
    read(group.leader().stdout.take().expect("a pipe"));
    let status = group.wait().expect("damonlab ends");
    let mut stderr = String::new();
    let pipe = group.leader().stderr.as_mut().expect("a pipe");
    pipe.read_to_string(&mut stderr).expect("text");
    (status.code(), stderr)
}

fn recording(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    folder.join(name).to_string_lossy().into_owned()
}

#[test]
fn a_closed_pipe_ends_a_command_quietly_and_is_no_pass() {
    for arguments in [&["list"][..], &["list", "--format", "json"], &["check", "-v", &recording("truth")]] {
        // Closed before anything is written: whatever comes is written into nowhere.
        assert_eq!(read_by(arguments, drop), (Some(141), String::new()), "{arguments:?}");
    }
}

#[test]
fn a_reader_may_stop_after_the_first_line() {
    let first_line = |pipe| {
        let mut first = String::new();
        BufReader::with_capacity(16, pipe).read_line(&mut first).expect("a line");
        assert!(first.starts_with("scenarios ("), "{first}");
    };
    let (status, stderr) = read_by(&["list"], first_line);
    // The list may fit into the pipe before it is closed.
    assert!(matches!(status, Some(0 | 141)) && stderr.is_empty(), "{status:?}: {stderr}");
}

#[test]
fn recordings_that_pass_take_a_line_each_and_one_for_all() {
    let output = run(&["check", &recording("cxl"), &recording("refused")]);
    let text = stdout(&output);
    assert_eq!((output.status.code(), text.lines().count()), (Some(0), 4), "{text}");
    assert!(text.lines().take(2).all(|line| line.starts_with("PASS  ")), "{text}");
    assert!(
        text.lines().nth(2).is_some_and(|line| line.starts_with("2 recordings are unsealed, ")),
        "{text}"
    );
    assert!(text.lines().nth(3).is_some_and(|line| line.starts_with("2 passed in ")), "{text}");
}

#[test]
fn quiet_leaves_the_failures_and_the_last_line() {
    let folder = tempfile::tempdir().expect("a folder");
    failing_recording::copy(recording("pull-push-short").as_ref(), folder.path());
    let failing = folder.path();
    let output = run(&["check", "--quiet", &recording("cxl"), &failing.to_string_lossy()]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.starts_with("FAIL  ") && !text.contains("PASS"), "{text}");
    assert!(text.lines().last().is_some_and(|line| line.starts_with("1 failed, 1 passed in ")), "{text}");
}

#[test]
fn a_failure_shows_the_expectation_and_what_was_seen() {
    let folder = tempfile::tempdir().expect("a folder");
    failing_recording::copy(recording("pull-push-short").as_ref(), folder.path());
    let failing = folder.path();
    let text = stdout(&run(&["check", &failing.to_string_lossy()]));
    for part in ["  violated        expectation (line ", "to be at least 1000000\n", "  seen            "] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn colours_are_for_terminals_and_for_who_insists() {
    let escapes = |arguments: &[&str]| stdout(&run(arguments)).contains('\u{1b}');
    let cxl = recording("cxl");
    assert!(!escapes(&["check", &cxl]));
    assert!(!escapes(&["check", &cxl, "--color", "never"]));
    assert!(escapes(&["check", &cxl, "--color", "always"]));
    assert!(!escapes(&["check", &cxl, "--color", "always", "--format", "json"]));
}

#[test]
fn json_is_one_object_a_line_for_every_verb_that_needs_no_guest() {
    let (cxl, list) = (recording("cxl"), ["list", "kernel list", "machine dram2", "doctor"]);
    let check = format!("check {cxl}");
    for command in list.into_iter().chain([check.as_str()]) {
        let mut arguments: Vec<&str> = command.split(' ').collect();
        arguments.extend(["--format", "json"]);
        let text = stdout(&run(&arguments));
        assert!(!text.is_empty(), "{command}");
        for line in text.lines() {
            let value: serde_json::Value = serde_json::from_str(line).expect(command);
            assert!(value["event"].is_string(), "{command}: {line}");
        }
    }
}

#[test]
fn options_without_an_effect_are_refused() {
    for arguments in [&["check", "-q", "-v", "x"][..], &["check", "-v", "--format", "json", "x"]] {
        assert_eq!(run(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_mistyped_scenario_gets_the_nearest_one_and_not_all() {
    let output = run(&["run", "pul-push"]);
    let stderr = &output.stderr;
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr.contains("did you mean 'pull-push'?") && stderr.contains("`damonlab list`"), "{stderr}");
    assert!(!stderr.contains("watermarks"), "{stderr}");
}

/// `damonlab kernel build --series FILE` with an empty cache, on a tree that is never looked at.
fn build(cache: &Path, series: &Path) -> Output {
    let mut damonlab = damonlab(&["kernel", "build", "--series"]);
    capture(damonlab.arg(series).env("XDG_CACHE_HOME", cache), Limits::LOCAL).expect("damonlab starts")
}

/// The last two patches of three. A patch that is all there is would be taken alone.
fn two_of_three() -> Vec<u8> {
    let mail = |number: u32| {
        let diff = format!("--- a/x{number}\n+++ b/x{number}\n@@ -1 +1 @@\n-a\n+b\n");
        format!("From a Thu Jan  1 00:00:00 1970\nSubject: [PATCH {number}/3] x\n\n{diff}\n")
    };
    (mail(2) + &mail(3)).into_bytes()
}

#[test]
fn what_is_no_series_is_refused_with_its_reason_before_anything_is_fetched_or_built() {
    let folder = tempfile::tempdir().expect("a folder");
    let cases = [
        ("empty.mbox", b"\n".to_vec(), "it is empty"),
        ("letter.txt", b"dear maintainer\n".to_vec(), "it changes no file"),
        ("garbage.bin", vec![0x7f, 0, 1, 2], "it is not text"),
        ("reply.eml", b"Subject: Re: [PATCH] x\n\n> --- a/x\n".to_vec(), "a reply without its own patch"),
        ("cut.patch", b"--- a/x\n+++ b/x\n@@ -1,3 +1,4 @@\n one\n".to_vec(), "damaged in transit"),
        ("out.patch", b"--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n-a\n+b\n".to_vec(), "outside of the tree"),
        ("two-of-three.mbox", two_of_three(), "1/3 is missing"),
    ];
    for (name, bytes, reason) in cases {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).expect("a file");
        let cache = tempfile::tempdir().expect("a folder");
        let output = build(cache.path(), &file);
        let stderr = &output.stderr;
        assert_eq!(output.status.code(), Some(2), "{name}: {stderr}");
        assert!(stderr.contains(reason) && stderr.contains(name), "{name}: {stderr}");
        assert_eq!(std::fs::read_dir(cache.path()).expect("a folder").count(), 0, "{name}");
    }
}

#[test]
fn a_word_that_is_no_file_says_what_may_stand_there() {
    let cache = tempfile::tempdir().expect("a folder");
    let output = build(cache.path(), Path::new("/nowhere/series.mbox"));
    assert_eq!(output.status.code(), Some(2));
    let stderr = &output.stderr;
    assert!(stderr.contains("/nowhere/series.mbox") && stderr.contains("REPOSITORY:BASE..TOPIC"), "{stderr}");
}

/// Files below a folder.
fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        std::fs::write(folder.join(name), text).expect("a file");
    }
}

#[test]
fn rules_about_an_event_that_no_kernel_has_are_noted_and_bad_input_if_the_file_has_no_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let mistyped = "version: 1\nsummary: A.\nrules:\n  - {name: is-mistyped, event: 'damon:damos_ezs', always: 'true'}\n";
    let mixed = format!("{mistyped}  - {{name: is-good, event: damos_esz, always: 'true'}}\n");
    write(folder.path(), &[("mistyped.yaml", mistyped), ("mixed.yaml", &mixed)]);
    let check = |file: &str| {
        let file = folder.path().join(file).to_string_lossy().into_owned();
        let output = run(&["check", &recording("pull-push-short"), &recording("cxl"), "--rules", &file]);
        (output.status.code(), stdout(&output))
    };
    let note = ":4: is-mistyped was judged in none of the 2 runs: no kernel has a tracepoint damon:damos_ezs; did you mean \
                'damos_esz'?";
    let (status, text) = check("mistyped.yaml");
    assert!(status == Some(2) && text.contains(note) && text.contains(" has no effect: "), "{text}");
    let (status, text) = check("mixed.yaml");
    assert!(status == Some(0) && text.contains(note) && !text.contains(" has no effect: "), "{text}");
}

#[test]
fn a_recording_is_judged_with_the_changes_of_its_kept_file_and_one_of_no_rule_is_an_error_of_it_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let with_changes = |name: &str, rule: &str| {
        let copy = folder.path().join(name);
        failing_recording::copy_of(recording("pull-push-short").as_ref(), &copy);
        let rules = "version: 1\nsummary: A.\nrules: [{name: never-here, event: damos_esz, never: 'true'}]\n";
        let changes = format!("version: 1\nexpect_changes: {{{rule}: the quota is set now}}\n");
        write(&copy, &[("rules-1.yaml", rules), ("introduces.yaml", &changes)]);
        copy.to_string_lossy().into_owned()
    };
    let (good, bad) = (with_changes("good", "never-here"), with_changes("bad", "never-heer"));
    let output = run(&["check", &good]);
    let text = stdout(&output);
    assert!(output.status.code() == Some(0) && text.contains("changed as intended: never-here"), "{text}");
    let output = run(&["check", &bad, &good]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    for part in
        ["PASS  ", "UNREADABLE  ", "there is no rule named 'never-heer'", "did you mean 'never-here'?"]
    {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn damonlab_alone_says_what_to_type_first() {
    let output = run(&[]);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(2), ""));
    assert!((3..=6).contains(&output.stderr.lines().count()), "{}", output.stderr);
    assert!(output.stderr.contains("damonlab run --setup"), "{}", output.stderr);
}

#[test]
fn help_lists_the_pages_and_shows_each() {
    let overview = stdout(&run(&["help"]));
    assert!(overview.contains("  scenarios ") && overview.contains("  bisect "), "{overview}");
    let page = run(&["help", "scenarios"]);
    assert_eq!(page.status.code(), Some(0));
    assert!(stdout(&page).contains("touch.every"), "{}", stdout(&page));
    let both = stdout(&run(&["help", "bisect"]));
    assert!(both.contains("--series") && both.ends_with("damonlab help bisect.md\n"), "{both}");
    assert!(stdout(&run(&["help", "bisect.md"])).starts_with("Bisect: which patch broke it?"));
    let unknown = run(&["help", "nonsense"]);
    assert_eq!(unknown.status.code(), Some(2), "{}", unknown.stderr);
}

#[test]
fn a_pager_shows_a_page_on_a_terminal_only() {
    let script = format!("PAGER='sed s/^/PAGED:/' {} help machines", env!("CARGO_BIN_EXE_damonlab"));
    let mut terminal = command_for("/usr/bin/script");
    let paged = capture(terminal.args(["-qec", &script, "/dev/null"]), Limits::LOCAL).expect("script starts");
    assert!(stdout(&paged).starts_with("PAGED:"), "{}", stdout(&paged));
    let mut shell = command_for("/bin/sh");
    let plain = capture(shell.args(["-c", &script]), Limits::LOCAL).expect("a shell");
    assert!(stdout(&plain).starts_with("Machines"), "{}", stdout(&plain));
}

#[test]
fn fmt_reads_standard_input_where_no_file_is_named() {
    let text = "steps:\n- start   \n";
    let output = answer(&mut damonlab(&["fmt"]), text.as_bytes(), Limits::LOCAL).expect("damonlab starts");
    assert_eq!(stdout(&output), "steps:\n  - start\n");
    let check =
        answer(&mut damonlab(&["fmt", "--check"]), text.as_bytes(), Limits::LOCAL).expect("damonlab starts");
    assert_eq!(check.status.code(), Some(1));
}
