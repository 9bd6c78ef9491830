//! The nearest known name to an unknown one.

/// A longer name, in bytes, is near to none.
const LONGEST: usize = 200;

/// `did you mean 'x'?` where something is near, else all that is known.
pub(crate) fn among(found: &str, known: &[&str]) -> String {
    did_you_mean(found, known.iter().copied()).unwrap_or_else(|| format!("known here: {}", known.join(", ")))
}

/// `did you mean 'x'?` where something is near, and the command that lists all that is known.
pub(crate) fn or_list<'a>(found: &str, known: impl IntoIterator<Item = &'a str>, command: &str) -> String {
    let list = format!("`{command}` shows what there is");
    did_you_mean(found, known).map(|nearest| format!("{nearest} {list}")).unwrap_or(list)
}

fn did_you_mean<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(found, known).map(|name| format!("did you mean '{name}'?"))
}

/// The known name that is nearest, if one is near.
pub(crate) fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Edits take time to count.
    let found = Some(found).filter(|found| found.len() <= LONGEST)?;
    let limit = (found.chars().count() / 3).max(1);
    let nearest = known.into_iter().map(|name| (distance(found, name), name)).min();
    nearest.filter(|(edits, _)| *edits <= limit).map(|(_, name)| name)
}

/// Edits (insert, delete, replace one character, swap two neighbours) from `a` to `b`, case ignored.
fn distance(a: &str, b: &str) -> usize {
    let lower = |text: &str| text.chars().map(|c| c.to_ascii_lowercase()).collect::<Vec<_>>();
    let (a, b) = (lower(a), lower(b));
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut edits = (row[j] + usize::from(x != y)).min(next[j] + 1).min(row[j + 1] + 1);
            if i > 0 && j > 0 && (*x, a[i - 1]) == (b[j - 1], *y) {
                edits = edits.min(before[j - 1] + 1);
            }
            next.push(edits);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_mistake_finds_the_name() {
        assert_eq!(among("memmory", &["memory", "cpus", "from"]), "did you mean 'memory'?");
        assert_eq!(among("Migrate_hot", &["migrate_hot", "migrate_cold"]), "did you mean 'migrate_hot'?");
    }

    #[test]
    fn an_unlike_name_gets_the_whole_list() {
        assert_eq!(among("colour", &["memory", "cpus"]), "known here: memory, cpus");
    }

    #[test]
    fn a_long_list_is_named_by_the_command_that_shows_it() {
        let known = || ["pull-push", "idle"].into_iter();
        let near = or_list("pul-push", known(), "damonlab list");
        assert_eq!(near, "did you mean 'pull-push'? `damonlab list` shows what there is");
        assert_eq!(or_list("colour", known(), "damonlab list"), "`damonlab list` shows what there is");
    }

    #[test]
    fn distances_are_edits() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("rnu", "run"), 1);
    }
}
