//! The script of action.yml runs two shards in guests and joins them, as three jobs of a workflow do.

use super::common::{self, ensure};
use damonlab::bundled;
use damonlab::host::command::{Limits, Output, capture, command_for};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use std::error::Error;
use std::path::Path;

const TRIALS: &[(&str, common::Check)] =
    &[("the_github_action_runs_two_shards_and_joins_them", |_| shards_are_joined())];

pub fn trials() -> Vec<Trial> {
    common::checks(TRIALS)
}

fn shards_are_joined() -> Result<(), Box<dyn Error>> {
    let workspace = tempfile::tempdir()?;
    for shard in 1..=2 {
        let inputs = json!({
            "scenarios": "idle\nnegative", "shard": format!("{shard}/2"), "artifact": "damonlab"
        });
        step(&workspace.path().join(format!("job-{shard}")), &inputs)?;
    }
    let last = workspace.path().join("last");
    for shard in 1..=2 {
        let from = workspace.path().join(format!("job-{shard}/damonlab-results"));
        let to = last.join(format!("shards/damonlab-{shard}"));
        fs_err::create_dir_all(to.parent().ok_or("a folder")?)?;
        fs_err::rename(from, to)?;
    }
    let printed = step(&last, &json!({"merge": "shards"}))?;
    ensure(printed.contains("\n2 passed in "), &printed)?;
    let summary = fs_err::read_to_string(last.join("summary.md"))?;
    ensure(summary.contains("| PASS | idle |") && summary.contains("| PASS | negative |"), &summary)?;
    let junit = fs_err::read_to_string(last.join("damonlab-results/damonlab.xml"))?;
    ensure(junit.matches("<testcase ").count() == 2, &junit)
}

/// What the `run` step printed in the job whose workspace is `folder`.
fn step(folder: &Path, inputs: &Value) -> Result<String, Box<dyn Error>> {
    fs_err::create_dir_all(folder)?;
    let mut script = command_for(Path::new("python3"));
    script.arg("-B").arg(bundled::home().join(".github/action/damonlab.py")).arg("run").current_dir(folder);
    script.env("INPUTS", inputs.to_string()).env("DAMONLAB", env!("CARGO_BIN_EXE_damonlab"));
    script.env("GITHUB_OUTPUT", folder.join("outputs")).env("GITHUB_STEP_SUMMARY", folder.join("summary.md"));
    let Output { status, stdout, stderr } = capture(&mut script, Limits::LOCAL)?;
    let printed = String::from_utf8_lossy(&stdout).into_owned();
    ensure(status.success(), (&printed, &stderr))?;
    Ok(printed)
}
