//! Text that somebody else wrote, from its source to both standard streams of the command: whatever a recording, a file, a
//! mail, an argument or a file's name has in it, no terminal obeys it, no line looks like a result, and little is printed.

use damonlab::host::command::{Limits, capture, command_for};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Escape sequences, a line that looks like a result, and what turns the direction of writing.
const HOSTILE: &str = "x\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\r\nPASS  fake\n1 passed in 0.1 s\u{202e}";

/// What the command prints on both streams, and its exit status.
fn printed<A: AsRef<OsStr>>(arguments: &[A]) -> (Option<i32>, String) {
    let mut damonlab = command_for(env!("CARGO_BIN_EXE_damonlab"));
    damonlab.args(arguments).env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    let output = capture(&mut damonlab, Limits::LOCAL).expect("damonlab starts");
    let text = String::from_utf8(output.stdout).expect("UTF-8") + &output.stderr;
    let obeyed = |c: char| c != '\n' && (c.is_control() || ('\u{200b}'..='\u{206f}').contains(&c));
    assert!(!text.contains(obeyed), "{text:?}");
    assert!(text.len() < 60_000, "{} bytes", text.len());
    assert!(text.lines().all(|line| line.chars().count() <= 10_000));
    (output.status.code(), text)
}

/// The lines that look like results.
fn results(text: &str) -> Vec<&str> {
    let words = ["PASS", "FAIL", "SKIP", "UNSTABLE", "INFRA"];
    text.lines().filter(|line| words.iter().any(|word| line.starts_with(word))).collect()
}

/// A copy of a stored recording in `folder`.
fn recording(folder: PathBuf) -> PathBuf {
    let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/pull-push-short");
    fs::create_dir_all(&folder).expect("a folder");
    for entry in fs::read_dir(stored).expect("a recording") {
        let path = entry.expect("a file").path();
        fs::copy(&path, folder.join(path.file_name().expect("a name"))).expect("a copy");
    }
    folder
}

/// Changes the JSON of a file.
fn change(file: &Path, change: impl FnOnce(&mut serde_json::Value)) {
    let mut value = serde_json::from_slice(&fs::read(file).expect("a file")).expect("JSON");
    change(&mut value);
    fs::write(file, value.to_string()).expect("a file");
}

#[test]
fn a_recording_with_escapes_and_megabytes_in_it_is_shown_safely_and_in_short() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = recording(folder.path().join("0001"));
    change(&dir.join("recording.json"), |meta| meta["kernel"] = HOSTILE.into());
    change(&dir.join("guest.json"), |report| {
        report["errors"] = serde_json::json!([HOSTILE, format!("{HOSTILE}{}", "y".repeat(3 << 20))]);
    });
    let (status, text) = printed(&[OsStr::new("check"), OsStr::new("-v"), dir.as_os_str()]);
    assert_eq!((status, results(&text).len()), (Some(1), 1), "{text}");
    assert!(text.contains("characters left out)") && text.contains("guest.json has all of it"), "{text}");
    assert!(text.contains("\\u{1b}]0;title\\u{7}\\u{9b}31m"), "{text}");
    let (status, json) =
        printed(&[OsStr::new("check"), dir.as_os_str(), OsStr::new("--format"), OsStr::new("json")]);
    assert_eq!(status, Some(1));
    let finished: serde_json::Value =
        serde_json::from_str(json.lines().nth(1).expect("a line")).expect("JSON");
    assert_eq!(finished["data"]["kernel"], HOSTILE);
}

#[test]
fn a_folder_of_any_name_is_checked_and_named_safely() {
    let folder = tempfile::tempdir().expect("a folder");
    let name = OsString::from_vec([HOSTILE.replace('/', "").as_bytes(), b"\xff"].concat());
    let dir = recording(folder.path().join(name));
    for format in ["human", "json"] {
        let (status, text) =
            printed(&[OsStr::new("check"), dir.as_os_str(), OsStr::new("--format"), OsStr::new(format)]);
        assert_eq!(status, Some(0), "{text}");
        assert_eq!(results(&text).len(), usize::from(format == "human"), "{text}");
    }
}

#[test]
fn a_missing_file_of_any_name_and_a_bad_argument_are_named_safely() {
    let hostile = OsString::from_vec([HOSTILE.as_bytes(), b"/\xff.yaml"].concat());
    let long = OsString::from("z".repeat(100_000));
    for word in [&hostile, &long] {
        for arguments in [
            [OsStr::new("check"), word],
            [OsStr::new("run"), word],
            [OsStr::new("explain"), word],
            [OsStr::new("machine"), word],
            [OsStr::new("mutants"), word],
            [OsStr::new("merge"), word],
            [OsStr::new("shrink"), word],
            [word, OsStr::new("list")],
            [OsStr::new("list"), word],
        ] {
            let (status, text) = printed(&arguments);
            assert_eq!((status, results(&text).len()), (Some(2), 0), "{arguments:?}: {text}");
        }
        for option in ["--focus", "--for"] {
            let (status, text) = printed(&[OsStr::new("explore"), OsStr::new(option), word]);
            assert_eq!((status, results(&text).len()), (Some(2), 0), "{option}: {text}");
        }
        let seed = OsStr::from_bytes(word.as_bytes());
        let (status, text) = printed(&[OsStr::new("run"), OsStr::new("idle"), OsStr::new("--seed"), seed]);
        assert_eq!((status, results(&text).len()), (Some(2), 0), "{text}");
    }
}

#[test]
fn nearly_a_megabyte_on_one_line_of_yaml_prints_some_kilobytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("x.yaml");
    let long = "y".repeat((1 << 20) - 200);
    for text in [
        format!("version: 1\nsummary: {long}\nnonsense: 1\n"),
        format!("version: 1\n{long}: 1\n"),
        format!("version: 1\nsummary: x\nmachine: {{a: {long}, nonsense: [}}\n"),
        format!("version: 1\nsummary: x\nmachine: {{{long}: 1}}\n"),
        format!("version: 1\nsummary: \"{}\"\nx: {{\n", "\\e[2J"),
    ] {
        fs::write(&file, &text).expect("a file");
        let (status, printed) = printed(&[OsStr::new("run"), file.as_os_str()]);
        assert_eq!(status, Some(2), "{printed}");
        assert!(printed.len() < 8000, "{} bytes: {printed}", printed.len());
        assert!(printed.contains("x.yaml:"), "{printed}");
    }
}

#[test]
fn a_mail_with_a_subject_of_megabytes_and_a_patch_of_hostile_names_are_refused_safely() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("x.mbox");
    let diff = |name: &str| format!("--- a/{name}\n+++ b/{name}\n@@ -1 +1 @@\n-a\n+b\n");
    let subject = HOSTILE.replace(['\r', '\n'], " ");
    for text in [
        format!("From: a\nSubject: [PATCH 1/3] {}{subject}\n\n{}", "s".repeat(5 << 20), diff("x")),
        format!("From: a\nSubject: [PATCH] {subject}\n\n{}", diff("../\u{1b}[2J\u{9b}31m\u{202e}")),
        format!(
            "From: a\nSubject: [PATCH] {subject}\n\n{}",
            diff(&format!("{}/../../x", "p".repeat(1 << 20)))
        ),
        format!("From: a\nSubject: [PATCH] {subject}\n\nno diff: {}\n", "d".repeat(1 << 20)),
    ] {
        fs::write(&file, &text).expect("a file");
        let (status, printed) =
            printed(&[OsStr::new("kernel"), OsStr::new("build"), OsStr::new("--series"), file.as_os_str()]);
        assert_eq!((status, results(&printed).len()), (Some(2), 0), "{printed}");
        assert!(printed.len() < 10_000, "{} bytes: {printed}", printed.len());
    }
}
