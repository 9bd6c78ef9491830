//! What a format prints, read back as a program reads it: hostile text has changed nothing of its structure.

use super::Item;
use crate::host::text::is_shown;
use crate::ktap::Ktap;

/// XML without control characters, that has the cases and nothing else.
pub(crate) fn is_junit(text: &str, cases: usize) {
    assert!(text.chars().all(|c| c == '\n' || is_shown(c)), "{text:?}");
    let report = quick_junit::Report::deserialize_from_str(text).unwrap();
    assert_eq!((report.test_suites.len(), report.tests), (cases, cases));
}

/// Tests with the results of the items and their checks, and no other line.
pub(crate) fn is_ktap(text: &str, items: &[Item]) {
    assert!(text.chars().all(|c| c == '\n' || is_shown(c)), "{text:?}");
    let read = Ktap::parse(text);
    assert!(read.problems.is_empty(), "{:?}\n{text}", read.problems);
    let results = text.lines().map(str::trim_start);
    let results = results.filter(|line| line.starts_with("ok ") || line.starts_with("not ok "));
    // A case that is its suite has one line, and any other two.
    let most: usize = items.iter().map(|item| item.checks.len() + 2).sum();
    assert!((items.len()..=most).contains(&results.count()), "{text}");
    assert!(text.lines().all(|line| line == "KTAP version 1" || line.starts_with([' ', '#', '1', 'o', 'n'])));
}

/// A row for each item, and nothing that is no text.
pub(crate) fn is_markdown(text: &str, rows: usize) {
    assert!(text.chars().all(|c| c == '\n' || is_shown(c)), "{text:?}");
    let (mut fence, mut outside) = (None, Vec::new());
    for line in text.lines() {
        let marks = line.len() - line.trim_start_matches('`').len();
        match fence {
            None if marks >= 3 => fence = Some(marks),
            None => outside.push(line),
            Some(open) if marks >= open => fence = None,
            Some(_) => {}
        }
    }
    assert_eq!(
        (fence, outside.iter().filter(|line| line.starts_with("| ")).count()),
        (None, rows + 1),
        "{text}"
    );
    let tags = ["<details><summary>", "</summary>", "</details>"];
    let plain = tags.iter().fold(outside.join("\n"), |text, tag| text.replace(tag, ""));
    assert!(!plain.contains(['<', '>', '@', '[', '*', '_', '\\']), "{plain}");
}

/// The runner of a workflow obeys damonlab's own commands alone.
pub(crate) fn is_github(text: &str) {
    assert!(!text.contains("##["), "{text}");
    for line in text.lines().filter(|line| line.trim_start().starts_with("::")) {
        assert!(line.starts_with("::error ") || line.starts_with("::notice title=damonlab::"), "{line}");
    }
}

/// The elements that a page has besides its script and its style.
const ELEMENTS: &str = "html head meta title body header main section article figure figcaption details summary h1 h2 h3 h4 \
    p small b i a span div dl dt dd ul li pre code table thead tbody tr th td noscript";

/// A page whose only markup is damonlab's: two scripts, elements that it uses, no handler, and data that reads back.
pub(crate) fn is_html(text: &str) {
    assert!(text.chars().all(|c| c == '\n' || is_shown(c)), "{text:?}");
    let (head, rest) = text.split_once("<style>").unwrap();
    let (body, rest) = rest
        .split_once("</style>")
        .unwrap()
        .1
        .split_once("<script type=\"application/json\" id=\"data\">")
        .unwrap();
    let (data, script) = rest.split_once("</script>").unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(data).is_ok() && !data.contains('<'), "{data}");
    assert_eq!((script.matches("<script>").count(), script.matches("</script>").count()), (1, 1));
    assert!(head.starts_with("<!DOCTYPE html>\n<html lang=\"en\">") && script.ends_with("</html>"), "{text}");
    for tag in body.split('<').skip(1) {
        let name = tag.trim_start_matches('/').split([' ', '>', '\n']).next().unwrap_or_default();
        assert!(ELEMENTS.split_whitespace().any(|known| known == name), "<{tag}");
        let attributes = tag.split('>').next().unwrap_or_default();
        assert!(!attributes.contains(" on") || attributes.contains("title="), "<{tag}");
    }
}

/// Lines of a mail: 72 columns, but for a word of a command, which would not be the same in two pieces.
pub(crate) fn is_mail(text: &str) {
    for line in text.lines() {
        let word = line.trim().trim_start_matches("$ ").trim_end_matches(" \\");
        assert!(line.chars().all(is_shown), "{line:?}");
        assert!(textwrap::core::display_width(line) <= 72 || !word.contains(' '), "{line:?}");
    }
}
