//! action.yml and its script, without a guest: inputs become arguments of damonlab, mistakes are named, keys of caches change
//! with what they are for. `tests/vm/github_action.rs` runs it; `.github/action/check` knows GitHub's schemas.

use damonlab::bundled;
use damonlab::host::command::{Limits, Output, capture, command_for};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;

/// What one step of the action printed and gave to later steps.
struct Step {
    printed: String,
    status: Option<i32>,
    outputs: String,
}

/// Runs a step in `folder`, with a damonlab that prints nothing and ends with `status`.
fn step(name: &str, inputs: &Value, folder: &Path, status: i32) -> Step {
    let damonlab = folder.join("damonlab");
    fs_err::write(&damonlab, format!("#!/bin/sh\nexit {status}\n")).expect("a script");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs_err::set_permissions(&damonlab, executable).expect("permissions");
    let outputs = folder.join("outputs");
    let mut script = command_for(Path::new("python3"));
    script.arg("-B").arg(bundled::home().join(".github/action/damonlab.py")).arg(name).current_dir(folder);
    script.env("INPUTS", inputs.to_string()).env("GITHUB_OUTPUT", &outputs).env("DAMONLAB", &damonlab);
    let Output { status, stdout, .. } = capture(&mut script, Limits::LOCAL).expect("python3");
    Step {
        printed: String::from_utf8(stdout).expect("UTF-8"),
        status: status.code(),
        outputs: fs_err::read_to_string(&outputs).unwrap_or_default(),
    }
}

fn run(inputs: Value) -> Step {
    step("run", &inputs, TempDir::new().expect("a folder").path(), 0)
}

fn kernel_key(inputs: Value, folder: &Path) -> String {
    let outputs = step("keys", &inputs, folder, 0).outputs;
    let key = outputs.lines().rfind(|line| line.starts_with("kernel=")).expect("a key");
    key.to_owned()
}

fn action() -> Value {
    let text = fs_err::read_to_string(bundled::home().join("action.yml")).expect("action.yml");
    serde_saphyr::from_str(&text).expect("YAML")
}

#[test]
fn without_inputs_the_action_runs_every_scenario_and_writes_reports() {
    let step = run(json!({}));
    let expected = "+ damonlab run --format=github --report=junit=damonlab-results/damonlab.xml \
                    --report=json=damonlab-results/damonlab.jsonl --out damonlab-results --all\n";
    assert_eq!((step.printed.as_str(), step.status), (expected, Some(0)));
}

#[test]
fn each_line_of_an_input_is_one_argument_that_no_shell_reads() {
    let step = run(json!({"series": "a b.mbx\n  $(c).mbx\n", "scenarios": "idle\n--all", "seeds": "0..4"}));
    assert!(
        step.printed.contains(" --series=a b.mbx --series=$(c).mbx --seeds=0..4 -- idle --all\n"),
        "{}",
        step.printed
    );
}

#[test]
fn every_input_of_action_yml_has_an_effect_in_its_script() {
    let script = fs_err::read_to_string(bundled::home().join(".github/action/damonlab.py")).unwrap();
    let inputs = action()["inputs"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let unknown: Vec<_> = inputs.iter().filter(|input| !script.contains(&format!("\"{input}\""))).collect();
    assert_eq!(unknown, Vec::<&String>::new());
    assert_eq!(inputs.len(), 12, "the number of inputs; this test has read them all");
}

#[test]
fn every_command_line_of_action_yml_is_a_call_of_its_script() {
    let action = action();
    let lines: Vec<&str> =
        action["runs"]["steps"].as_array().unwrap().iter().filter_map(|step| step["run"].as_str()).collect();
    let of = |step| format!("python3 \"$GITHUB_ACTION_PATH/.github/action/damonlab.py\" {step}");
    assert_eq!(lines, [of("keys"), of("install"), of("run")]);
}

#[test]
fn a_shard_with_findings_leaves_the_verdict_to_the_job_that_joins_them() {
    let folder = TempDir::new().unwrap();
    let inputs = json!({"shard": "2/4", "artifact": "damonlab"});
    let shard = step("run", &inputs, folder.path(), 1);
    assert_eq!(shard.status, Some(0));
    assert_eq!(shard.outputs, "results=damonlab-results\nartifact=damonlab-2\nstatus=1\n");
    assert_eq!(step("run", &inputs, folder.path(), 3).status, Some(3), "a machine that failed is no finding");
    assert_eq!(step("run", &json!({}), folder.path(), 1).status, Some(1), "there is no other job");
}

#[test]
fn inputs_without_an_effect_are_an_error_that_names_them() {
    let step = run(json!({"merge": "shards", "kernel": ".", "scenarios": "idle"}));
    let expected =
        "::error title=damonlab::`merge` runs nothing, so these inputs have no effect: kernel, scenarios\n";
    assert_eq!((step.printed.as_str(), step.status), (expected, Some(2)));
}

#[test]
fn an_error_is_one_line_whatever_an_input_has() {
    let step = run(json!({"command": "run\n::error::mine"}));
    assert_eq!((step.printed.lines().count(), step.status), (1, Some(2)), "{}", step.printed);
}

#[test]
fn shards_are_joined_in_their_order() {
    let folder = TempDir::new().unwrap();
    for shard in ["damonlab-2", "damonlab-1"] {
        fs_err::create_dir_all(folder.path().join("shards").join(shard)).unwrap();
    }
    let joined = step("run", &json!({"merge": "shards"}), folder.path(), 0).printed;
    assert!(joined.ends_with(" --out damonlab-results shards/damonlab-1 shards/damonlab-2\n"), "{joined}");
}

#[test]
fn the_key_of_the_kernel_changes_with_a_patch_and_not_with_scenarios() {
    let folder = TempDir::new().unwrap();
    let patch = folder.path().join("fix.patch");
    fs_err::write(&patch, "one").unwrap();
    let before = kernel_key(json!({"patch": "fix.patch"}), folder.path());
    assert_eq!(kernel_key(json!({"patch": "fix.patch", "scenarios": "idle"}), folder.path()), before);
    fs_err::write(&patch, "two").unwrap();
    assert_ne!(kernel_key(json!({"patch": "fix.patch"}), folder.path()), before);
}
