//! File names as diffs write them: after `a/` or `b/`, and quoted like C strings if git finds that necessary.

/// The name in the text after `--- ` or `+++ `, without its first folder; none for `/dev/null`.
pub fn of_file_line(text: &str) -> Option<String> {
    let name = match text.strip_prefix('"') {
        Some(_) => unquoted(text)?.0,
        // Programs other than git add a tab and a time.
        None => text.split('\t').next()?.trim_end_matches('\r').trim_end().to_owned(),
    };
    (name != "/dev/null").then(|| stripped(&name))
}

/// The name in the text after `rename from `, which has no `a/`.
pub fn of_rename_line(text: &str) -> Option<String> {
    match text.starts_with('"') {
        true => unquoted(text).map(|(name, _)| name),
        false => Some(text.trim_end_matches('\r').to_owned()),
    }
}

/// The name that stands twice in the text after `diff --git `; none if the two differ.
pub fn of_git_line(text: &str) -> Option<String> {
    if text.starts_with('"') {
        let (first, rest) = unquoted(text)?;
        let second = of_rename_line(rest.strip_prefix(' ')?)?;
        return (stripped(&first) == stripped(&second)).then(|| stripped(&first));
    }
    let text = text.trim_end_matches('\r');
    let split = text.match_indices(' ').map(|(at, _)| (&text[..at], &text[at + 1..]));
    split.map(|(first, second)| (stripped(first), stripped(second))).find_map(|(a, b)| (a == b).then_some(a))
}

/// Strips the first folder, as `git apply -p1` does. A name without a folder becomes empty, and is refused by
/// `tree_paths`.
fn stripped(name: &str) -> String {
    name.split_once('/').map_or("", |(_, rest)| rest).to_owned()
}

/// The quoted string at the beginning of `text`, and the text after it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let bytes = text.as_bytes();
    let mut name = Vec::new();
    let mut at = 1;
    loop {
        match *bytes.get(at)? {
            b'"' => return Some((String::from_utf8(name).ok()?, &text[at + 1..])),
            b'\\' => {
                let escaped = *bytes.get(at + 1)?;
                at += 1;
                name.push(match escaped {
                    b'a' => 7,
                    b'b' => 8,
                    b't' => b'\t',
                    b'n' => b'\n',
                    b'v' => 11,
                    b'f' => 12,
                    b'r' => b'\r',
                    b'"' | b'\\' => escaped,
                    b'0'..=b'3' => {
                        let octal = text.get(at..at + 3)?;
                        at += 2;
                        u8::from_str_radix(octal, 8).ok()?
                    }
                    _ => return None,
                });
            }
            other => name.push(other),
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_first_folder_and_a_trailing_time() {
        assert_eq!(of_file_line("a/mm/core.c"), Some("mm/core.c".into()));
        assert_eq!(of_file_line("linux.orig/mm/core.c\t2026-05-29 12:00:00"), Some("mm/core.c".into()));
        assert_eq!(of_file_line("/dev/null"), None);
        assert_eq!(of_file_line("a//etc/passwd"), Some("/etc/passwd".into()));
        assert_eq!(of_git_line("a/with blank b/x b/with blank b/x"), Some("with blank b/x".into()));
        assert_eq!(of_git_line("a/old b/new"), None);
    }

    #[test]
    fn escapes_in_quoted_names_are_resolved() {
        assert_eq!(of_file_line(r#""a/with\ttab""#), Some("with\ttab".into()));
        assert_eq!(of_file_line(r#""a/..\057x""#), Some("../x".into()));
        assert_eq!(of_file_line(r#""a/\303\244.c""#), Some("ä.c".into()));
        assert_eq!(of_git_line(r#""a/q\"x" "b/q\"x""#), Some("q\"x".into()));
        assert_eq!(of_rename_line(r#""un\qknown""#), None);
    }
}
