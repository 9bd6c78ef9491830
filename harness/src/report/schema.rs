//! The published description of what `--format json` prints.

/// JSON Schema (draft 2020-12) of a line of `--format json`. It has the version of those lines.
pub const RESULT: &str = include_str!("result.schema.json");

#[cfg(test)]
pub(crate) mod tests {
    use super::super::testing::printed;
    use super::super::{Event, Format, RunView, Verbosity, unreadable};
    use super::*;
    use crate::judge;
    use crate::recording::Recording;
    use jsonschema::Validator;
    use serde_json::Value;
    use std::path::Path;
    use std::sync::LazyLock;

    /// The schema that accepts no field that it does not name: a new field has to be published.
    static STRICT: LazyLock<Validator> = LazyLock::new(|| {
        let mut schema: Value = serde_json::from_str(RESULT).unwrap();
        close(&mut schema);
        jsonschema::validator_for(&schema).unwrap()
    });

    /// Forbids fields that a schema does not name, wherever it names some.
    fn close(schema: &mut Value) {
        match schema {
            Value::Object(fields) => {
                if fields.contains_key("properties") && fields.get("type") == Some(&"object".into()) {
                    fields.entry("additionalProperties").or_insert(false.into());
                }
                fields.values_mut().for_each(close);
            }
            Value::Array(items) => items.iter_mut().for_each(close),
            _ => {}
        }
    }

    /// Fails unless the line of JSON is as published, with no field besides.
    pub(crate) fn is_published(line: &str) {
        let line: Value = serde_json::from_str(line).unwrap();
        let wrong: Vec<String> = STRICT.iter_errors(&line).map(|error| format!("{error:?}")).collect();
        assert!(wrong.is_empty(), "{line:#}\n{}", wrong.join("\n"));
    }

    #[test]
    fn every_stored_recording_is_reported_as_published() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
        let mut count = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let dir = entry.unwrap().path();
            let item = match judge::rejudge(&dir) {
                Ok(report) => {
                    let scenario = Recording::load(&dir).unwrap().scenario;
                    RunView { scenario: Some(&scenario), seed: Some(0), ..RunView::of(&report) }.item()
                }
                Err(error) => unreadable(&dir, &error),
            };
            let text = printed(Format::Json, Verbosity::Normal, &[Event::Finished(&item)]);
            is_published(text.trim_end());
            count += 1;
        }
        assert!(count > 8, "{count} recordings");
    }

    #[test]
    fn a_line_that_is_none_is_refused() {
        let finished = r#"{"event":"finished","name":"a","result":"pass","outcome":"good","seconds":1,"part":false,"data":null}"#;
        assert!(!STRICT.is_valid(&serde_json::from_str(finished).unwrap()));
        assert!(STRICT.is_valid(&serde_json::from_str(&finished.replace("good", "passed")).unwrap()));
    }
}
