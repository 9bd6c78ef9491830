use super::*;
use fs_err as fs;

#[test]
fn a_folder_without_its_last_file_is_called_incomplete() {
    let dir = tempfile::tempdir().unwrap();
    let error = Recording::load(dir.path()).unwrap_err();
    assert!(error.to_string().contains("not a complete recording"), "{error}");
}

#[test]
fn a_recording_of_a_later_version_is_refused_by_number() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(META), r#"{"version": 99, "unheard": true}"#).unwrap();
    let error = Recording::load(dir.path()).unwrap_err();
    assert!(error.to_string().contains("has version 99"), "{error}");
}

/// What a stored run was made of, with its scenario's text changed.
fn copy_with(change: impl Fn(String) -> String) -> tempfile::TempDir {
    let stored = crate::recording::testing::stored("pull-push-short");
    let copy = tempfile::tempdir().unwrap();
    for name in [META, SCENARIO, PLAN] {
        fs::copy(stored.join(name), copy.path().join(name)).unwrap();
    }
    let text = fs::read_to_string(stored.join(SCENARIO)).unwrap();
    fs::write(copy.path().join(SCENARIO), change(text)).unwrap();
    copy
}

fn named(text: String) -> String {
    let (before, rest) = text.split_once("machine:\n").unwrap();
    let (_, after) = rest.split_once("\nworkloads:").unwrap();
    format!("{before}machine: of-another-computer\nworkloads:{after}")
}

const TWO_NODES: &str = "version: 1\nsummary: Two nodes.\nmachine:\n  nodes:\n    \
                         - {id: 0, memory: 256M, cpus: [0]}\n    - {id: 1, memory: 640M}\n";

#[test]
fn the_recordings_own_machine_counts_where_its_name_means_nothing() {
    let copy = copy_with(named);
    fs::write(copy.path().join(MACHINE), TWO_NODES).unwrap();
    let scenario = RunInputs::load(copy.path()).unwrap().scenario;
    assert_eq!(scenario.machine.memory().0, 896 << 20);
    assert_eq!(scenario.machine_file.unwrap().text, TWO_NODES);
}

#[test]
fn words_that_another_file_introduced_are_read_from_the_recording() {
    let copy = copy_with(|text| text.replacen("action: migrate_hot", "action: collect", 1));
    let error = RunInputs::load(copy.path()).unwrap_err();
    assert!(error.to_string().contains("there is no action 'collect'"), "{error}");
    let words = "version: 1\nintroduces: {actions: [collect]}\n";
    fs::write(copy.path().join(INTRODUCES), words).unwrap();
    let scenario = RunInputs::load(copy.path()).unwrap().scenario;
    assert_eq!(scenario.introduces_file.unwrap().text, words);
}

#[test]
fn a_machine_that_overruled_the_scenarios_own_does_so_again() {
    let copy = copy_with(|text| text);
    assert_eq!(RunInputs::load(copy.path()).unwrap().scenario.machine.memory().0, 1 << 30);
    fs::write(copy.path().join(MACHINE), TWO_NODES).unwrap();
    assert_eq!(RunInputs::load(copy.path()).unwrap().scenario.machine.memory().0, 896 << 20);
}

#[test]
fn a_recording_that_has_lost_its_machine_is_not_read_with_another() {
    let copy = copy_with(|text| text);
    let meta = fs::read_to_string(copy.path().join(META)).unwrap();
    fs::write(copy.path().join(META), meta.replacen('{', "{\"machine\": \"dram2\",", 1)).unwrap();
    let error = RunInputs::load(copy.path()).unwrap_err();
    assert!(error.to_string().contains(MACHINE), "{error}");
}

#[test]
fn a_machine_that_ships_is_not_looked_up_for_a_recording() {
    let copy = copy_with(|text| named(text).replace("of-another-computer", "dram-slow"));
    let error = RunInputs::load(copy.path()).unwrap_err();
    assert_eq!(error.to_string(), "there is no machine named 'dram-slow'");
}

#[test]
fn the_clock_is_the_runs_and_not_the_texts() {
    let copy = copy_with(|text| format!("{text}\nclock: real\n"));
    let recipe = RunInputs::load(copy.path()).unwrap();
    assert!(recipe.meta.clock.is_virtual() && recipe.scenario.clock.is_virtual());
}

#[test]
fn samples_that_are_not_text_are_named_with_their_file_and_line() {
    let copy = tempfile::tempdir().unwrap();
    crate::recording::testing::copy("pull-push-short", copy.path());
    let samples = copy.path().join(section::SAMPLES);
    let mut bytes = fs::read(&samples).unwrap();
    let second = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    bytes[second + 2] = 0xff;
    fs::write(&samples, bytes).unwrap();
    let error = Recording::load(copy.path()).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{}: line 2: ", samples.display())), "{error}");
}
