//! What damonlab needs of this host, and what is missing.
//!
//! For programs `doctor` has `requirements` (`name`, `state` of `found`, `missing`, `too_old`, `moved` and `broken`, `found`,
//! `wanted`, `why`, `purpose`, `required`, `fix`) and `notes`; `setup` has `installed`.

use super::event::Listing;
use crate::host::text::quote;
use crate::setup::{self, Importance, Row, State};
use serde_json::{Value, json};

fn requirement(row: &Row) -> Value {
    let (state, found, wanted, why) = match &row.state {
        State::Found(found) => ("found", Some(found), None, None),
        State::Missing => ("missing", None, None, None),
        State::TooOld { found, wanted } => ("too_old", Some(found), Some(wanted.to_string()), None),
        State::Moved { made } => ("moved", Some(made), None, None),
        State::Broken(why) => ("broken", None, None, Some(why)),
    };
    json!({
        "name": row.name,
        "state": state,
        "found": found,
        "wanted": wanted,
        "why": why,
        "purpose": row.purpose,
        "required": row.importance == Importance::Required,
        "fix": row.fix,
    })
}

/// The requirements, the `closing` words about all of them, and what else is known of this host.
pub fn doctor(rows: &[Row], closing: &str, notes: &[String]) -> Listing {
    let mut text = setup::render(rows, closing);
    text.extend(notes.iter().map(|note| format!("{}\n", quote(note))));
    let requirements: Vec<_> = rows.iter().map(requirement).collect();
    Listing { command: "doctor", text, data: json!({"requirements": requirements, "notes": notes}) }
}

/// Nothing is missing any more.
pub fn installed(installed: &[String]) -> Listing {
    let text = "damonlab has everything that it needs\n".to_owned();
    Listing { command: "setup", text, data: json!({"installed": installed}) }
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
        std::fs::create_dir(folder.path().join("etc")).unwrap();
        std::fs::write(folder.path().join("etc/os-release"), "ID=debian\n").unwrap();
        let rows = setup::doctor(&env);
        let listing = doctor(&rows, &setup::closing(&rows, &env), &["note: no KVM".to_owned()]);
        let first = &listing.data["requirements"][0];
        assert_eq!((&first["name"], &first["state"]), (&"QEMU".into(), &"missing".into()));
        assert!(first["fix"].as_str().unwrap().ends_with("setup"), "{first}");
        assert!(listing.text.ends_with("note: no KVM\n"), "{}", listing.text);
    }
}
