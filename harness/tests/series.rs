//! The command line and patches that are none: a message that says why, exit status 2, and a cache that is as it was.

#![expect(clippy::disallowed_methods, reason = "a test waits for what it starts")]

use std::path::Path;
use std::process::{Command, Output};

/// `damonlab kernel build --series FILE` with an empty cache, on a tree that is never looked at.
fn build(cache: &Path, series: &Path) -> Output {
    let mut damonlab = Command::new(env!("CARGO_BIN_EXE_damonlab"));
    damonlab.args(["kernel", "build", "--series"]).arg(series).env("XDG_CACHE_HOME", cache);
    damonlab.output().expect("damonlab starts")
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
        (
            "2-of-2.patch",
            b"Subject: [PATCH 2/2] x\n\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n".to_vec(),
            "1/2 is missing",
        ),
    ];
    for (name, bytes, reason) in cases {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).expect("a file");
        let cache = tempfile::tempdir().expect("a folder");
        let output = build(cache.path(), &file);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{name}: {said}");
        assert!(said.contains(reason) && said.contains(name), "{name}: {said}");
        assert_eq!(std::fs::read_dir(cache.path()).expect("a folder").count(), 0, "{name}");
    }
}

#[test]
fn a_word_that_is_no_file_says_what_may_stand_there() {
    let cache = tempfile::tempdir().expect("a folder");
    let output = build(cache.path(), Path::new("/nowhere/series.mbox"));
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("/nowhere/series.mbox") && said.contains("REPOSITORY:BASE..TOPIC"), "{said}");
}
