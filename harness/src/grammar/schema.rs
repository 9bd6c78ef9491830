//! JSON Schema (draft 2020-12) of the YAML that the shapes read. Each shape describes itself, so a key that is read is a key
//! of the schema.

use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};
use serde_saphyr::Spanned;
use std::collections::BTreeMap;

/// A type that is read from YAML and says what it takes.
pub(crate) trait Described {
    /// A key of this type may be missing.
    const OPTIONAL: bool = false;
    /// What it takes, with what that refers to put into `all`.
    fn schema(all: &mut Definitions) -> Value;
}

/// A key of a mapping.
pub(crate) struct Field {
    /// The name of the field in Rust.
    pub(crate) name: &'static str,
    /// Its attributes, as text: `doc = " ..."`, `serde(rename = "for")`.
    pub(crate) attributes: &'static [&'static str],
    pub(crate) optional: bool,
    pub(crate) schema: fn(&mut Definitions) -> Value,
}

/// The shapes that a schema refers to by name.
#[derive(Debug, Default)]
pub(crate) struct Definitions {
    schemas: Map<String, Value>,
    /// The keys that each takes, as serde has them.
    #[cfg(test)]
    pub(crate) read: BTreeMap<String, &'static [&'static str]>,
}

impl Definitions {
    /// A reference to the definition `name`, which `make` makes the first time.
    pub(crate) fn refer(&mut self, name: &str, make: impl FnOnce(&mut Definitions) -> Value) -> Value {
        if !self.schemas.contains_key(name) {
            // A shape that contains itself finds its name taken.
            self.schemas.insert(name.to_owned(), Value::Null);
            let schema = make(self);
            self.schemas.insert(name.to_owned(), schema);
        }
        json!({"$ref": format!("#/$defs/{name}")})
    }

    /// All of them, by name.
    pub(crate) fn into_schemas(self) -> Map<String, Value> {
        self.schemas
    }
}

/// The words that a key takes.
pub(crate) struct Keywords {
    /// The definition, and the key in it.
    pub(crate) at: (&'static str, &'static str),
    pub(crate) words: Vec<&'static str>,
    /// What they are to the key.
    pub(crate) kind: KeywordKind,
}

/// What words are to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeywordKind {
    /// It takes no others.
    All,
    /// It takes others too: a file may introduce them.
    Known,
    /// It does not take them.
    Taken,
}

impl Keywords {
    /// These words and no others.
    pub(crate) fn only(shape: &'static str, key: &'static str, words: &[&'static str]) -> Keywords {
        Keywords { at: (shape, key), words: words.to_vec(), kind: KeywordKind::All }
    }

    /// All but these words.
    pub(crate) fn none_of(shape: &'static str, key: &'static str, words: &[&'static str]) -> Keywords {
        Keywords { kind: KeywordKind::Taken, ..Keywords::only(shape, key, words) }
    }

    /// These words, and those that a file introduces.
    pub(crate) fn known(shape: &'static str, key: &'static str, words: &[&'static str]) -> Keywords {
        Keywords { kind: KeywordKind::Known, ..Keywords::only(shape, key, words) }
    }
}

/// A mapping with these keys and no others.
pub(crate) fn mapping(attributes: &[&'static str], fields: &[Field], all: &mut Definitions) -> Value {
    let all_optional = attributes.iter().any(|text| serde_options(text).contains(&("default", None)));
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for field in fields {
        let options: Vec<_> = field.attributes.iter().flat_map(|text| serde_options(text)).collect();
        let named = |wanted: &'static str| options.iter().filter(move |(name, _)| *name == wanted);
        let key = named("rename").find_map(|(_, value)| *value).unwrap_or(field.name);
        let mut schema = (field.schema)(all);
        describe(&mut schema, &doc_comment(field.attributes));
        for alias in named("alias").filter_map(|(_, value)| *value) {
            properties.insert(alias.to_owned(), schema.clone());
        }
        properties.insert(key.to_owned(), schema);
        if !(all_optional || field.optional || named("default").next().is_some()) {
            required.push(key);
        }
    }
    let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    describe(&mut schema, &doc_comment(attributes));
    schema
}

/// Says what `schema` is about, unless there is nothing to say.
pub(crate) fn describe(schema: &mut Value, text: &str) {
    if text.is_empty() {
        return;
    }
    if *schema == Value::Bool(true) {
        *schema = json!({});
    }
    schema["description"] = json!(text);
}

/// The options in `serde(default, rename = "for")`.
fn serde_options(attribute: &'static str) -> Vec<(&'static str, Option<&'static str>)> {
    let inside = attribute.strip_prefix("serde").map(|rest| rest.trim().trim_matches(['(', ')']));
    let options = inside.into_iter().flat_map(|inside| inside.split(','));
    options
        .map(|option| match option.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim().trim_matches('"'))),
            None => (option.trim(), None),
        })
        .collect()
}

/// The doc comment among attributes: `doc = r" Words that a patch adds."`.
fn doc_comment(attributes: &[&str]) -> String {
    let lines = attributes.iter().filter_map(|text| {
        let text = text.strip_prefix("doc")?.trim_start().strip_prefix('=')?.trim();
        Some(text.trim_start_matches('r').trim_matches('"').trim())
    });
    lines.collect::<Vec<_>>().join(" ")
}

/// What `one` takes, and null.
pub(crate) fn or_null(one: Value) -> Value {
    json!({"anyOf": [one, {"type": "null"}]})
}

impl<T: Described> Described for Spanned<T> {
    const OPTIONAL: bool = T::OPTIONAL;

    fn schema(all: &mut Definitions) -> Value {
        T::schema(all)
    }
}

impl<T: Described> Described for Box<T> {
    fn schema(all: &mut Definitions) -> Value {
        T::schema(all)
    }
}

impl<T: Described> Described for Option<T> {
    const OPTIONAL: bool = true;

    fn schema(all: &mut Definitions) -> Value {
        or_null(T::schema(all))
    }
}

impl<T: Described> Described for Vec<T> {
    fn schema(all: &mut Definitions) -> Value {
        json!({"type": "array", "items": T::schema(all)})
    }
}

impl<T: Described> Described for BTreeMap<String, T> {
    fn schema(all: &mut Definitions) -> Value {
        json!({"type": "object", "additionalProperties": T::schema(all)})
    }
}

impl Described for IgnoredAny {
    fn schema(_: &mut Definitions) -> Value {
        json!({"description": "damo reports it; damonlab does not read it."})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_as_serde_reads_them() {
        assert_eq!(
            serde_options("serde(default, rename = \"for\")"),
            [("default", None), ("rename", Some("for"))]
        );
        assert_eq!(serde_options("doc = r\" default\""), []);
        assert_eq!(doc_comment(&["serde(default)", "doc = r\" A.\"", "doc = \" B.\""]), "A. B.");
    }
}
