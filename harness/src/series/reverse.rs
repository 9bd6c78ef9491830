//! A diff the other way round, as `patch -R` applies it.

use super::diff::{Diff, FileDiff, Hunk};

/// `diff` backwards; none if it renames, copies or has a binary file, which is not all in the text.
pub fn reversed(diff: &Diff) -> Option<Diff> {
    diff.files.iter().map(file).collect::<Option<Vec<_>>>().map(|files| Diff { files })
}

fn file(file: &FileDiff) -> Option<FileDiff> {
    let mut header = Vec::new();
    let mut names: (Vec<u8>, Vec<u8>) = Default::default();
    let mut modes: (Option<Vec<u8>>, Option<Vec<u8>>) = (None, None);
    for line in &file.header {
        let rest = |prefix: &str| line.strip_prefix(prefix.as_bytes());
        if let Some(name) = rest("--- ") {
            names.0 = [b"+++ ", name].concat();
        } else if let Some(name) = rest("+++ ") {
            names.1 = [b"--- ", name].concat();
        } else if let Some(mode) = rest("old mode ") {
            modes.0 = Some([b"new mode ", mode].concat());
        } else if let Some(mode) = rest("new mode ") {
            modes.1 = Some([b"old mode ", mode].concat());
        } else if let Some(mode) = rest("new file mode ") {
            header.push([b"deleted file mode ", mode].concat());
        } else if let Some(mode) = rest("deleted file mode ") {
            header.push([b"new file mode ", mode].concat());
        } else if rest("diff --git ").is_some() {
            header.push(line.clone());
        } else if rest("index ").is_none() {
            return None;
        }
        // The `index` line is about the other direction, and nothing needs it.
    }
    header.extend([modes.1, modes.0].into_iter().flatten());
    if file.named {
        header.extend([names.1, names.0]);
    }
    let hunks = file.hunks.iter().map(reversed_hunk).collect();
    Some(FileDiff { header, old: file.new.clone(), new: file.old.clone(), hunks, named: file.named })
}

/// `hunk` backwards.
pub(super) fn reversed_hunk(hunk: &Hunk) -> Hunk {
    let line = |line: &Vec<u8>| match line.split_first() {
        Some((b'-', rest)) => [b"+", rest].concat(),
        Some((b'+', rest)) => [b"-", rest].concat(),
        _ => line.clone(),
    };
    let lines = hunk.lines.iter().map(line).collect();
    Hunk { old_start: hunk.new_start, new_start: hunk.old_start, lines, ..hunk.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Diff {
        Diff::parse(text.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn a_diff_backwards_takes_out_what_it_put_in() {
        let text =
            "diff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@ f\n a\n-b\n+c\n+d\n";
        let back = reversed(&parsed(text)).unwrap();
        let wanted = "diff --git a/x b/x\n--- b/x\n+++ a/x\n@@ -1,3 +1,2 @@ f\n a\n+b\n-c\n-d\n";
        assert_eq!(String::from_utf8(back.bytes()).unwrap(), wanted);
        assert_eq!(reversed(&back).unwrap().files[0].hunks, parsed(text).files[0].hunks);
    }

    #[test]
    fn a_new_file_backwards_is_a_removed_one_and_a_mode_goes_back() {
        let text = "diff --git a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n";
        let back = reversed(&parsed(text)).unwrap();
        assert_eq!((back.files[0].old.as_deref(), back.files[0].new.as_deref()), (Some("x"), None));
        let wanted =
            "diff --git a/x b/x\ndeleted file mode 100644\n--- b/x\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a\n";
        assert_eq!(String::from_utf8(back.bytes()).unwrap(), wanted);
        let mode = "diff --git a/x b/x\nold mode 100644\nnew mode 100755\n";
        let back = String::from_utf8(reversed(&parsed(mode)).unwrap().bytes()).unwrap();
        assert_eq!(back, "diff --git a/x b/x\nold mode 100755\nnew mode 100644\n");
    }

    #[test]
    fn a_rename_is_not_reversed() {
        let text = "diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\n";
        assert_eq!(reversed(&parsed(text)), None);
    }
}
