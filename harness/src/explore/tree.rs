//! A scenario as a tree of YAML, without meaning: built by the generator, cut by the shrinker, written as text for people.

use crate::grammar::{Fault, Wrong};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A node of the tree. Keys keep their order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Tree {
    /// No value.
    Null,
    /// The text of a single value.
    Leaf(String),
    /// A list.
    List(Vec<Tree>),
    /// A mapping.
    Map(Vec<(String, Tree)>),
}

/// A line that is not longer is not broken.
const WIDTH: usize = 110;

/// A mapping of these keys.
pub fn map<const N: usize>(entries: [(&str, Tree); N]) -> Tree {
    Tree::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// A list of these.
pub fn list(items: impl IntoIterator<Item = Tree>) -> Tree {
    Tree::List(items.into_iter().collect())
}

impl From<&str> for Tree {
    fn from(text: &str) -> Tree {
        Tree::Leaf(text.to_owned())
    }
}

impl From<String> for Tree {
    fn from(text: String) -> Tree {
        Tree::Leaf(text)
    }
}

impl From<u64> for Tree {
    fn from(number: u64) -> Tree {
        Tree::Leaf(number.to_string())
    }
}

impl From<bool> for Tree {
    fn from(flag: bool) -> Tree {
        Tree::Leaf(flag.to_string())
    }
}

impl Tree {
    /// The tree of a text; errors call it `file`.
    ///
    /// # Errors
    /// It is not YAML.
    pub fn read(file: &str, text: &str) -> Result<Tree, Box<Wrong>> {
        // `on` and `Y` are values of files, and stay as they are.
        let options = serde_saphyr::options! { with_snippet: false, strict_booleans: true };
        serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| Fault::from_yaml(&error).inside(file, text))
    }

    /// Adds a key to a mapping.
    pub fn set(&mut self, key: &str, value: impl Into<Tree>) {
        if let Tree::Map(entries) = self {
            entries.retain(|(known, _)| known != key);
            entries.push((key.to_owned(), value.into()));
        }
    }

    /// Replaces the value of a key where it stands.
    pub fn set_in_place(&mut self, key: &str, value: Tree) {
        if let Tree::Map(entries) = self {
            entries.iter_mut().filter(|(known, _)| known == key).for_each(|(_, old)| *old = value.clone());
        }
    }

    /// The value of a key, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Tree> {
        match self {
            Tree::Map(entries) => entries.iter_mut().find(|(known, _)| known == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Removes a key.
    pub fn remove(&mut self, key: &str) {
        if let Tree::Map(entries) = self {
            entries.retain(|(known, _)| known != key);
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Tree> {
        match self {
            Tree::Map(entries) => entries.iter().find(|(known, _)| known == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The items of a list; none of anything else.
    pub fn items(&self) -> &[Tree] {
        match self {
            Tree::List(items) => items,
            _ => &[],
        }
    }

    /// How many nodes it has.
    pub fn size(&self) -> usize {
        1 + match self {
            Tree::Null | Tree::Leaf(_) => 0,
            Tree::List(items) => items.iter().map(Tree::size).sum(),
            Tree::Map(entries) => entries.iter().map(|(_, value)| value.size()).sum(),
        }
    }

    /// The tree as YAML: what fits on a line is on one line.
    pub fn text(&self) -> String {
        let mut text = String::new();
        match self {
            Tree::Map(entries) => write_entries(entries, 0, true, &mut text),
            other => text.push_str(&flow(other)),
        }
        text
    }
}

fn write_entries(entries: &[(String, Tree)], indent: usize, top: bool, text: &mut String) {
    for (key, value) in entries {
        text.push_str(&format!("{:indent$}{}:", "", quoted(key)));
        write_value(value, indent, top, text);
    }
}

/// A value behind its key, or behind the dash of a list.
fn write_value(value: &Tree, indent: usize, top: bool, text: &mut String) {
    let line = flow(value);
    // At the top, lists are written one item a line.
    let is_long =
        indent + line.len() + 20 > WIDTH || top && matches!(value, Tree::List(items) if items.len() > 1);
    match value {
        Tree::Map(entries) if is_long && !entries.is_empty() => {
            text.push('\n');
            write_entries(entries, indent + 2, false, text);
        }
        Tree::List(items) if is_long && !items.is_empty() => {
            text.push('\n');
            items.iter().for_each(|item| write_item(item, indent + 2, text));
        }
        _ => text.push_str(&format!(" {line}\n")),
    }
}

fn write_item(item: &Tree, indent: usize, text: &mut String) {
    let line = flow(item);
    text.push_str(&format!("{:indent$}-", ""));
    match item {
        Tree::Map(entries) if !entries.is_empty() && indent + line.len() + 2 > WIDTH => {
            let mut inner = String::new();
            write_entries(entries, indent + 2, false, &mut inner);
            text.push_str(&format!(" {}", inner.trim_start()));
        }
        _ => text.push_str(&format!(" {line}\n")),
    }
}

/// The tree on one line.
fn flow(tree: &Tree) -> String {
    match tree {
        Tree::Null => "null".to_owned(),
        Tree::Leaf(text) => quoted(text),
        Tree::List(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Tree::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{}: {}", quoted(key), flow(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A scalar, between quotes where YAML would read something else.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || " _./%;+-".contains(c);
    let begins = |c: char| c.is_alphanumeric() || c == '_' || c == '/' || c == '.';
    let negative = text.strip_prefix('-').is_some_and(|rest| rest.parse::<u64>().is_ok());
    // A number that YAML would write otherwise loses nothing as text.
    let is_whole = text.parse::<u64>().is_ok_and(|number| number.to_string() == text) || negative;
    let is_other_number = text.parse::<f64>().is_ok() && !is_whole;
    let is_plain = !is_other_number
        && (text.starts_with(begins) || negative)
        && text.chars().all(plain)
        && !text.ends_with(' ')
        && !["null", "Null", "NULL"].contains(&text);
    if is_plain {
        return text.to_owned();
    }
    let mut line = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => line.extend(['\\', c]),
            '\n' => line.push_str("\\n"),
            '\t' => line.push_str("\\t"),
            _ => line.push(c),
        }
    }
    line.push('"');
    line
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Tree, E> {
        Ok(flag.into())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Tree, E> {
        Ok(number.to_string().into())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Tree, E> {
        Ok(number.into())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Tree, E> {
        Ok(number.to_string().into())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Tree, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut found = Vec::new();
        while let Some(item) = items.next_element()? {
            found.push(item);
        }
        Ok(Tree::List(found))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut found = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            found.push(entry);
        }
        Ok(Tree::Map(found))
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Tree {
        Tree::read("test.yaml", text).unwrap()
    }

    #[test]
    fn every_shipped_scenario_stays_the_same_when_it_is_written_and_read_again() {
        let folder = crate::bundled::home().join("scenarios");
        let mut count = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "yaml") {
                continue;
            }
            let tree = read(&std::fs::read_to_string(&path).unwrap());
            assert_eq!(read(&tree.text()), tree, "{}:\n{}", path.display(), tree.text());
            count += 1;
        }
        assert!(count > 50, "{count}");
    }

    #[test]
    fn what_fits_on_a_line_is_on_one_line_and_steps_are_one_a_line() {
        let run = || map([("run", map([("for", "2s".into())]))]);
        let tree = map([("version", 1.into()), ("steps", list(["start".into(), run(), "stop".into()]))]);
        assert_eq!(tree.text(), "version: 1\nsteps:\n  - start\n  - {run: {for: 2s}}\n  - stop\n");
    }

    #[test]
    fn text_that_yaml_would_read_otherwise_stands_between_quotes() {
        for text in ["", "a: b", "[x", "null", "x ", "#1", "a, b", "it's", "\"", "*a"] {
            let tree = map([("key", text.into())]);
            assert_eq!(read(&tree.text()), tree, "{}", tree.text());
        }
        assert_eq!(map([("key", "5 ms".into())]).text(), "key: 5 ms\n");
    }
}
