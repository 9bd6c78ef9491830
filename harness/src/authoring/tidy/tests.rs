//! Texts that people write, and what becomes of them.

use super::*;
use crate::explore::{self, Focus, Tree};
use crate::scenario;
use proptest::prelude::*;

fn tidied(text: &str) -> String {
    tidy("test.yaml", text).unwrap()
}

#[test]
fn the_files_that_ship_are_tidy() {
    let folders =
        ["scenarios", "scenarios/findings", "scenarios/machines", "examples/my-metric", "examples/rules"];
    let mut wrong = Vec::new();
    for path in
        folders.iter().flat_map(|folder| scenario::paths(&crate::bundled::home().join(folder)).unwrap())
    {
        let text = std::fs::read_to_string(&path).unwrap();
        match tidy("it", &text) {
            Ok(same) if same == text => {}
            Ok(other) => wrong.push(format!(
                "{}\n{}",
                path.display(),
                similar::TextDiff::from_lines(&text, &other).unified_diff()
            )),
            Err(error) => wrong.push(format!("{}: {error}", path.display())),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn levels_are_two_columns_apart_and_dashes_stand_below_their_key() {
    let text = "steps:\n- start\n-   run: {windows: 3}\n- together:\n     - stop\n     -\n        workload: {name: a, end: true}\n";
    let wanted = "steps:\n  - start\n  - run: {windows: 3}\n  - together:\n      - stop\n      -\n        workload: {name: a, end: true}\n";
    assert_eq!(tidied(text), wanted);
}

#[test]
fn comments_stay_with_what_they_are_about() {
    let text = "# head\nversion: 1   # a\nexpect:\n# one\n- {count: a}  # b\nmachine: dram2 # c\n# end\n";
    let wanted =
        "# head\nversion: 1   # a\nmachine: dram2 # c\nexpect:\n  # one\n  - {count: a}  # b\n# end\n";
    assert_eq!(tidied(text), wanted);
}

#[test]
fn blanks_in_brackets_and_at_ends_go_and_one_blank_line_stays() {
    let text = "\n\na: { b: [ 1,2 ],c: \"[ ,x ]\" }  \n\n\n\nd: '{ '\r\n";
    assert_eq!(tidied(text), "a: {b: [1, 2], c: \"[ ,x ]\"}\n\nd: '{ '\n");
}

#[test]
fn the_lines_of_a_block_scalar_are_text() {
    let text = "a:\n    b: |\n        one  \n\n\n          - two: { }\n    c: 1\n";
    let wanted = "a:\n  b: |\n      one  \n\n\n        - two: { }\n  c: 1\n";
    assert_eq!(tidied(text), wanted);
}

#[test]
fn what_lines_do_not_show_is_left_as_it_is() {
    let text = "machine: *it\nversion: &it 1\n";
    assert!(tidy("test.yaml", text).is_err());
    let anchor = "steps: *it\nversion: 1\nmachine: &it [x]\n";
    assert!(tidy("test.yaml", anchor).is_err());
}

/// What people do to a file.
fn mangled(text: &str, what: u8) -> String {
    match what {
        0 => text.replace('\n', "   \n"),
        1 => text.replace('\n', "\r\n"),
        2 => {
            let wider = |line: &str| {
                let content = line.trim_start();
                // What follows a dash moves as far as the lines below it.
                let content_after =
                    content.strip_prefix("- ").map_or(content.to_owned(), |item| format!("-   {item}"));
                format!("{}{content_after}\n", " ".repeat((line.len() - content.len()) * 2))
            };
            text.lines().map(wider).collect()
        }
        3 => format!("\n# a comment\n{}\n\n\n# another\n", text.replace('\n', "\n\n\n")),
        4 => text.replace("{", "{ ").replace("}", " }").replace("[", "[  "),
        _ => text.to_owned(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn drawn_scenarios_keep_their_meaning_and_a_tidy_file_stays_as_it_is(number in 0..10_000u64, what in 0..6u8) {
        let text = explore::draw(1, number, &Focus::default()).unwrap().source.text;
        let text = mangled(&text, what);
        let once = tidied(&text);
        prop_assert_eq!(&tidied(&once), &once);
        let sorted = |text: &str| {
            let Ok(Tree::Map(mut entries)) = Tree::read("it", text) else { panic!("no mapping") };
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            entries
        };
        prop_assert_eq!(sorted(&text), sorted(&once));
    }

    /// Whatever is typed: it is tidied with the same meaning, or refused.
    #[test]
    fn any_text_is_tidied_or_refused(parts in prop::collection::vec(prop::sample::select(PARTS.to_vec()), 0..24)) {
        let text = parts.concat();
        if let Ok(once) = tidy("it", &text) {
            // Not so without the rounds: "!t \n  ---\n- " needs two.
            prop_assert_eq!(tidy("it", &once).ok(), Some(once.clone()), "{}", text);
        }
    }
}

/// Pieces of YAML.
const PARTS: &[&str] = &[
    "a",
    "b: ",
    "- ",
    "-",
    "\n",
    "\n",
    "\n  ",
    "\n    ",
    "\n      - ",
    " ",
    "  ",
    "\t",
    "\r\n",
    "{",
    "}",
    "[",
    "]",
    ", ",
    ",",
    "\"",
    "'",
    "''",
    "# c",
    " # d",
    "|",
    ">-",
    ": |\n",
    "&x ",
    "*x",
    "---\n",
    "?",
    "!t ",
    "é",
    "version: 1\n",
    "steps:\n",
];
