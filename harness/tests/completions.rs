//! What bash completes once it has loaded damonlab's script, and the manual pages.

use damonlab::host::command::{Limits, Output, capture, command_for};
use std::collections::BTreeSet;
use std::path::Path;

/// What a real bash offers after the TAB key at the end of these words.
fn completed(words: &[&str]) -> BTreeSet<String> {
    let script = r#"
        source <("$DAMONLAB_TEST_BINARY" completions bash)
        function=$(complete -p damonlab | sed 's/.*-F \([^ ]*\).*/\1/')
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_TYPE=9
        "$function" damonlab "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let mut bash = command_for("/bin/bash");
    bash.args(["--norc", "-c", script, "bash", "damonlab"]).args(words);
    bash.env("DAMONLAB_TEST_BINARY", env!("CARGO_BIN_EXE_damonlab"));
    let Output { stdout, stderr, .. } = capture(&mut bash, Limits::LOCAL).expect("bash starts");
    let text = String::from_utf8(stdout).expect("text");
    assert!(stderr.is_empty(), "{stderr}");
    text.lines().map(|line| line.trim().to_owned()).collect()
}

fn has(words: &[&str], wanted: &[&str]) {
    let found = completed(words);
    for one in wanted {
        assert!(found.contains(*one), "{words:?}: {one} is not among {found:?}");
    }
}

#[test]
fn bash_completes_names_of_scenarios_machines_kernels_and_rules() {
    has(&["run", "pull-push-c"], &["pull-push-consist"]);
    has(&["run", "idle", "--machine", "dram"], &["dram2"]);
    has(&["run", "--kernel", "7."], &["7.2", "7.3"]);
    has(&["explain", "goal-share"], &["goal-share-matches-pages"]);
    has(&["mutants", "--only", "01-"], &["01-before-apply-swapped-indices"]);
    has(&["run", "--report", "ju"], &["junit="]);
    has(&["help", "scena"], &["scenarios"]);
    has(&["new", "mine", "--machine", "dram"], &["dram2"]);
}

#[test]
fn bash_completes_verbs_options_and_values() {
    has(&["che"], &["check"]);
    has(&["run", "--for"], &["--format"]);
    has(&["check", "--format", "j"], &["json", "junit"]);
}

#[test]
fn a_scenario_by_path_is_completed_as_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("mine.yaml"), "").expect("a file");
    let typed = format!("{}/mi", folder.path().display());
    let found = completed(&["run", &typed]);
    assert!(found.iter().any(|one| one.ends_with("/mine.yaml")), "{found:?}");
}

#[test]
fn zsh_and_fish_have_a_script_too() {
    for (shell, word) in [("zsh", "#compdef damonlab"), ("fish", "complete --keep-order")] {
        let mut damonlab = command_for(env!("CARGO_BIN_EXE_damonlab"));
        let output = capture(damonlab.args(["completions", shell]), Limits::LOCAL).expect("damonlab starts");
        let text = String::from_utf8(output.stdout).expect("text");
        assert!(text.contains(word) && text.contains("_DAMONLAB_COMPLETE"), "{text}");
    }
}

#[test]
fn every_command_has_a_manual_page_with_its_options_and_an_example() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("man1");
    let mut damonlab = command_for(env!("CARGO_BIN_EXE_damonlab"));
    let output = capture(damonlab.arg("man").arg(&dir), Limits::LOCAL).expect("damonlab starts");
    assert!(output.status.success(), "{}", output.stderr);
    let page = |name: &str| std::fs::read_to_string(Path::new(&dir).join(name)).expect(name);
    let run = page("damonlab-run.1");
    for word in [".TH damonlab-run 1", "\\-\\-seeds", "Examples:"] {
        assert!(run.contains(word), "{word} is not in\n{run}");
    }
    for command in damonlab::cli::command().get_subcommands() {
        let text = page(&format!("damonlab-{}.1", command.get_name()));
        assert!(text.contains(".SH NAME"), "{text}");
    }
}
