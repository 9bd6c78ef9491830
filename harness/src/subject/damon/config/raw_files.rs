//! The shape of `sysfs:`: an ordered mapping of files to values.

use crate::grammar::{At, Definitions, Described, Scalar, describe};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Value, json};
use std::fmt;

/// Files below a folder, each with its value, in the order of the text.
#[derive(Debug, Default)]
pub(crate) struct RawFiles(pub(super) Vec<(At<Scalar>, At<Scalar>)>);

struct FilesVisitor;

impl<'de> Visitor<'de> for FilesVisitor {
    type Value = RawFiles;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("files below this folder and their values: {preps/nr_preps: 1}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawFiles, A::Error> {
        let mut files = Vec::new();
        while let Some(entry) = map.next_entry()? {
            files.push(entry);
        }
        Ok(RawFiles(files))
    }
}

impl Described for RawFiles {
    fn schema(all: &mut Definitions) -> Value {
        let mut files =
            all.refer("Files", |all| json!({"type": "object", "additionalProperties": Scalar::schema(all)}));
        describe(&mut files, "Files below this folder that have no key, and their values.");
        files
    }
}

impl<'de> Deserialize<'de> for RawFiles {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FilesVisitor)
    }
}
