//! Series as users have them, and the errors for what is not one.

use super::*;
use crate::host::git;
use std::fs;
use std::path::PathBuf;

/// A stored case.
fn case(name: &str) -> PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/series/cases").join(name)
}

fn read_case(name: &str) -> Series {
    read(&[case(name)]).unwrap()
}

fn subjects(series: &Series) -> Vec<String> {
    series.patches.iter().map(Patch::title).collect()
}

/// The error of reading `text` as a file.
fn refusal(text: impl AsRef<[u8]>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.mbox");
    fs::write(&path, text).unwrap();
    read(&[path]).unwrap_err().to_string().replace(&format!("{}/", folder.path().display()), "")
}

fn diff_of(file: &str) -> String {
    format!(
        "diff --git a/{file} b/{file}\n--- a/{file}\n+++ b/{file}\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"
    )
}

fn mail(subject: &str, body: &str) -> String {
    format!(
        "From 0123456 Mon Sep 17 00:00:00 2001\nFrom: A <a@example.org>\nSubject: {subject}\n\nText.\n---\n{body}-- \n2.43.0\n\n"
    )
}

#[test]
fn a_thread_is_sorted_its_cover_names_it_and_its_replies_are_left_out() {
    let series = read_case("thread.mbox");
    assert_eq!(series.title.as_deref(), Some("mm/damon: two small things"));
    assert_eq!(subjects(&series), ["mm/damon: say one", "mm/damon: say two"]);
    let notes = series.notes.join("\n");
    assert!(notes.contains("left out: a reply without its own patch"), "{notes}");
    assert!(notes.contains("a reply with its own diff, 'mm/damon: say two'"), "{notes}");
    assert!(notes.contains("thread.mbox is sorted by the numbers"), "{notes}");
    assert!(notes.contains("v2 is used, v1 left out"), "{notes}");
}

#[test]
fn base64_quoted_printable_and_an_attachment_are_the_diffs_that_they_carry() {
    let series = read_case("encoded.mbox");
    assert_eq!(
        subjects(&series),
        ["mm/damon: plain", "mm/damon: bäse64", "mm/damon: quoted", "mm/damon: attached"]
    );
    let plain = &series.patches[0].bytes;
    assert!(plain.starts_with(b"diff --git a/mm/damon/x.c b/mm/damon/x.c\n"));
    for patch in &series.patches {
        assert_eq!(&patch.bytes, plain, "{}", patch.title());
    }
    assert!(
        series.notes.iter().any(|note| note.contains("left out: an attachment of")),
        "{:?}",
        series.notes
    );
}

#[test]
fn cr_lf_of_the_mail_is_converted_and_reported_and_that_of_a_file_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.patch");
    let text = mail("[PATCH] a", &diff_of("mm/x.c"));
    fs::write(&path, text.replace('\n', "\r\n")).unwrap();
    let series = read(std::slice::from_ref(&path)).unwrap();
    assert!(!series.patches[0].bytes.contains(&b'\r'));
    assert_eq!(series.notes, ["'a': its line ends were CR LF and are now LF"]);
    fs::write(&path, text.replace("two\n", "two\r\n")).unwrap();
    let series = read(&[path]).unwrap();
    assert!(series.patches[0].bytes.windows(4).any(|bytes| bytes == b"two\r"[..].as_ref()));
    assert!(series.notes.is_empty());
}

#[test]
fn blanks_and_tabs_that_a_web_page_lost_are_reported_with_the_line_and_a_remedy() {
    let error = read(&[case("web-page.txt")]).unwrap_err().to_string();
    assert!(error.contains("web-page.txt: it was damaged in transit: line 16 ('TP_printk("), "{error}");
    assert!(error.contains("their leading blanks are lost, and every tab with them"), "{error}");
    assert!(error.contains("b4 am MESSAGE-ID") && error.contains("raw"), "{error}");
}

#[test]
fn a_wrapped_line_and_hunks_of_another_length_are_damage() {
    let long = "x".repeat(70);
    let whole = format!("--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n one\n-two {long} end\n+2\n three\n");
    assert!(
        refusal(whole.replace(" end", "\nend")).contains("line 6 ('end') is the end of the line before it")
    );
    assert!(refusal(whole.replace(" three\n", "")).contains("comes 1 lines too early: the header in line 3"));
    assert!(refusal(mail("[PATCH] a", &whole.replace(" three\n", ""))).contains("comes 1 lines too early"));
    assert!(refusal(whole.clone() + "+more\n").contains("line 8 ('+more') exceeds the length in the header"));
    assert!(
        refusal(whole.replace("@@ -1,3 +1,3 @@", "@@ -1,3 @@"))
            .contains("line 3 ('@@ -1,3 @@') is not a valid header")
    );
}

#[test]
fn a_number_that_is_missing_doubled_or_of_another_series_is_refused() {
    let one = mail("[PATCH 1/3] a", &diff_of("mm/a.c"));
    let three = mail("[PATCH 3/3] c", &diff_of("mm/c.c"));
    assert_eq!(refusal(one.clone() + &three), "x.mbox is not a whole series: 2/3 is missing; it has 1, 3");
    let other = mail("[PATCH 1/3] b", &diff_of("mm/b.c"));
    assert!(refusal(one.clone() + &other).ends_with("1/3 comes twice and differs: 'a' and 'b'"));
    let other = mail("[PATCH 2/2] b", &diff_of("mm/b.c"));
    assert!(refusal(one.clone() + &other).ends_with("'b' is 2/2, and others are of 3"));
    let loose = mail("[PATCH] b", &diff_of("mm/b.c"));
    assert!(
        refusal(mail("[PATCH 1/1] a", &diff_of("mm/a.c")) + &loose).contains("one without a number, 'b'")
    );
    assert!(refusal(mail("[PATCH 1/1] a", "")).contains("1/1 has no diff ('a')"));
    assert!(
        refusal(mail("[PATCH 0/4000000000] all", "") + &mail("[PATCH 1/4000000000] a", &diff_of("mm/a.c")))
            .contains("2/4000000000, 3/4000000000")
    );
}

fn notes(series: &Series) -> String {
    series.notes.join("\n")
}

#[test]
fn a_patch_that_was_sent_again_as_v2_1_takes_the_place_of_the_one_in_v2() {
    let series = read_case("reroll-v2.1.mbox");
    assert_eq!(subjects(&series), ["mm: change 1", "mm: change 2 better", "mm: change 3"]);
    assert!(
        notes(&series).contains("v2.1 is a partial reroll; with it 1/3, 3/3 of v2"),
        "{}",
        notes(&series)
    );
    assert!(notes(&series).contains("v2.1 is used, v2 left out"), "{}", notes(&series));
}

#[test]
fn a_new_version_of_one_patch_that_answers_the_old_one_is_a_partial_reroll_and_any_other_has_lost_patches() {
    let series = read_case("reroll-v3.mbox");
    assert_eq!(subjects(&series), ["mm: change 1", "mm: change 2 better"]);
    assert!(notes(&series).contains("v3 is a partial reroll; with it 1/2 of v2"), "{}", notes(&series));
    let text = fs::read_to_string(case("reroll-v3.mbox")).unwrap().replace("In-Reply-To: <p2@x>\n", "");
    assert!(refusal(text).ends_with("is not a whole series: 1/2 is missing; it has 2"));
}

#[test]
fn an_add_on_comes_after_the_series_that_it_was_added_to() {
    let series = read_case("add-on.mbox");
    assert_eq!(subjects(&series), ["mm: change 1", "mm: change 2", "mm: change 3"]);
    assert!(notes(&series).contains("'mm: change 3' is 3/2: it was added to the series later"));
    let text = fs::read_to_string(case("add-on.mbox")).unwrap().replace("3/2]", "4/2]");
    assert!(refusal(text).ends_with("3/2 is missing; it has 1, 2, 4"));
}

#[test]
fn one_patch_of_a_series_is_used_when_it_stands_alone_and_said() {
    let series = read_case("one-of-six.mbox");
    assert_eq!(subjects(&series), ["mm: change 6"]);
    assert_eq!(notes(&series), "'mm: change 6' is 6/6; it is used alone, without the others of its series");
    let covered = mail("[PATCH 0/6] six", "") + &fs::read_to_string(case("one-of-six.mbox")).unwrap();
    assert!(refusal(covered).contains("1/6, 2/6, 3/6, 4/6, 5/6 is missing"), "a cover letter wants all");
}

#[test]
fn a_patch_and_its_revert_are_two_patches() {
    let series = read_case("revert.mbox");
    assert_eq!(subjects(&series), ["mm: change 1", "Revert \"mm: change 1\""]);
    assert_eq!(notes(&series), "");
}

#[test]
fn a_quilt_folder_is_what_its_series_file_says_in_its_order() {
    let series = read_case("quilt");
    assert_eq!(subjects(&series), ["mm: change 2", "mm: change 1", "mm: change 3"]);
    let notes = notes(&series);
    assert!(notes.contains("mm-hotfixes-separator.patch' has no diff"), "{notes}");
    assert!(notes.contains("'mm: change 3': applied backwards (-R)"), "{notes}");
    let backwards = String::from_utf8(series.patches[2].bytes.clone()).unwrap();
    assert!(backwards.contains("+two\n-2\n"), "{backwards}");
}

#[test]
fn a_quilt_series_that_names_what_is_not_there_or_outside_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |text: &str| {
        fs::write(folder.path().join("series"), text).unwrap();
        read(&[folder.path().to_owned()]).unwrap_err().to_string()
    };
    assert!(refused("absent.patch\n").contains("absent.patch: "), "{}", refused("absent.patch\n"));
    let outside = refused("# x\n../../x.patch\n");
    assert!(outside.contains("series, line 2 is not a whole series: its patch is outside"), "{outside}");
}

#[test]
fn what_gzip_packed_is_unpacked_and_no_more_than_the_limit() {
    assert_eq!(subjects(&read_case("packed.mbox.gz")), ["mm: change 1", "mm: change 2"]);
    let folder = tempfile::tempdir().unwrap();
    fs::copy(case("packed.mbox.gz"), folder.path().join("0001-x.patch.gz")).unwrap();
    assert_eq!(read(&[folder.path().to_owned()]).unwrap().patches.len(), 2, "in a folder, too");
    let packed = fs::read(case("packed.mbox.gz")).unwrap();
    assert!(refusal(&packed[..packed.len() - 9]).contains("it is a damaged gzip file"));
    // 300 MiB of blanks in 300 KB.
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    (0..300).for_each(|_| std::io::Write::write_all(&mut bomb, &[b' '; 1 << 20]).unwrap());
    assert!(refusal(bomb.finish().unwrap()).contains("the limit for a series is 256 MiB"));
}

#[test]
fn a_text_without_a_patch_is_refused_with_the_reason() {
    assert_eq!(refusal(""), "cannot use the patch x.mbox: it is empty");
    assert_eq!(refusal("dear maintainer\n"), "cannot use the patch x.mbox: it changes no file");
    assert_eq!(refusal(b"\x7fELF\0\0"), "cannot use the patch x.mbox: it is not text: byte 4 is zero");
    assert!(refusal(b"\x1f\x8b\x08\0").contains("cannot use the patch x.mbox: it is a damaged gzip file: "));
    let reply = mail("Re: [PATCH 1/2] a", "> --- a/x\n> +++ b/x\n");
    assert!(refusal(reply).ends_with("it changes no file (left out: a reply without its own patch)"));
    let cover = mail("[PATCH 0/2] a", "");
    assert!(refusal(cover).ends_with("it has a cover letter and no patch"));
    let html = "Subject: [PATCH] a\nContent-Type: text/html\n\n<pre>--- a/x</pre>\n";
    assert!(refusal(html).ends_with("its text is HTML only, which damages patches"));
}

#[test]
fn an_attachment_of_50_mb_is_left_out_and_reported_and_a_text_of_that_size_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.eml");
    let large = "AAAA".repeat(19).repeat(50 << 20 >> 6);
    let parts = |kind: &str| {
        let body = diff_of("mm/x.c");
        format!(
            "Subject: [PATCH] a\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\n{body}\n--b\n\
             Content-Type: {kind}\nContent-Transfer-Encoding: base64\n\n{large}\n--b--\n"
        )
    };
    fs::write(&path, parts("application/zip")).unwrap();
    let series = read(std::slice::from_ref(&path)).unwrap();
    assert_eq!(series.patches.len(), 1);
    assert!(
        series.notes[0].contains("left out: an attachment of") && series.notes[0].contains("application/zip")
    );
    fs::write(&path, parts("text/x-log")).unwrap();
    let error = read(&[path]).unwrap_err().to_string();
    assert!(error.contains("MiB; the limit for one patch is 16 MiB"), "{error}");
}

#[test]
fn a_patch_cannot_name_a_file_outside_of_the_tree() {
    for name in ["../x", "/etc/passwd", ".git/config", "mm/../../x"] {
        let text = diff_of(name);
        assert!(refusal(&text).contains(&format!("must not touch {name}: it is")), "{}", refusal(&text));
    }
    let quoted = "diff --git a/x b/x\nold mode 100644\nnew mode 100755\ndiff --git \"a/..\\057y\" \"b/..\\057y\"\n\
                  old mode 100644\nnew mode 100755\n";
    assert!(refusal(quoted).contains("must not touch ../y"), "{}", refusal(quoted));
    let renamed = "diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to ../y\n";
    assert!(refusal(renamed).contains("must not touch ../y"));
}

#[test]
fn a_maildir_a_folder_and_single_files_are_one_series_each() {
    let folder = tempfile::tempdir().unwrap();
    let mails = [mail("[PATCH 2/2] b", &diff_of("mm/b.c")), mail("[PATCH 1/2] a", &diff_of("mm/a.c"))];
    for part in ["cur", "new"] {
        fs::create_dir(folder.path().join(part)).unwrap();
    }
    fs::write(folder.path().join("cur/1:2,S"), &mails[0]).unwrap();
    fs::write(folder.path().join("new/2"), &mails[1]).unwrap();
    assert_eq!(subjects(&read(&[folder.path().to_owned()]).unwrap()), ["a", "b"]);
    let single = [folder.path().join("cur/1:2,S"), folder.path().join("new/2")];
    assert_eq!(subjects(&read(&single).unwrap()), ["a", "b"]);
    let files = tempfile::tempdir().unwrap();
    fs::write(files.path().join("0002-b.patch"), diff_of("mm/b.c")).unwrap();
    fs::write(files.path().join("0001-a.patch"), diff_of("mm/a.c")).unwrap();
    fs::write(files.path().join("notes.txt"), "x").unwrap();
    assert_eq!(subjects(&read(&[files.path().to_owned()]).unwrap()), ["0001-a.patch", "0002-b.patch"]);
    let empty = tempfile::tempdir().unwrap();
    assert!(read(&[empty.path().to_owned()]).unwrap_err().to_string().contains("it has no .patch"));
}

/// A repository with a branch `topic` of two commits on top of `main`, which is checked out.
fn repository() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| drop(git::run_in_test(dir.path(), arguments));
    run(&["init", "-q", "-b", "main"]);
    for (at, text) in ["one\n", "two\n", "three\n"].iter().enumerate() {
        fs::write(dir.path().join("x.c"), text).unwrap();
        run(&["add", "."]);
        run(&["commit", "-qm", &format!("commit {at}")]);
        if at == 0 {
            run(&["switch", "-qc", "topic"]);
        }
    }
    run(&["switch", "-q", "main"]);
    // Settings of a user, which must have no effect.
    run(&["config", "diff.noprefix", "true"]);
    run(&["config", "format.noprefix", "true"]);
    run(&["config", "format.attach", "true"]);
    dir
}

#[test]
fn a_range_or_a_branch_of_a_repository_is_its_commits() {
    let dir = repository();
    let input = |range: &str| PathBuf::from(format!("{}:{range}", dir.path().display()));
    for range in ["main..topic", "topic", "topic~2..topic"] {
        assert_eq!(subjects(&read(&[input(range)]).unwrap()), ["commit 1", "commit 2"], "{range}");
    }
    assert_eq!(subjects(&read(&[input("topic~1..topic")]).unwrap()), ["commit 2"]);
    let refused = |range: &str| read(&[input(range)]).unwrap_err().to_string();
    assert!(refused("main").ends_with("HEAD has every commit of main; name its base: BASE..main"));
    assert!(refused("topic..main").ends_with("it has no commit"));
    assert!(refused("absent").contains("cannot take patches from absent in"), "{}", refused("absent"));
    assert!(refused("--output=x").ends_with("it begins with '-'"));
    assert!(
        read(&["/nowhere:x".into()])
            .unwrap_err()
            .to_string()
            .contains("cannot read the patches in /nowhere:x")
    );
}

#[test]
fn a_single_patch_keeps_its_text_and_needs_no_other_of_its_series() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.patch");
    let text = format!("Subject: [PATCH 2/3] a\n\nText.\n---\n{}-- \n2.43.0\n", diff_of("mm/x.c"));
    fs::write(&path, &text).unwrap();
    let patches = read_patches(std::slice::from_ref(&path)).unwrap();
    assert_eq!(patches[0].bytes, text.as_bytes());
    assert_eq!(patches[0].title(), "a");
    fs::write(&path, mail("[PATCH 1/2] a", &diff_of("mm/a.c")) + &mail("[PATCH 2/2] b", &diff_of("mm/b.c")))
        .unwrap();
    assert!(read_patches(&[path]).unwrap_err().to_string().ends_with("use --series for them"));
}

#[test]
fn a_patch_that_adds_the_tracepoint_of_a_bundled_one_replaces_it() {
    let patch = |line: &str| Patch {
        path: "p".into(),
        subject: None,
        bytes: format!("--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n one\n+{line}\n").into_bytes(),
    };
    let (bundled, users) = (patch("TRACE_EVENT(damos_x,"), patch("TRACE_EVENT(damos_x,"));
    let (rest, left_out) = without_duplicates(vec![bundled.clone()], &[users]).unwrap();
    assert!(rest.is_empty());
    assert_eq!(left_out, ["p: the patches on top add their own damos_x"]);
    let (rest, left_out) = without_duplicates(vec![bundled], &[patch("TRACE_EVENT(damos_y,")]).unwrap();
    assert_eq!((rest.len(), left_out.len()), (1, 0));
}

#[test]
fn every_bundled_patch_is_read_without_a_change() {
    for folder in ["7.3", "regressions", "equivalent", "debug"] {
        for entry in fs::read_dir(crate::bundled::home().join("patches").join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "patch") {
                let patch = &read_patches(std::slice::from_ref(&path)).unwrap()[0];
                assert_eq!(patch.bytes, fs::read(&path).unwrap(), "{}", path.display());
            }
        }
    }
}
