//! damo and damonlab read each other's kdamonds. Where damo is not installed, the trials that drive it are ignored; what
//! damo 3.3.0 and 3.4.3 printed is stored beside this file and read by a unit test (`config/damo_corpus.rs`) always.
//!
//! `args-VERSION.jsonl` has a line for each call of `damo args damon`, `options-VERSION.txt` what its `--help` names.

use damonlab::host::command::{Limits, Output, capture, command_for};
use damonlab::host::paths;
use damonlab::scenario::{self, MachineSpec, Scenario};
use damonlab_protocol::damon::Kdamond;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

/// The calls of damo 3.4.3.
const CALLS: &str = include_str!("args-3.4.3.jsonl");

/// The calls of damo 3.3.0 that print something.
const OLD_CALLS: &str = include_str!("args-3.3.0.jsonl");

/// The options of damo 3.4.3.
const OPTIONS: &str = include_str!("options-3.4.3.txt");

/// Options that change where and how damo prints, and no configuration.
const OF_THE_OUTPUT: [&str; 8] =
    ["--help", "--format", "--raw", "--add", "--remove", "--replace", "--out", "--omit_defaults"];

fn main() -> ExitCode {
    let trials = vec![
        Trial::test("every_option_of_damo_3_4_3_has_a_stored_call_and_a_row_in_the_docs", stored_options),
        Trial::ignorable_test("every_option_of_the_installed_damo_is_a_known_one", || with_damo(options)),
        Trial::ignorable_test("damonlab_reads_what_the_installed_damo_prints", || with_damo(reads)),
        Trial::ignorable_test("the_installed_damo_reads_what_damonlab_writes", || with_damo(is_read)),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A call of `damo args damon`.
struct Call {
    name: String,
    form: String,
    args: Vec<String>,
    prints: Value,
}

fn calls() -> Vec<Call> {
    calls_of(CALLS)
}

fn calls_of(stored: &str) -> Vec<Call> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let call = |line: &str| {
        let line: Value = serde_json::from_str(line).expect("a line of JSON");
        let args = line["args"].as_array().expect("a list").iter().map(text).collect();
        Call { name: text(&line["name"]), form: text(&line["form"]), args, prints: line["prints"].clone() }
    };
    stored.lines().map(call).collect()
}

/// The options that the stored calls use.
fn used() -> BTreeSet<String> {
    calls().into_iter().flat_map(|call| call.args).filter(|arg| arg.starts_with("--")).collect()
}

fn stored_options() -> Result<(), Failed> {
    let docs = std::fs::read_to_string(damonlab::bundled::home().join("docs/damo.md"))?;
    let used = used();
    let configures = |option: &&str| !OF_THE_OUTPUT.contains(option);
    let missing: Vec<&str> =
        OPTIONS.lines().filter(configures).filter(|option| !used.contains(*option)).collect();
    let unlisted: Vec<&str> =
        OPTIONS.lines().filter(|option| !docs.contains(&format!("`{option}`"))).collect();
    match (missing.as_slice(), unlisted.as_slice()) {
        ([], []) => Ok(()),
        _ => {
            Err(format!("without a stored call: {missing:?}; without a row in docs/damo.md: {unlisted:?}")
                .into())
        }
    }
}

/// Runs `test` with the path of damo, if there is one that prints.
fn with_damo(test: fn(&PathBuf) -> Result<(), Failed>) -> Result<Completion, Failed> {
    let venv = paths::cache().map(|cache| cache.join("venv/bin")).ok();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = venv.into_iter().chain(std::env::split_paths(&path));
    let Some(damo) = folders.map(|folder| folder.join("damo")).find(|damo| damo.is_file()) else {
        return Ok(Completion::ignored_with("no damo: `damonlab setup --with damo` installs it"));
    };
    let probe = run(&damo, &[])?;
    if !probe.status.success() {
        let why = String::from_utf8_lossy(&probe.stdout);
        return Ok(Completion::ignored_with(format!("{} prints nothing: {}", damo.display(), why.trim())));
    }
    test(&damo).map(|()| Completion::Completed)
}

fn run(damo: &PathBuf, args: &[&str]) -> Result<Output, Failed> {
    Ok(capture(command_for(damo).args(["args", "damon"]).args(args), Limits::LOCAL)?)
}

fn options(damo: &PathBuf) -> Result<(), Failed> {
    let help = String::from_utf8(run(damo, &["--help"])?.stdout)?;
    let known: BTreeSet<&str> = OPTIONS.lines().collect();
    let words = help.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
    let unknown: BTreeSet<&str> =
        words.filter(|word| word.starts_with("--") && word.len() > 2 && !known.contains(word)).collect();
    // 3.3.0 shows options that 3.4.3 hides.
    let hidden = |option: &&str| {
        option.contains("_nr_") || option.starts_with("--nr_") || option.starts_with("--exp_")
    };
    let hides = ["--kdamonds", "--schemes", "--sample_primitives", "--damon_interface_DEPRECATED"];
    let new: Vec<&&str> =
        unknown.iter().filter(|option| !hidden(option) && !hides.contains(option)).collect();
    match new.as_slice() {
        [] => Ok(()),
        _ => Err(format!("damo has options without a stored call: {new:?}").into()),
    }
}

fn machine() -> Result<MachineSpec, Failed> {
    Ok(Scenario::load(&damonlab::bundled::home().join("scenarios/pull-push.yaml"))?.machine)
}

/// What damo printed, from its first brace on: it warns of what the running kernel does not have.
fn document(output: &Output) -> Option<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text[text.find('{')?..]).ok()
}

fn read(printed: &Value) -> Result<Vec<Kdamond>, Failed> {
    let text = serde_json::to_string_pretty(printed)?;
    Ok(scenario::kdamonds("damo", &text, &machine()?)?.0)
}

fn reads(damo: &PathBuf) -> Result<(), Failed> {
    let mut wrong = Vec::new();
    let mut read_ones = 0;
    for call in calls().iter().filter(|call| call.form.is_empty()) {
        let args: Vec<&str> = call.args.iter().map(String::as_str).collect();
        // An older damo does not have every option.
        let Some(printed) = document(&run(damo, &args)?) else { continue };
        // What is refused is so in the stored output, too.
        if let (Err(error), Ok(_)) = (read(&printed), read(&call.prints)) {
            wrong.push(format!("{}: {}", call.name, error.message().unwrap_or_default()));
        }
        read_ones += 1;
    }
    match wrong.as_slice() {
        [] if read_ones > calls().len() / 4 => Ok(()),
        [] => Err(format!("damo printed only {read_ones} configurations").into()),
        _ => Err(wrong.join("\n").into()),
    }
}

/// All that can be read, as one document of many kdamonds, goes through damo and comes back.
fn is_read(damo: &PathBuf) -> Result<(), Failed> {
    // An older damo refuses what came after it.
    let newer = run(damo, &["--damon_target", "--ops", "paddr"])?.status.success();
    let kdamonds: Vec<Kdamond> = calls_of(if newer { CALLS } else { OLD_CALLS })
        .iter()
        .filter(|call| call.form.is_empty())
        .filter_map(|call| read(&call.prints).ok())
        .flatten()
        .collect();
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("kdamonds.json");
    std::fs::write(&file, serde_json::to_string(&scenario::export(&kdamonds)?)?)?;
    let output = run(damo, &["--kdamonds", &file.to_string_lossy()])?;
    let Some(printed) = document(&output) else {
        return Err(format!("damo does not read it: {}", String::from_utf8_lossy(&output.stdout)).into());
    };
    let back = read(&printed)?;
    match kdamonds.iter().zip(&back).find(|(sent, back)| sent != back) {
        None if kdamonds.len() == back.len() => Ok(()),
        None => Err(format!("{} kdamonds went in, and {} came back", kdamonds.len(), back.len()).into()),
        Some((sent, back)) => Err(format!("{sent:?}\ncame back as\n{back:?}").into()),
    }
}
