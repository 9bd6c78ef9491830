//! Patches that fit, that fit inexactly, and that must not fit.

use super::*;
use crate::host::fault::{Fault, Faulty};

mod round_trip;

const BODY: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n";

fn source() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("mm")).unwrap();
    fs::write(dir.path().join("mm/core.c"), BODY).unwrap();
    dir
}

/// Applies the patches to a folder that is not a repository.
fn on(patches: &[Patch], dir: &Path) -> Result<Applied, KernelError> {
    apply(patches, &Base { dir, name: "linux 7.3.4", repository: None, rules: Rules::default() })
}

fn patch(text: &str) -> Patch {
    Patch { path: "0001.patch".into(), subject: None, bytes: text.as_bytes().to_vec() }
}

const CHANGE: &str = "\
--- a/mm/core.c
+++ b/mm/core.c
@@ -1,4 +1,4 @@
 one
-two
+TWO
 three
 four
@@ -7,4 +7,5 @@
 seven
 eight
 nine
+nine and a half
 ten
";

#[test]
fn a_patch_gives_the_finished_content_and_leaves_the_source_alone() {
    let source = source();
    let touched = on(&[patch(CHANGE)], source.path()).unwrap().touched;
    let (_, bytes) = touched["mm/core.c"].as_ref().unwrap();
    assert!(bytes.starts_with(b"one\nTWO\n") && bytes.ends_with(b"nine and a half\nten\n"));
    assert_eq!(fs::read(source.path().join("mm/core.c")).unwrap(), BODY.as_bytes());
}

#[test]
fn a_hunk_that_moved_is_reported_and_strict_accepts_it() {
    let source = source();
    fs::write(source.path().join("mm/core.c"), BODY.replace("five\n", "five\nfive and a half\n")).unwrap();
    let base = Base { dir: source.path(), name: "linux", repository: None, rules: Rules::STRICT };
    let applied = apply(&[patch(CHANGE)], &base).unwrap();
    assert_eq!(applied.moved, ["0001.patch: mm/core.c: hunk 2 at line 8, moved by 1 lines"]);
    assert_eq!(applied.inexact, [""; 0]);
}

#[test]
fn a_hunk_that_moved_is_applied_at_the_reported_place_and_is_inexact_if_there_are_several() {
    let source = source();
    let block = "{\n\tx;\n}\n";
    fs::write(source.path().join("mm/core.c"), format!("{}{block}{block}z\n", "line\n".repeat(10))).unwrap();
    let text = "--- a/mm/core.c\n+++ b/mm/core.c\n@@ -2,3 +2,4 @@\n {\n \tx;\n+\ty;\n }\n";
    let applied = on(&[patch(text)], source.path()).unwrap();
    let line =
        "hunk 1 at line 11, moved by 9 lines; its context matches at 2 places, and this is the nearest";
    assert_eq!(applied.inexact, [format!("0001.patch: mm/core.c: {line}")]);
    let after = String::from_utf8(applied.touched["mm/core.c"].as_ref().unwrap().1.clone()).unwrap();
    assert_eq!(after.lines().position(|line| line == "\ty;"), Some(12));
}

#[test]
fn a_hunk_with_other_context_applies_with_less_of_it_and_strict_refuses_that() {
    let source = source();
    fs::write(source.path().join("mm/core.c"), BODY.replace("seven", "7")).unwrap();
    let applied = on(&[patch(CHANGE)], source.path()).unwrap();
    let line = "0001.patch: mm/core.c: hunk 2 at line 8, without 1 lines of context before it and 0 after it";
    assert_eq!(applied.inexact, [line]);
    let (_, bytes) = applied.touched["mm/core.c"].as_ref().unwrap();
    assert!(bytes.ends_with(b"\n7\neight\nnine\nnine and a half\nten\n"));
    let base = Base { dir: source.path(), name: "linux", repository: None, rules: Rules::STRICT };
    let error = apply(&[patch(CHANGE)], &base).unwrap_err();
    assert!(error.to_string().starts_with("--strict: 1 of") && error.to_string().ends_with(line), "{error}");
    assert_eq!(error.fault(), Fault::BadInput);
}

#[test]
fn a_hunk_whose_last_context_is_elsewhere_is_refused_with_its_place() {
    let source = source();
    fs::write(source.path().join("mm/core.c"), BODY.replace("nine", "9")).unwrap();
    let error = on(&[patch(CHANGE)], source.path()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the patch 0001.patch does not apply to linux 7.3.4: mm/core.c: hunk #2, expected at mm/core.c:7\n  \
             mm/core.c: hunk 2 fits nowhere, not even with one line of context"
    );
}

#[test]
fn a_hunk_that_fits_at_two_places_with_less_context_is_refused() {
    let source = source();
    let body = "x\nnine\nten\ny\nnine\nten\nz\n";
    fs::write(source.path().join("mm/core.c"), body).unwrap();
    let text = "--- a/mm/core.c\n+++ b/mm/core.c\n@@ -7,4 +7,5 @@\n seven\n eight\n nine\n+new\n ten\n";
    let error = on(&[patch(text)], source.path()).unwrap_err();
    assert!(error.to_string().ends_with("at several places (lines 2, 5)"), "{error}");
}

#[test]
fn a_patch_whose_tabs_became_blanks_is_refused_as_damaged() {
    let source = source();
    fs::write(source.path().join("mm/core.c"), "one\n\ttwo\n\tthree\n\tfour\n").unwrap();
    let text =
        "--- a/mm/core.c\n+++ b/mm/core.c\n@@ -2,2 +2,3 @@\n         two\n         three\n+        new\n";
    let error = on(&[patch(text)], source.path()).unwrap_err().to_string();
    assert!(error.contains("hunk 1 differs from line 2 only in blanks and tabs"), "{error}");
    assert!(error.contains("b4 am"), "{error}");
}

#[test]
fn a_patch_made_from_an_older_file_is_merged_if_the_repository_has_it() {
    let source = source();
    let git = |arguments: &[&str]| crate::host::git::run_in_test(source.path(), arguments);
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-qm", "old"]);
    fs::write(source.path().join("mm/core.c"), BODY.replace("four", "FOUR")).unwrap();
    let diff = git(&["diff"]);
    let diff = Patch { path: "0001.patch".into(), subject: None, bytes: diff };
    // With less context it would fit at two places.
    let newer = BODY.replace("two\n", "").replace("six\n", "") + "three\nfour\nfive\n";
    fs::write(source.path().join("mm/core.c"), &newer).unwrap();
    let base =
        Base { dir: source.path(), name: "linux", repository: Some(source.path()), rules: Rules::default() };
    let before = git(&["count-objects"]);
    let applied = apply(std::slice::from_ref(&diff), &base).unwrap();
    assert_eq!(
        applied.touched["mm/core.c"].as_ref().unwrap().1,
        newer.replacen("four", "FOUR", 1).as_bytes()
    );
    assert_eq!(applied.inexact, ["0001.patch: merged three-way with the files that it was made from"]);
    assert_eq!(git(&["count-objects"]), before);
}

#[test]
fn nothing_is_written_through_a_link_and_no_link_leads_out() {
    let source = source();
    std::os::unix::fs::symlink("/tmp", source.path().join("out")).unwrap();
    let add = |path: &str| format!("--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+new\n");
    let error = on(&[patch(&add("out/x"))], source.path()).unwrap_err();
    assert!(error.to_string().contains("out/x, below the symbolic link out"), "{error}");
    let link = |target: &str| {
        format!(
            "diff --git a/mm/l b/mm/l\nnew file mode 120000\n--- /dev/null\n+++ b/mm/l\n@@ -0,0 +1 @@\n+{target}\n\\ No \
                 newline at end of file\n"
        )
    };
    let error = on(&[patch(&link("../../etc"))], source.path()).unwrap_err();
    assert!(error.to_string().contains("mm/l -> ../../etc: the symbolic link leads out"), "{error}");
    let error = on(&[patch(&link("../mm")), patch(&add("mm/l/new.c"))], source.path()).unwrap_err();
    assert!(error.to_string().contains("below the symbolic link mm/l"), "{error}");
}

#[test]
fn a_missing_file_is_named() {
    let source = source();
    let error = on(&[patch(&CHANGE.replace("core.c", "gone.c"))], source.path()).unwrap_err();
    assert!(error.to_string().ends_with(": mm/gone.c: no such file in the source"), "{error}");
}

#[test]
fn patches_build_on_each_other_and_may_add_and_remove_files() {
    let source = source();
    let add = "--- /dev/null\n+++ b/mm/new.c\n@@ -0,0 +1 @@\n+new\n";
    let change = "--- a/mm/new.c\n+++ b/mm/new.c\n@@ -1 +1 @@\n-new\n+newer\n";
    let remove = format!(
        "diff --git a/mm/core.c b/mm/core.c\ndeleted file mode 100644\n--- a/mm/core.c\n+++ /dev/null\n@@ -1,10 +0,0 @@\n{}",
        BODY.lines().map(|line| format!("-{line}\n")).collect::<String>()
    );
    let touched = on(&[patch(add), patch(change), patch(&remove)], source.path()).unwrap().touched;
    assert_eq!(touched["mm/new.c"].as_ref().unwrap().1, b"newer\n");
    assert!(touched["mm/core.c"].is_none());
}

#[test]
fn a_patch_cannot_reach_outside_of_the_tree() {
    let error = on(&[patch("--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n-a\n+b\n")], Path::new("/"));
    assert!(error.unwrap_err().to_string().contains("must not touch ../x: it is outside of the tree"));
}

const TWO_TO_2: &str = "--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n";
const APPEND: &str = "--- a/x\n+++ b/x\n@@ -1,3 +1,4 @@\n one\n 2\n three\n+four\n";

fn titled(title: &str, text: &str) -> Patch {
    Patch { path: title.into(), subject: Some(title.into()), bytes: text.as_bytes().to_vec() }
}

fn with_rules(text: &str, patches: &[Patch], rules: Rules) -> Result<Applied, KernelError> {
    let source = tempfile::tempdir().unwrap();
    fs::write(source.path().join("x"), text).unwrap();
    apply(patches, &Base { dir: source.path(), name: "linux 7.3.4", repository: None, rules })
}

#[test]
fn a_patch_that_the_source_has_is_refused_as_such_or_passed_over() {
    let patches = [titled("change", TWO_TO_2), titled("append", APPEND)];
    let error = with_rules("one\n2\nthree\n", &patches, Rules::default()).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("1 of the 2 patches is in linux 7.3.4 already, as their reverse applies"),
        "{text}"
    );
    assert!(text.contains("change") && text.contains("--skip-applied passes over them"), "{text}");
    assert_eq!(error.fault(), Fault::BadInput);
    let skip = Rules { skip_applied: true, ..Rules::default() };
    let applied = with_rules("one\n2\nthree\n", &patches, skip).unwrap();
    assert_eq!(applied.already, ["change"]);
    assert_eq!(applied.results, [PatchResult::AlreadyApplied, PatchResult::Applies(Vec::new())]);
    assert_eq!(applied.touched["x"].as_ref().unwrap().1, b"one\n2\nthree\nfour\n");
}

#[test]
fn lines_at_the_end_of_a_file_are_not_put_there_twice() {
    let skip = Rules { skip_applied: true, ..Rules::default() };
    let applied = with_rules("one\n2\nthree\nfour\n", &[titled("append", APPEND)], skip).unwrap();
    assert_eq!(applied.already, ["append"]);
    assert_eq!(applied.touched["x"].as_ref().unwrap().1, b"one\n2\nthree\nfour\n");
}

#[test]
fn a_patch_its_revert_and_a_new_file_that_is_there_come_to_what_they_are() {
    let back = "--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n one\n-2\n+two\n three\n";
    let both = [titled("change", TWO_TO_2), titled("revert", back)];
    let applied = with_rules("one\ntwo\nthree\n", &both, Rules::default()).unwrap();
    assert_eq!(applied.touched["x"].as_ref().unwrap().1, b"one\ntwo\nthree\n");
    let new = "diff --git a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+one\n";
    let trial = Rules { trial: true, ..Rules::default() };
    let results = |text: &str| with_rules(text, &[titled("new", new)], trial).unwrap().results;
    assert_eq!(results("one\n"), [PatchResult::AlreadyApplied]);
    assert!(
        matches!(results("other\n").as_slice(), [PatchResult::Refused(why)] if why.contains("already exists"))
    );
}

#[test]
fn a_patch_is_in_a_source_that_has_grown_before_and_after_it() {
    let head = "--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n+new\n one\n two\n";
    let changed = "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-one\n+1\n two\n";
    let trial = Rules { trial: true, ..Rules::default() };
    let results = |text: &str, diff| with_rules(text, &[titled("patch", diff)], trial).unwrap().results;
    assert_eq!(results("/* x */\nnew\none\ntwo\n", head), [PatchResult::AlreadyApplied]);
    assert_eq!(results("/* x */\n1\ntwo\n", changed), [PatchResult::AlreadyApplied]);
    assert_eq!(results("one\n2\nthree\nfour\nfive\n", APPEND), [PatchResult::AlreadyApplied]);
    assert!(matches!(results("/* x */\none\ntwo\n", head).as_slice(), [PatchResult::Inexact { .. }]));
}

#[test]
fn a_trial_ends_with_the_first_patch_that_does_not_apply() {
    let patches = [
        titled("change", TWO_TO_2),
        titled("again", TWO_TO_2),
        titled("lost", &TWO_TO_2.replace(" three", " drei")),
    ];
    let trial = Rules { trial: true, ..Rules::default() };
    let applied = with_rules("one\ntwo\nthree\n", &[&patches[..], &patches[..1]].concat(), trial).unwrap();
    let [first, second, third] = applied.results.as_slice() else { panic!("{:?}", applied.results) };
    assert_eq!(first, &PatchResult::Applies(Vec::new()));
    assert_eq!(second, &PatchResult::AlreadyApplied);
    assert!(matches!(third, PatchResult::Refused(why) if why.contains("lost does not apply")), "{third:?}");
}
