//! Whatever was changed and however it was sent: what is read back makes the same files.

use super::*;
use crate::host::git;
use crate::series;
use proptest::prelude::*;
use std::path::PathBuf;

/// Lines that look like parts of diffs and mails, and plain ones.
const LINES: [&str; 16] = [
    "",
    "\treturn 0;",
    " * a comment",
    "}",
    "-- ",
    "-- a/x",
    "++ b/x",
    "- ",
    "@@ -1 +1 @@",
    "From 0123 Mon Sep 17 00:00:00 2001",
    ">From x",
    "diff --git a/x b/x",
    "blanks behind  ",
    "umläute = \"=3D\"",
    "with CR\r",
    "2.43.0",
];

const NAMES: [&str; 3] = ["mm/core.c", "mm/with blank.c", "mm/ä\tb.c"];

/// How a series is sent.
#[derive(Debug, Clone, Copy)]
enum Sent {
    Plain,
    Crlf,
    Base64,
}

/// The content of each file after each commit; none: the file is not there.
type States = Vec<Vec<Option<Vec<usize>>>>;

fn states() -> impl Strategy<Value = States> {
    let file = proptest::option::weighted(0.85, proptest::collection::vec(0..LINES.len(), 0..30));
    let state = proptest::collection::vec(file, NAMES.len());
    proptest::collection::vec(state, 2..5)
}

fn text(lines: &[usize]) -> String {
    lines.iter().map(|line| format!("{}\n", LINES[*line])).collect()
}

fn write(dir: &Path, state: &[Option<Vec<usize>>]) {
    fs::create_dir_all(dir.join("mm")).unwrap();
    for (name, lines) in NAMES.iter().zip(state) {
        match lines {
            Some(lines) => fs::write(dir.join(name), text(lines)).unwrap(),
            None => drop(std::fs::remove_file(dir.join(name))),
        }
    }
}

/// The states as commits, and all but the first as an mbox; none if nothing changed.
fn mbox(dir: &Path, states: &States) -> Option<Vec<u8>> {
    git::run_in_test(dir, &["init", "-q"]);
    for (at, state) in states.iter().enumerate() {
        write(dir, state);
        git::run_in_test(dir, &["add", "--all"]);
        if at == 0 || !git::run_in_test(dir, &["status", "--porcelain"]).is_empty() {
            git::run_in_test(dir, &["commit", "-q", "--allow-empty", "-m", "mm: change\n\nWords."]);
        }
        if at == 0 {
            git::run_in_test(dir, &["tag", "base"]);
        }
    }
    let mails = git::run_in_test(dir, &["format-patch", "--stdout", "--numbered", "base..HEAD"]);
    (!mails.is_empty()).then_some(mails)
}

/// `mails` in another order and another dress.
fn sent(mails: &[u8], turn: usize, how: Sent) -> Vec<u8> {
    let mut mails: Vec<Vec<u8>> = mails_of(mails);
    let count = mails.len();
    mails.rotate_left(turn % count);
    let mut out = Vec::new();
    for mail in mails {
        match how {
            Sent::Plain => out.extend(mail),
            Sent::Crlf => mail.iter().for_each(|byte| match byte {
                b'\n' => out.extend(b"\r\n"),
                byte => out.push(*byte),
            }),
            Sent::Base64 => {
                let at = mail.windows(2).position(|two| two == b"\n\n").unwrap();
                let head = String::from_utf8(mail[..=at].to_vec()).unwrap();
                let head: String = head
                    .lines()
                    .filter(|line| !line.starts_with("Content-"))
                    .map(|line| format!("{line}\n"))
                    .collect();
                out.extend(head.bytes());
                out.extend(b"Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: base64\n\n");
                for part in mail[at + 2..].chunks(57) {
                    out.extend(base64(part).bytes());
                    out.push(b'\n');
                }
            }
        }
    }
    out
}

/// git writes lines of a diff with a mark before them, so a border is one.
fn mails_of(mbox: &[u8]) -> Vec<Vec<u8>> {
    let mut mails: Vec<Vec<u8>> = Vec::new();
    for line in mbox.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b"From ") {
            mails.push(Vec::new());
        }
        mails.last_mut().unwrap().extend(line);
    }
    mails
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |three: &[u8]| {
        let bits = (0..3).fold(0u32, |bits, at| bits << 8 | u32::from(*three.get(at).unwrap_or(&0)));
        let digit = |at: usize| match at <= three.len() {
            true => char::from(DIGITS[(bits >> (18 - 6 * at)) as usize & 63]),
            false => '=',
        };
        (0..4).map(digit).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_series_reads_back_and_makes_the_same_files_however_it_was_sent(
        states in states(),
        turn in 0usize..5,
        how in prop_oneof![Just(Sent::Plain), Just(Sent::Crlf), Just(Sent::Base64)],
    ) {
        let dir = tempfile::tempdir().unwrap();
        if let Some(mails) = mbox(dir.path(), &states) {
            let source = tempfile::tempdir().unwrap();
            write(source.path(), &states[0]);
            let file: PathBuf = source.path().join("series.mbox");
            fs::write(&file, sent(&mails, turn, how)).unwrap();
            let series = series::read(&[file]).unwrap();
            let applied = on(&series.patches, source.path()).unwrap();
            prop_assert_eq!(applied.inexact, Vec::<String>::new());
            for (path, after) in applied.touched {
                let wanted = std::fs::read(dir.path().join(&path)).ok();
                prop_assert_eq!(after.map(|(_, bytes)| bytes), wanted, "{}", path);
            }
        }
    }
}
