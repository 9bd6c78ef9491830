//! What damonlab needs of this host, and what is missing.
//!
//! For programs `doctor` has `requirements` (`name`, `state` of `found`, `missing` and `too_old`, `found`, `wanted`,
//! `purpose`, `required`, `fix`) and `notes`.

use super::event::{Listing, data};
use crate::setup::{self, Importance, Row, State};
use serde::Serialize;
use serde_json::json;

#[derive(Serialize)]
struct RowData<'a> {
    name: &'a str,
    state: &'static str,
    found: Option<&'a str>,
    wanted: Option<String>,
    purpose: &'a str,
    required: bool,
    fix: Option<&'a str>,
}

impl RowData<'_> {
    fn of(row: &Row) -> RowData<'_> {
        let (state, found, wanted) = match &row.state {
            State::Found(found) => ("found", Some(found.as_str()), None),
            State::Missing => ("missing", None, None),
            State::TooOld { found, wanted } => ("too_old", Some(found.as_str()), Some(wanted.to_string())),
        };
        let required = row.importance == Importance::Required;
        RowData {
            name: &row.name,
            state,
            found,
            wanted,
            purpose: &row.purpose,
            required,
            fix: row.fix.as_deref(),
        }
    }
}

/// The requirements, and what else is known of this host.
pub fn doctor(rows: &[Row], notes: &[String]) -> Listing {
    let mut text = setup::render(rows);
    text.extend(notes.iter().map(|note| format!("{note}\n")));
    let requirements: Vec<_> = rows.iter().map(RowData::of).map(|row| data(&row)).collect();
    Listing { command: "doctor", text, data: json!({"requirements": requirements, "notes": notes}) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::Env;

    #[test]
    fn a_program_gets_what_is_missing_with_the_command_that_installs_it() {
        let folder = tempfile::tempdir().unwrap();
        let env =
            Env { root: folder.path().into(), path: "/nonexistent".into(), cache: folder.path().into() };
        let listing = doctor(&setup::doctor(&env), &["note: no KVM".to_owned()]);
        let first = &listing.data["requirements"][0];
        assert_eq!((&first["name"], &first["state"]), (&"QEMU".into(), &"missing".into()));
        assert!(first["fix"].as_str().unwrap().ends_with("setup"), "{first}");
        assert!(listing.text.ends_with("note: no KVM\n"), "{}", listing.text);
    }
}
