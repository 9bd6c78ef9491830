//! The steps in their order, and whether the meaning is still there.

use super::indent::{Scanner, indented};
use super::{order, spaces};
use crate::explore::Tree;
use crate::grammar::Wrong;
use crate::host::fault::{Fault, Faulty};
use miette::Diagnostic;

/// Why a text is left as it is.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum Untidy {
    /// It is not YAML.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Wrong(#[from] Box<Wrong>),
    /// Lines alone do not show its structure.
    #[error("{file} is left as it is: moving its lines would change what it says")]
    #[diagnostic(help(
        "write each value on lines that are indented below their key, and anchors before their aliases"
    ))]
    Meaning {
        /// The file.
        file: String,
    },
}

impl Faulty for Untidy {
    fn fault(&self) -> Fault {
        Fault::BadInput
    }
}

/// `text` in the form of the scenarios that ship; errors call it `file`.
///
/// # Errors
/// It is not YAML, or its structure cannot be seen from its lines.
pub fn tidy(file: &str, text: &str) -> Result<String, Untidy> {
    let before = Tree::read(file, text)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let keeps_meaning = |tidied: &String| {
        let after = Tree::read(file, tidied);
        after.is_ok_and(|after| same(&before, &after)) && comments(&text) == comments(tidied)
    };
    settled(&text).filter(keeps_meaning).ok_or_else(|| Untidy::Meaning { file: file.to_owned() })
}

/// How often the steps are taken at most until nothing changes any more.
const ROUNDS: usize = 4;

/// What the steps leave as it is; none if they come to no end.
fn settled(text: &str) -> Option<String> {
    let mut tidied = steps(text);
    for _ in 0..ROUNDS {
        let again = steps(&tidied);
        if again == tidied {
            return Some(tidied);
        }
        tidied = again;
    }
    None
}

fn steps(text: &str) -> String {
    spaces::blank_lines(&order::sections(&indented(&spaces::in_lines(text))))
}

/// Whether two files say the same: at the top, keys have no order.
fn same(a: &Tree, b: &Tree) -> bool {
    match (a, b) {
        (Tree::Map(a), Tree::Map(b)) => {
            let sorted = |entries: &[(String, Tree)]| {
                let mut entries = entries.to_vec();
                entries.sort_by(|(one, _), (other, _)| one.cmp(other));
                entries
            };
            sorted(a) == sorted(b)
        }
        _ => a == b,
    }
}

/// The comments, in no order.
fn comments(text: &str) -> Vec<&str> {
    let mut scanner = Scanner::default();
    let mut comments = Vec::new();
    for line in text.lines() {
        for (at, c) in line.char_indices() {
            scanner.take(c, line[at..].chars().nth(1));
            if scanner.is_comment() {
                comments.push(line[at..].trim_end());
                break;
            }
        }
        scanner.end_of_line();
    }
    comments.sort_unstable();
    comments
}
