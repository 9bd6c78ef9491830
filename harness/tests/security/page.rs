//! The pages about security and attacks: each test that they name is one.

use super::{repository, text};
use std::path::Path;

/// The words in backticks that are names of tests: nothing else has so many underscores.
fn tests_named_in(page: &str) -> Vec<&str> {
    let words = page.split('`').skip(1).step_by(2);
    let name = |word: &&str| {
        word.matches('_').count() >= 4
            && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    words.filter(name).collect()
}

/// The text of all Rust files below `folder`.
fn sources(folder: &Path, all: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|end| end == "rs") {
            all.push_str(&std::fs::read_to_string(path).expect("a source"));
        }
    }
}

#[test]
fn every_test_that_the_pages_name_is_there() {
    let mut all = String::new();
    for folder in ["harness/src", "harness/tests", "protocol/src"] {
        sources(&repository().join(folder), &mut all);
    }
    let is_there = |name: &str| all.contains(&format!("fn {name}(")) || all.contains(&format!("\"{name}\""));
    for name in ["docs/SECURITY.md", "docs/attacks.md"] {
        let page = text(name);
        let named = tests_named_in(&page);
        let missing: Vec<&&str> = named.iter().filter(|name| !is_there(name)).collect();
        assert!(missing.is_empty(), "{name} names tests that are not there: {missing:?}");
        assert!(named.len() > 25, "{name} names only {}", named.len());
    }
}
