//! What the tables of `docs/scenarios.md` say of each key.

use crate::docs;
use serde_json::{Map, Value};

/// A description, and the definition and key that it is about.
pub(super) struct Described {
    pub(super) at: (String, String),
    pub(super) text: String,
}

/// The headings of the page whose tables are about keys, and the definition in which the keys of a table begin.
const TABLES: &[(&str, &[&str])] = &[
    ("Top level", &["Scenario"]),
    ("Machine", &["Machine"]),
    ("Workloads", &["Workload"]),
    ("DAMON", &["Kdamond", "Scheme"]),
    ("Words of your own", &["Introduces"]),
    ("Steps", &["Step"]),
    ("Steps at once", &["Task"]),
    ("Expectations", &["Expectation"]),
    ("Clocks", &["Clocks"]),
];

/// All of them. A key that several rows name has the texts of all.
pub(super) fn all(definitions: &Map<String, Value>) -> Vec<Described> {
    let mut found: Vec<Described> = Vec::new();
    for (_, at, text) in keys(definitions) {
        let Some(at) = at else { continue };
        match found.iter_mut().find(|known| known.at == at) {
            Some(known) => known.text = format!("{} Or: {text}", known.text),
            None => found.push(Described { at, text }),
        }
    }
    found
}

/// Each key of the tables, and where it is.
#[cfg(test)]
pub(super) fn located(definitions: &Map<String, Value>) -> Vec<(String, Option<(String, String)>)> {
    keys(definitions).into_iter().map(|(key, at, _)| (key, at)).collect()
}

type Key = (String, Option<(String, String)>, String);

/// Each key of the tables, where it is, and what the page says of it.
fn keys(definitions: &Map<String, Value>) -> Vec<Key> {
    let text = docs::page("scenarios").map_or("", |page| page.text);
    let mut keys = Vec::new();
    for (start, row) in rows(text) {
        let Some((first, rest)) = row.split_first() else { continue };
        let text = description(rest);
        let mut folder = String::new();
        for key in keys_of(first) {
            let path = match key.strip_prefix('.') {
                Some(relative) => format!("{folder}{relative}"),
                None => key.clone(),
            };
            folder = path.rsplit_once('.').map(|(before, _)| format!("{before}.")).unwrap_or_default();
            // `.addr_unit` at the beginning of a row is a key of the context, as `contexts[0].ops` in the first.
            let in_context = format!("contexts.{path}");
            let at = locate(definitions, start, &path).or_else(|| locate(definitions, start, &in_context));
            keys.push((key, at, text.clone()));
        }
    }
    keys
}

/// The cells of each row, and the definition in which its keys begin.
fn rows(text: &'static str) -> Vec<(&'static str, Vec<&'static str>)> {
    let mut rows = Vec::new();
    let mut tables: &[&'static str] = &[];
    let mut in_table = false;
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix('#') {
            let heading = heading.trim_start_matches('#').trim();
            tables = TABLES.iter().find(|(known, _)| *known == heading).map_or(&[], |(_, starts)| starts);
        }
        let is_row = line.starts_with("| `");
        if in_table && !is_row {
            tables = tables.get(1..).unwrap_or_default();
        }
        in_table = is_row;
        if let (true, Some(start)) = (is_row, tables.first()) {
            let cells = line.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('|').trim());
            rows.push((*start, cells.collect()));
        }
    }
    rows
}

/// The keys in the first cell: the first word of each piece of code.
fn keys_of(cell: &str) -> Vec<String> {
    let code = cell.split('`').skip(1).step_by(2);
    code.map(|code| code.chars().take_while(|c| !matches!(c, ':' | ' ' | '{')).collect()).collect()
}

/// The text of the cells after the keys: with a default before it, where there are two.
fn description(cells: &[&str]) -> String {
    let text = match cells {
        [text] => plain(text),
        [default, ""] => format!("Default: {}.", plain(default)),
        [default, text] if matches!(*default, "required" | "none") => plain(text),
        [default, text] => format!("{}. Default: {}.", plain(text).trim_end_matches('.'), plain(default)),
        [default, from, to] => {
            format!("From {} until {}. Default: {}.", plain(from), plain(to), plain(default))
        }
        _ => String::new(),
    };
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// A text without Markdown: the words of a link, and code without its quotes.
fn plain(text: &str) -> String {
    docs::replace_links(text, |words, _| words.to_owned()).replace('`', "")
}

/// The definition and the key at the end of a path: `quotas.goals[]`.
fn locate(definitions: &Map<String, Value>, start: &str, path: &str) -> Option<(String, String)> {
    let mut definition = start.to_owned();
    let mut segments =
        path.split('.').map(|segment| segment.split('[').next().unwrap_or_default()).peekable();
    while let Some(key) = segments.next() {
        let schema = definitions.get(&definition)?;
        let properties = schema.pointer("/else/properties").or_else(|| schema.get("properties"))?;
        let property = properties.get(key)?;
        if segments.peek().is_none() {
            return Some((definition, key.to_owned()));
        }
        definition = reference(property)?;
    }
    None
}

/// The definition that a schema refers to, past lists and null.
fn reference(schema: &Value) -> Option<String> {
    if let Some(name) = schema.get("$ref") {
        return name.as_str()?.strip_prefix("#/$defs/").map(str::to_owned);
    }
    reference(schema.get("items").or_else(|| schema.pointer("/anyOf/0"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_has_no_markdown() {
        assert_eq!(plain("`2`: [Missing](kernels.md#a), or [MIN, MAX]"), "2: Missing, or [MIN, MAX]");
    }

    #[test]
    fn a_default_stands_after_the_text() {
        assert_eq!(description(&["`1`", "how often"]), "How often. Default: 1.");
        assert_eq!(description(&["required", "how often"]), "How often");
    }
}
