//! Puts the schema together.

use super::descriptions;
use crate::grammar::{Definitions, Described, KeywordKind, Keywords, describe};
use crate::scenario::raw::RawScenario;
use crate::scenario::{resolve, subject};
use serde_json::{Map, Value, json};

/// The definition of a whole file.
const ROOT: &str = "Scenario";

/// What the checks refuse and a schema can say: for each `DEFINITION` or `DEFINITION.KEY` what its schema has besides.
const LIMITS: &str = include_str!("limits.json");

/// JSON Schema (draft 2020-12) of a scenario's YAML.
pub fn schema() -> Value {
    let mut definitions = Definitions::default();
    RawScenario::schema(&mut definitions);
    let mut definitions = definitions.into_schemas();
    for keywords in resolve::keywords().iter().chain(&subject::schema_keywords()) {
        restrict(&mut definitions, keywords);
    }
    limit(&mut definitions);
    for described in descriptions::all(&definitions) {
        let (definition, key) = described.at;
        if let Some(schema) = property(&mut definitions, &definition, &key) {
            describe(schema, &described.text);
        }
    }
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A scenario of damonlab",
        "description": "damonlab help scenarios",
    });
    if let (Some(schema), Some(Value::Object(root))) = (schema.as_object_mut(), definitions.remove(ROOT)) {
        schema.extend(root);
        schema.insert("$defs".to_owned(), Value::Object(definitions));
    }
    schema
}

/// The schema of a key.
pub(super) fn property<'a>(
    definitions: &'a mut Map<String, Value>,
    definition: &str,
    key: &str,
) -> Option<&'a mut Value> {
    let schema = definitions.get_mut(definition)?;
    // A step is a name, or else a mapping.
    let place = if schema.pointer("/else/properties").is_some() { "/else/properties" } else { "/properties" };
    schema.pointer_mut(place)?.get_mut(key)
}

/// Puts the words of a key in the place of what it takes, in a list for each of its values.
fn restrict(definitions: &mut Map<String, Value>, keywords: &Keywords) {
    let Some(schema) = property(definitions, keywords.at.0, keywords.at.1) else { return };
    let mut place = schema;
    // Past "or null" and into a list.
    while place.get("anyOf").is_some() || place.get("items").is_some() {
        let inner = if place.get("items").is_some() { "/items" } else { "/anyOf/0" };
        let Some(next) = place.pointer_mut(inner) else { return };
        place = next;
    }
    let words = json!({"enum": keywords.words});
    let description = place.get("description").cloned();
    *place = match keywords.kind {
        KeywordKind::All => words,
        // A word that a file introduces is a text.
        KeywordKind::Known => json!({"anyOf": [words, {"type": "string"}]}),
        KeywordKind::Taken => {
            place["not"] = words;
            place.take()
        }
    };
    if let Some(description) = description {
        place["description"] = description;
    }
}

/// Adds what `limits.json` has, and what the checks' own lists say.
fn limit(definitions: &mut Map<String, Value>) {
    let Ok(Value::Object(limits)) = serde_json::from_str(LIMITS) else { return };
    let of_lists = resolve::limits().into_iter().chain(subject::schema_limits());
    for (place, limit) in limits.into_iter().chain(of_lists.map(|(place, limit)| (place.to_owned(), limit))) {
        let schema = match place.split_once('.') {
            Some((definition, key)) => property(definitions, definition, key),
            None => definitions.get_mut(&place),
        };
        if let (Some(Value::Object(schema)), Value::Object(limit)) = (schema, limit) {
            schema.extend(limit);
        }
    }
}
