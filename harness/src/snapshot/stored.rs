//! The stored texts in `snapshots/`, read without `cargo insta`, for those who only want to know whether a run is like them.

use crate::bundled;
use crate::host::text::printable;
use crate::scenario::SnapshotKind;

/// The stored text of a scenario, if there is one.
pub fn stored(scenario: &str, kind: SnapshotKind) -> Option<String> {
    let kind = match kind {
        SnapshotKind::Interface => "interface",
        SnapshotKind::Behaviour => "behaviour",
    };
    let path = bundled::file("snapshots", &format!("{scenario}@{kind}.snap"));
    content(&std::fs::read_to_string(path).ok()?).map(str::to_owned)
}

/// What stands below insta's header.
fn content(file: &str) -> Option<&str> {
    let (_, rest) = file.strip_prefix("---\n")?.split_once("\n---\n")?;
    Some(rest)
}

/// The first line in which a text is not the stored one; as insta does, ends of texts are not compared.
pub fn first_difference(stored: &str, new: &str) -> Option<String> {
    let (mut stored, mut new) = (stored.trim_end().lines(), new.trim_end().lines());
    let mut number = 0;
    loop {
        number += 1;
        match (stored.next(), new.next()) {
            (None, None) => return None,
            (old, new) if old == new => {}
            (old, new) => {
                let word = |line: Option<&str>| printable(line.map_or("the end", str::trim));
                return Some(format!("expected '{}'; saw '{}' (line {number})", word(old), word(new)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shipped_text_is_found_and_begins_below_its_header() {
        let text = stored("idle", SnapshotKind::Behaviour).unwrap();
        assert!(text.starts_with("steps\n"), "{text}");
        assert_eq!(stored("no-such-scenario", SnapshotKind::Behaviour), None);
    }

    #[test]
    fn equal_texts_have_no_difference_and_others_their_first_one() {
        assert_eq!(first_difference("a\nb\n", "a\nb"), None);
        assert_eq!(first_difference("a\n  b", "a\nc").unwrap(), "expected 'b'; saw 'c' (line 2)");
        assert_eq!(first_difference("a\nb", "a").unwrap(), "expected 'b'; saw 'the end' (line 2)");
    }
}
