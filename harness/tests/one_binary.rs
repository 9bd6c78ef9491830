//! A copied program in an empty folder, without the source tree: what it carries with it is all that it has.

use damonlab::host::command::{Limits, Output, capture, command_for};
use std::fs;
use std::path::{Path, PathBuf};

/// An empty folder with a copy of the program beside it.
struct Elsewhere {
    place: tempfile::TempDir,
}

impl Elsewhere {
    fn new() -> Elsewhere {
        let place = tempfile::tempdir().expect("a folder");
        fs::create_dir(place.path().join("empty")).expect("a folder");
        fs::copy(env!("CARGO_BIN_EXE_damonlab"), place.path().join("damonlab")).expect("a copy");
        Elsewhere { place }
    }

    fn folder(&self) -> PathBuf {
        self.place.path().join("empty")
    }

    /// What the program says, and its exit status.
    fn run(&self, arguments: &[&str]) -> (String, Option<i32>) {
        let Output { stdout, stderr, status, .. } = self.run_in(&self.folder(), arguments);
        (format!("{}{stderr}", String::from_utf8_lossy(&stdout)), status.code())
    }

    fn run_in(&self, folder: &Path, arguments: &[&str]) -> Output {
        let mut damonlab = command_for(self.place.path().join("damonlab"));
        damonlab.args(arguments).current_dir(folder).env_remove("DAMONLAB_HOME");
        damonlab.env("XDG_CACHE_HOME", self.place.path().join("cache")).env("PATH", "/nonexistent");
        // A home folder that nobody can write.
        damonlab.env("HOME", "/proc/self/fdinfo");
        capture(&mut damonlab, Limits::LOCAL).expect("damonlab starts")
    }

    fn passes(&self, arguments: &[&str], wanted: &[&str]) {
        let (text, status) = self.run(arguments);
        assert_eq!(status, Some(0), "{arguments:?}: {text}");
        for part in wanted {
            assert!(text.contains(part), "{arguments:?}: no {part} in {text}");
        }
    }
}

#[test]
fn it_lists_draws_explains_and_judges_with_what_it_carries() {
    let elsewhere = Elsewhere::new();
    elsewhere.passes(
        &["list"],
        &["scenarios (built in):\n", "  pull-push ", "machines (built in):\n", "  dram2 "],
    );
    elsewhere.passes(&["machine", "pull-push"], &["node 0"]);
    elsewhere.passes(&["machine", "cxl1"], &["cxl"]);
    elsewhere.passes(&["explain", "share-is-in-range"], &["Stated in examples/rules/goals.yaml:"]);
    let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/pull-push-short");
    elsewhere.passes(&["check", stored.to_str().expect("UTF-8")], &["PASS"]);
    assert_eq!(
        fs::read_dir(elsewhere.folder()).expect("the folder").count(),
        0,
        "nothing is left in the folder"
    );
}

#[test]
fn a_run_misses_the_tools_and_no_file() {
    let (text, status) = Elsewhere::new().run(&["run", "idle"]);
    assert_eq!(status, Some(3), "{text}");
    assert!(text.contains("missing: QEMU"), "{text}");
}

#[test]
fn a_scenario_and_a_machine_of_the_current_folder_come_first() {
    let elsewhere = Elsewhere::new();
    let scenarios = elsewhere.folder().join("scenarios");
    fs::create_dir_all(scenarios.join("machines")).expect("a folder");
    let machine = "version: 1\nsummary: Mine.\nmachine: {nodes: [{id: 0, memory: 768M, cpus: [0]}]}\n";
    fs::write(scenarios.join("machines/dram2.yaml"), machine).expect("a file");
    let scenario = "version: 1\nsummary: My own.\nmachine: dram2\nsteps: [{run: {for: 1s}}]\n";
    fs::write(scenarios.join("idle.yaml"), scenario).expect("a file");
    let (text, status) = elsewhere.run(&["list"]);
    assert_eq!(status, Some(0), "{text}");
    let (mine, rest) = text.split_once("scenarios (built in):").expect("both headings");
    assert!(mine.starts_with("scenarios (this folder):\n  idle ") && mine.contains("My own."), "{text}");
    assert!(!rest.contains("\n  idle ") && rest.contains("\n  pull-push "), "{text}");
    elsewhere.passes(&["machine", "idle"], &["768"]);
}

#[test]
fn what_is_exported_is_used_where_it_lies_and_through_the_variable() {
    let elsewhere = Elsewhere::new();
    elsewhere.passes(&["export-data", "data"], &["files written to data\n"]);
    let data = elsewhere.folder().join("data");
    fs::remove_file(data.join("scenarios/idle.yaml")).expect("an exported file");
    let output = elsewhere.run_in(&data, &["list"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.starts_with("scenarios (this folder):\n") && !text.contains("\n  idle "), "{text}");
    assert!(!text.contains("built in"), "{text}");
    let mut damonlab = command_for(elsewhere.place.path().join("damonlab"));
    damonlab.arg("list").current_dir(elsewhere.folder()).env("DAMONLAB_HOME", &data);
    let output =
        capture(damonlab.env("XDG_CACHE_HOME", elsewhere.place.path()), Limits::LOCAL).expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.starts_with("scenarios (DAMONLAB_HOME):\n"), "{text}");
}

#[test]
fn a_folder_that_everybody_may_write_to_is_not_used() {
    use std::os::unix::fs::PermissionsExt;
    let elsewhere = Elsewhere::new();
    let scenarios = elsewhere.folder().join("scenarios");
    fs::create_dir(&scenarios).expect("a folder");
    fs::write(scenarios.join("idle.yaml"), "not a scenario\n").expect("a file");
    fs::set_permissions(elsewhere.folder(), fs::Permissions::from_mode(0o1777)).expect("rights");
    elsewhere.passes(&["machine", "idle"], &["node 0"]);
}

#[test]
fn where_nothing_can_be_unpacked_the_error_says_so_and_what_to_do() {
    let elsewhere = Elsewhere::new();
    let file = elsewhere.place.path().join("file");
    fs::write(&file, "").expect("a file");
    let mut damonlab = command_for(elsewhere.place.path().join("damonlab"));
    damonlab.arg("list").current_dir(elsewhere.folder()).env_remove("DAMONLAB_HOME");
    damonlab.env("XDG_CACHE_HOME", &file).env("TMPDIR", &file);
    let output = capture(&mut damonlab, Limits::LOCAL).expect("it starts");
    assert_eq!(output.status.code(), Some(3), "{}", output.stderr);
    assert!(output.stderr.contains("cannot unpack the built-in scenarios"), "{}", output.stderr);
    assert!(output.stderr.contains("set XDG_CACHE_HOME"), "{}", output.stderr);
}
