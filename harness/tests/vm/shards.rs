//! Four shards, each a process of its own as on a machine of its own, and `damonlab merge` of what they leave: the same report
//! and exit status as the whole command.

use super::common::{self, ensure};
use damonlab::host::command::{Limits, Output, capture, command_for};

use damonlab::kernel::{self, BuildRequest, Origins, Profile, Request, Source};
use damonlab::mutants;
use damonlab::setup::Env;
use libtest_mimic::{Completion, Failed, Trial};
use serde_json::Value;
use std::error::Error;
use std::path::Path;

const SHARDS: usize = 4;

const TRIALS: &[(&str, common::Check)] = &[
    ("four_shards_of_run_are_one_run", |_| shards_are_the_whole("run", &RUN)),
    ("four_shards_of_run_with_several_seeds_are_one_run", |_| shards_are_the_whole("run", &SEEDS)),
    ("four_shards_of_explore_are_one_exploration", |_| shards_are_the_whole("explore", &EXPLORE)),
];

/// Five scenarios of a second each: the first shard has two.
const RUN: [&str; 8] = [
    "idle",
    "apply-interval",
    "goal-invalid-nid",
    "commit-refused",
    "negative",
    "--seed=3",
    "--expect-change=Q2=nothing",
    "--expect-change=S1=nothing",
];

const SEEDS: [&str; 4] = ["idle", "negative", "apply-interval", "--seeds=0..2"];

const EXPLORE: [&str; 3] = ["--seed=5", "--count=6", "--shrink-runs=2"];

/// On a kernel with a bug, so that there are findings, some of them in several shards. A smaller scenario is one of a shard.
const FINDINGS: [&str; 4] = [
    "--patch=patches/regressions/01-before-apply-swapped-indices.patch",
    "--seed=0",
    "--count=6",
    "--shrink-runs=0",
];

const COVERAGE: [&str; 3] = ["idle", "negative", "--seeds=0..2"];

/// The kernels of two mutants, on which two generated scenarios run: two shards have nothing to do.
const MUTANTS: [&str; 6] =
    ["--only=01-before", "--only=08-charge", "--explore=2", "--no-suite", "--seed=1", "--keep"];

pub fn trials() -> Vec<Trial> {
    let coverage = common::trial("four_shards_of_coverage_are_one_coverage", |_| {
        let counting = Request::Build(BuildRequest::of(Source::default()).with_profile(Profile::Coverage));
        let missing = "there is no kernel that counts; `damonlab kernel build --profile coverage` builds it";
        if_ready([counting], missing, "coverage", &COVERAGE)
    });
    let missing = "a mutant's kernel is not built; `damonlab mutants --only 01-before --only 08-charge --keep` builds it";
    let mutants = common::trial("four_shards_of_mutants_are_one_call", move |_| {
        if_ready(kernels(&["01-before", "08-charge"])?, missing, "mutants", &MUTANTS)
    });
    let findings = common::trial("four_shards_of_explore_have_the_findings_of_one_exploration", move |_| {
        if_ready(kernels(&["01-before"])?, missing, "explore", &FINDINGS)
    });
    common::checks(TRIALS).into_iter().chain([coverage, mutants, findings]).collect()
}

/// The kernels of these mutants.
fn kernels(names: &[&str]) -> Result<Vec<Request>, Failed> {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let only = mutants::only(mutants::find(&[])?, &names)?;
    let requests = only.iter().map(|mutant| mutant.request().map(Request::Build));
    Ok(requests.collect::<Result<Vec<_>, _>>()?)
}

/// The check, where these kernels are built.
fn if_ready(
    kernels: impl IntoIterator<Item = Request>,
    missing: &str,
    verb: &str,
    arguments: &[&str],
) -> Result<Completion, Failed> {
    let origins = Origins::of(Env::machine()?);
    for request in kernels {
        if kernel::ready(&request, &origins)?.is_none() {
            return Ok(Completion::ignored_with(missing));
        }
    }
    shards_are_the_whole(verb, arguments).map_err(|error| Failed::from(error.to_string()))?;
    Ok(Completion::Completed)
}

/// The whole command and its shards, each below a folder of its own.
fn shards_are_the_whole(verb: &str, arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let run = |name: &str, more: &[String]| {
        let out = folder.path().join(name).to_string_lossy().into_owned();
        let mut words = vec![verb.to_owned(), "--format=json".to_owned(), format!("--out={out}")];
        words.extend(arguments.iter().map(|&word| word.to_owned()).chain(more.iter().cloned()));
        damonlab(&words)
    };
    let whole = run("whole", &[])?;
    for number in (1..=SHARDS).rev() {
        let shard = run(&format!("shard-{number}"), &[format!("--shard={number}/{SHARDS}")])?;
        ensure(matches!(shard.status.code(), Some(0 | 1)), text(&shard))?;
    }
    let mut words = vec!["merge".to_owned(), "--format=json".to_owned()];
    words.extend(
        (1..=SHARDS)
            .map(|number| folder.path().join(format!("shard-{number}")).to_string_lossy().into_owned()),
    );
    let merged = damonlab(&words)?;
    ensure(merged.status.code() == whole.status.code(), (merged.status, whole.status, text(&merged)))?;
    let (merged, whole) = (results(&merged, folder.path())?, results(&whole, folder.path())?);
    for (merged, whole) in merged.iter().zip(&whole) {
        ensure(merged == whole, format!("merged\n{merged}\nand whole\n{whole}"))?;
    }
    ensure(merged.len() == whole.len(), (merged.len(), whole.len()))?;
    // Without one of them there is no whole.
    words.pop();
    let missing = damonlab(&words)?;
    ensure(
        missing.status.code() == Some(2) && text(&missing).contains("shard 4/4 is missing"),
        text(&missing),
    )
}

fn damonlab(words: &[String]) -> Result<Output, Box<dyn Error>> {
    let mut command = command_for(env!("CARGO_BIN_EXE_damonlab"));
    command.args(words).current_dir(damonlab::bundled::home());
    Ok(capture(&mut command, Limits::LOCAL)?)
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), output.stderr)
}

/// The lines of a report, but for what no two calls have in common: how long runs took, and where they are stored.
fn results(output: &Output, folder: &Path) -> Result<Vec<Value>, Box<dyn Error>> {
    let mut text = String::from_utf8(output.stdout.clone())?;
    for name in (1..=SHARDS).map(|number| format!("shard-{number}")).chain(["whole".to_owned()]) {
        text = text.replace(&*folder.join(name).to_string_lossy(), "OUT");
    }
    let mut lines = text.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    lines.iter_mut().for_each(without_times);
    Ok(lines)
}

/// How notes begin that no other call needs to have: a path, a damaged cache, a host that was suspended or too busy.
const OF_ONE_CALL: [&str; 5] = [
    "lcov: ",
    "the checkpoint ",
    "QEMU did not start from the checkpoint ",
    "no checkpoint could be saved",
    "damonlab or QEMU was stopped for ",
];

fn without_times(value: &mut Value) {
    match value {
        Value::Object(map) => {
            // Of two seeds that run at once either may be the first to have a folder.
            map.retain(|key, _| !key.ends_with("seconds") && key != "recording");
            // Where the whole command stored what the merge did not, and how the host was meanwhile.
            if let Some(Value::Array(notes)) = map.get_mut("notes") {
                let is_of_this_call = |note: &str| OF_ONE_CALL.iter().any(|begin| note.starts_with(begin));
                notes.retain(|note| !note.as_str().is_some_and(is_of_this_call));
            }
            map.values_mut().for_each(without_times);
        }
        Value::Array(all) => all.iter_mut().for_each(without_times),
        _ => {}
    }
}
