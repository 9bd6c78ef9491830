//! The links in a line of Markdown.

/// The line, where each link became what `shown` makes of its words and its address.
pub(crate) fn replace(line: &str, shown: impl Fn(&str, &str) -> String) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('[') {
        out.push_str(before);
        rest = after;
        let link = after.split_once("](").filter(|(words, _)| !words.contains(['[', ']']));
        match link.and_then(|(words, address)| Some((words, address.split_once(')')?))) {
            Some((words, (address, after))) => {
                out.push_str(&shown(words, address));
                rest = after;
            }
            None => out.push('['),
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_replaced_and_other_brackets_stay() {
        let shown = |words: &str, address: &str| format!("<{words}|{address}>");
        assert_eq!(replace("a [b](c.md#d), [MIN, MAX] e(f)", shown), "a <b|c.md#d>, [MIN, MAX] e(f)");
        assert_eq!(replace("[a](b) [c", shown), "<a|b> [c");
    }
}
