//! The file `series` of a quilt folder: which patches there are, in which order.

use std::path::Path;

/// A line of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// The patch, below the folder.
    pub name: String,
    /// Whether it is applied backwards (`-R`).
    pub reversed: bool,
}

/// The most lines with a patch.
const MAX_ENTRIES: usize = 10_000;

/// The patches that the text of `series` names; a comment begins with `#`.
///
/// # Errors
/// The line, from 1, and what is wrong with it.
pub fn entries(text: &str) -> Result<Vec<Entry>, (usize, String)> {
    let mut entries = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let wrong = |what: String| Err((at + 1, what));
        // A `#` inside of a name belongs to it.
        let mut words = line.split_whitespace().take_while(|word| !word.starts_with('#'));
        let Some(name) = words.next() else { continue };
        if Path::new(name).components().any(|part| !matches!(part, std::path::Component::Normal(_))) {
            return wrong("its patch is outside of the folder".to_owned());
        }
        let mut entry = Entry { name: name.to_owned(), reversed: false };
        for option in words {
            match option {
                "-p1" | "-pab" => {}
                "-R" => entry.reversed = true,
                other if other.starts_with("-p") => {
                    return wrong(format!("damonlab applies patches with -p1, and it says '{other}'"));
                }
                other => return wrong(format!("'{other}' is no option of a patch; there are -p1 and -R")),
            }
        }
        entries.push(entry);
        if entries.len() > MAX_ENTRIES {
            return wrong(format!("more than {MAX_ENTRIES} patches, which is the limit"));
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_empty_lines_are_no_patches_and_options_belong_to_one() {
        let text = "# mm-hotfixes\n\nfirst.patch\nsub/second.patch -p1 # why\n#off.patch\nback.patch -R\n";
        let entry = |name: &str, reversed| Entry { name: name.to_owned(), reversed };
        let wanted =
            vec![entry("first.patch", false), entry("sub/second.patch", false), entry("back.patch", true)];
        assert_eq!(entries(text), Ok(wanted));
    }

    #[test]
    fn a_name_that_leads_out_and_another_option_are_refused_with_their_line() {
        for (text, line, what) in [
            ("a.patch\n../b.patch\n", 2, "outside of the folder"),
            ("/etc/passwd\n", 1, "outside of the folder"),
            ("a.patch -p0\n", 1, "with -p1"),
            ("a.patch --fuzz=3\n", 1, "'--fuzz=3' is no option"),
        ] {
            let (found, why) = entries(text).unwrap_err();
            assert!(found == line && why.contains(what), "{text}: {found} {why}");
        }
    }
}
