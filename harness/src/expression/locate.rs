//! Places in the text of an expression.

use std::ops::Range;

/// The bytes at a line and a column, both from 1, as the parser counts them: in characters.
pub(super) fn place(text: &str, (line, column): (isize, isize)) -> Option<Range<usize>> {
    let (line, column) = (usize::try_from(line).ok()?, usize::try_from(column).ok()?);
    let before: usize = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let rest = text.get(before..)?;
    let offset = rest.char_indices().nth(column.checked_sub(1)?).map_or(rest.len(), |(offset, _)| offset);
    let start = before + offset;
    let length = text[start..].chars().next().map_or(0, char::len_utf8);
    Some(start..start + length)
}

/// The bytes of a word where it stands by itself.
pub(super) fn word(text: &str, word: &str) -> Option<Range<usize>> {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let alone = |start: &usize| {
        let before = text[..*start].chars().next_back();
        let after = text[start + word.len()..].chars().next();
        !before.is_some_and(|c| part(c) || c == '.') && !after.is_some_and(part)
    };
    let start = text.match_indices(word).map(|(start, _)| start).find(alone)?;
    Some(start..start + word.len())
}
