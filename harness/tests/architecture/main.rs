//! The shape of the sources: who may import whom, and what may stand where. Each rule is one test.
//!
//! A failure lists every violation with its file, its line and what to do. What cannot be put right yet stands in
//! [`ALLOWED`] with a reason; an entry that nothing needs any more fails, too.

mod printing;
mod rules;
mod scan;
#[cfg(test)]
mod tests;
mod tree;

use rules::Violation;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;
use tree::{Crate, Link};

/// The folders of `harness/src`, the lowest floor first: the order of `pub mod` in `lib.rs`. A module imports only from
/// modules before it. A folder below a module may stand on a floor of its own.
const FLOORS: &[&str] = &[
    "host",
    "bundled",
    "figure",
    "trace",
    "ktap",
    "docs",
    "grammar",
    "expression",
    EVENTS_OF_DAMON,
    CONFIG_OF_DAMON,
    "scenario",
    "machine",
    "recording",
    "check",
    "subject",
    "judge",
    "setup",
    "series",
    "kernel",
    "vm",
    "snapshot",
    "run",
    "line_coverage",
    "explore",
    "authoring",
    "mutants",
    "compare",
    "bisect",
    "export",
    "report",
    "shards",
    "cli",
    "fuzzing",
];

/// A scenario has DAMON's configuration in it, so this part of the subject is below `scenario`.
const CONFIG_OF_DAMON: &str = "subject/damon/config";

/// A recording has its events typed, so this part of the subject is below `recording`.
const EVENTS_OF_DAMON: &str = "subject/damon/events";

/// Modules that find tools, build kernels or start guests.
const BOOTS: &[&str] = &["setup", "kernel", "vm", "run"];

/// Where the names of tracepoints are defined.
const TRACEPOINT_TABLES: &[&str] = &["harness/src/subject/damon/events.rs"];

/// The first subject. Only [`MAY_IMPORT_DAMON`] may know it.
const DAMON: &str = "harness/src/subject/damon";

/// Files outside of [`DAMON`] that may import it, each with its reason.
const MAY_IMPORT_DAMON: &[(&str, &str)] = &[
    ("harness/src/scenario/subject.rs", "the key `damon` of a scenario and the steps about DAMON"),
    (
        "harness/src/recording/layout.rs",
        "the events of a recorded trace have the types that the subjects define",
    ),
    ("harness/src/recording/mod.rs", "it re-exports those types"),
    ("harness/src/check/text.rs", "it compares the text of those events with their records"),
    ("harness/src/subject/registry.rs", "it lists the subjects and what each of them adds"),
];

/// Files outside of `host/` that start a process group by themselves, each with what limits its time and its output.
const MAY_START_GROUPS: &[(&str, &str)] = &[
    ("harness/src/vm/start.rs", "a guest has the clocks of its scenario, and a log of bounded size"),
    ("harness/src/vm/probe.rs", "a probe guest has a limit for each wait, and a log of bounded size"),
    ("harness/src/vm/sandbox.rs", "its test attacks a QEMU over the monitor, with a limit for each wait"),
];

/// A violation that is allowed for now: the rule, the file or folder, and the reason.
const ALLOWED: &[(Rule, &str, &str)] = &[];

/// The rules, as [`ALLOWED`] names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    CircularImport,
    UpwardImport,
    LogicInModRs,
    LongFile,
    ClippySettings,
    UnlimitedProgram,
    JudgeBoots,
    TypedTracepoint,
    DamonOutsideSubject,
    RawText,
}

/// The sources of the workspace.
struct Workspace {
    texts: BTreeMap<String, String>,
    harness: Crate,
    guest: Crate,
    protocol: Crate,
    /// Of the harness.
    links: Vec<Link>,
    files: Vec<String>,
}

const HARNESS: &str = "harness/src";

impl Workspace {
    fn get() -> &'static Workspace {
        static WORKSPACE: LazyLock<Workspace> = LazyLock::new(Workspace::load);
        &WORKSPACE
    }

    fn load() -> Workspace {
        let mut texts = BTreeMap::new();
        for folder in ["harness", "guest", "protocol"] {
            texts.append(&mut tree::read(repository(), folder).expect("the sources can be read"));
        }
        let load = |root: &str| Crate::of(&texts, root).expect("the sources are Rust");
        let harness = load("harness/src/lib.rs");
        let (guest, protocol) = (load("guest/src/main.rs"), load("protocol/src/lib.rs"));
        let links = harness.links();
        let files = harness.files.iter().map(|file| file.path.clone()).collect();
        Workspace { texts, harness, guest, protocol, links, files }
    }

    fn crates(&self) -> [&Crate; 3] {
        [&self.harness, &self.guest, &self.protocol]
    }
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a crate lies in the repository")
}

/// Fails with all violations that are not allowed, and with all allowances that nothing needs.
fn enforce(rule: Rule, violations: &[Violation]) {
    let covers = |place: &str, violation: &Violation| Path::new(&violation.file).starts_with(place);
    let allowed: Vec<_> = ALLOWED.iter().filter(|(of, ..)| *of == rule).collect();
    let new = violations.iter().filter(|one| !allowed.iter().any(|(_, place, _)| covers(place, one)));
    let mut broken: Vec<String> = new.map(ToString::to_string).collect();
    for (_, place, reason) in allowed {
        if !violations.iter().any(|one| covers(place, one)) {
            broken.push(format!(
                "{place}: {rule:?} is allowed here ({reason}), and there is no such violation any more\n    remove the entry from ALLOWED"
            ));
        }
    }
    assert!(broken.is_empty(), "{rule:?}: {} to fix\n\n{}\n", broken.len(), broken.join("\n"));
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let crates = Workspace::get().crates();
    let found: Vec<_> = crates.iter().flat_map(|one| rules::circular_imports(&one.links())).collect();
    enforce(Rule::CircularImport, &found);
}

#[test]
fn no_module_imports_from_a_floor_above() {
    let Workspace { harness, links, .. } = Workspace::get();
    let modules: Vec<_> = FLOORS.iter().copied().filter(|floor| !floor.contains('/')).collect();
    assert_eq!(harness.floors(), modules, "FLOORS has to be the order of `pub mod` in harness/src/lib.rs");
    enforce(Rule::UpwardImport, &rules::upward_imports(links, FLOORS, HARNESS));
}

#[test]
fn an_index_of_modules_has_no_logic() {
    let found: Vec<_> = Workspace::get().crates().into_iter().flat_map(rules::logic_in_mod_rs).collect();
    enforce(Rule::LogicInModRs, &found);
}

#[test]
fn no_file_is_too_long() {
    enforce(Rule::LongFile, &rules::long_files(&Workspace::get().texts));
}

#[test]
fn clippy_forbids_long_functions_and_processes_outside_of_host() {
    let text = |file: &str| std::fs::read_to_string(repository().join(file)).unwrap();
    let sources = tree::read(repository(), HARNESS).unwrap();
    let mut found = rules::missing_settings(text);
    found.extend(rules::clippy_is_not_overruled(&sources, "harness/src/host"));
    enforce(Rule::ClippySettings, &found);
}

#[test]
fn every_program_that_is_no_guest_has_limits() {
    let sources = tree::read(repository(), HARNESS).unwrap();
    let host = format!("{HARNESS}/host");
    enforce(Rule::UnlimitedProgram, &rules::unlimited_programs(&sources, &host, MAY_START_GROUPS));
}

#[test]
fn judging_needs_nothing_that_boots() {
    let Workspace { links, files, .. } = Workspace::get();
    enforce(Rule::JudgeBoots, &rules::judging_boots_nothing(links, files, HARNESS, BOOTS));
}

#[test]
fn no_name_of_a_tracepoint_is_typed_again() {
    let Workspace { harness, .. } = Workspace::get();
    let names = rules::tracepoints(harness, TRACEPOINT_TABLES);
    assert!(
        names.contains("damos_esz"),
        "TRACEPOINT_TABLES does not name the file with the events of DAMON: {names:?}"
    );
    enforce(Rule::TypedTracepoint, &rules::typed_tracepoints(harness, &names, TRACEPOINT_TABLES));
}

#[test]
fn only_the_registry_of_subjects_knows_damon() {
    let Workspace { links, files, .. } = Workspace::get();
    enforce(Rule::DamonOutsideSubject, &rules::subject_stands_apart(links, files, DAMON, MAY_IMPORT_DAMON));
}

#[test]
fn nobody_elses_text_is_printed_as_it_is() {
    let sources = tree::read(repository(), HARNESS).unwrap();
    enforce(Rule::RawText, &printing::raw_text(&sources, "harness/src/host/terminal.rs"));
}
