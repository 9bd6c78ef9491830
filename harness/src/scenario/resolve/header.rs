//! What scenarios' and machines' files begin with: a name that can be one, a version, a summary.

use crate::grammar::{At, Checked, Fault, Number, Scalar};
use crate::scenario::machine::MachineSpec;
use crate::scenario::raw::RawScenario;
use crate::scenario::raw_machine::{RawMachineFile, RawMachineRef};
use crate::scenario::raw_rules::RawRules;

pub(in crate::scenario) fn check_header(name: &str, raw: &RawScenario) -> Checked<()> {
    if !can_name(name) {
        return Err(Fault::whole(format!("the file's name '{name}' cannot name a scenario")).help(
            "up to 48 lower-case letters, digits and '-', then .yaml: it names results and snapshots",
        ));
    }
    check_top(&raw.version, &raw.summary, "what must come out")
}

/// The machine of a file of `machines/`.
pub(in crate::scenario) fn machine_file(name: &str, raw: &RawMachineFile) -> Checked<MachineSpec> {
    if !can_name(name) {
        return Err(Fault::whole(format!("the file's name '{name}' cannot name a machine"))
            .help("up to 48 lower-case letters, digits and '-', then .yaml"));
    }
    check_top(&raw.version, &raw.summary, "what is special about the machine")?;
    match &raw.machine.value {
        RawMachineRef::Here(machine) => super::machine(machine),
        RawMachineRef::Named(other) => {
            let message =
                format!("a machine's file describes the machine, and this names another: '{other}'");
            Err(Fault::at(&raw.machine, message).help("machine: {nodes: [..]}"))
        }
    }
}

/// Before a name becomes a path.
pub(in crate::scenario) fn check_machine_name<T>(name: &str, place: &At<T>) -> Checked<()> {
    if can_name(name) {
        return Ok(());
    }
    Err(Fault::at(place, format!("'{name}' cannot name a machine"))
        .help("up to 48 lower-case letters, digits and '-': the name of a file in machines/, without .yaml"))
}

/// Whether scenarios and machines can be named so.
pub(in crate::scenario) fn can_name(name: &str) -> bool {
    let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty() && name.len() <= 48 && name.chars().all(sound) && !name.starts_with('-')
}

/// A file of rules.
pub(in crate::scenario) fn check_rules(raw: &RawRules) -> Checked<()> {
    check_top(&raw.version, &raw.summary, "what the rules are about")?;
    if raw.rules.value.is_empty() {
        return Err(Fault::at(&raw.rules, "no rule")
            .help("rules: [{name: NAME, event: EVENT, always: \"EXPRESSION\"}]"));
    }
    Ok(())
}

/// Whether this damonlab reads the version of a file.
pub(super) fn check_version(version: &At<Number>) -> Checked<()> {
    if version.value.0 != 1 {
        return Err(Fault::at(version, format!("version {} of the format is not known", version.value.0))
            .help("this damonlab reads version: 1"));
    }
    Ok(())
}

fn check_top(version: &At<Number>, summary: &At<Scalar>, one_sentence: &str) -> Checked<()> {
    check_version(version)?;
    if summary.value.0.trim().is_empty() {
        return Err(Fault::at(summary, "the summary is empty").help(format!("one sentence: {one_sentence}")));
    }
    Ok(())
}
