//! Names of files as diffs write them: after `a/` or `b/`, quoted like C strings where git thinks that they need it.

/// The name in what follows `--- ` or `+++ `, without its first folder; none for `/dev/null`.
pub fn one(text: &str) -> Option<String> {
    let name = match text.strip_prefix('"') {
        Some(_) => unquoted(text)?.0,
        // Other programs than git put a time behind a tab.
        None => text.split('\t').next()?.trim_end_matches('\r').trim_end().to_owned(),
    };
    (name != "/dev/null").then(|| stripped(&name))
}

/// The name in what follows `rename from `, which has no first folder to take off.
pub fn bare(text: &str) -> Option<String> {
    match text.starts_with('"') {
        true => unquoted(text).map(|(name, _)| name),
        false => Some(text.trim_end_matches('\r').to_owned()),
    }
}

/// The name that stands twice in what follows `diff --git `; none if the two differ.
pub fn both(text: &str) -> Option<String> {
    if text.starts_with('"') {
        let (first, rest) = unquoted(text)?;
        let second = bare(rest.strip_prefix(' ')?)?;
        return (stripped(&first) == stripped(&second)).then(|| stripped(&first));
    }
    let text = text.trim_end_matches('\r');
    let split = text.match_indices(' ').map(|(at, _)| (&text[..at], &text[at + 1..]));
    split.map(|(first, second)| (stripped(first), stripped(second))).find_map(|(a, b)| (a == b).then_some(a))
}

/// As `git apply -p1` does it; a name without a folder is refused where names are looked at.
fn stripped(name: &str) -> String {
    name.split_once('/').map_or("", |(_, rest)| rest).to_owned()
}

/// The string that `text` begins with, and what is behind it.
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
    fn names_lose_their_first_folder_and_the_time_behind_them() {
        assert_eq!(one("a/mm/core.c"), Some("mm/core.c".into()));
        assert_eq!(one("linux.orig/mm/core.c\t2026-05-29 12:00:00"), Some("mm/core.c".into()));
        assert_eq!(one("/dev/null"), None);
        assert_eq!(one("a//etc/passwd"), Some("/etc/passwd".into()));
        assert_eq!(both("a/with blank b/x b/with blank b/x"), Some("with blank b/x".into()));
        assert_eq!(both("a/old b/new"), None);
    }

    #[test]
    fn quoted_names_are_what_their_escapes_say() {
        assert_eq!(one(r#""a/with\ttab""#), Some("with\ttab".into()));
        assert_eq!(one(r#""a/..\057x""#), Some("../x".into()));
        assert_eq!(one(r#""a/\303\244.c""#), Some("ä.c".into()));
        assert_eq!(both(r#""a/q\"x" "b/q\"x""#), Some("q\"x".into()));
        assert_eq!(bare(r#""un\qknown""#), None);
    }
}
