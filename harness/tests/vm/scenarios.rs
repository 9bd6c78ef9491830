//! One trial for each scenario of `scenarios/`: it runs in a guest, must pass, and must match its
//! snapshots. `cargo test pull-push` runs those whose names fit. `pull-push` passes on other machines too.
//! When all of them ran, each invariant must have applied to one.
//!
//! - `DAMONLAB_SETUP=1` installs and builds what is missing first.
//! - `DAMONLAB_REQUIRE=vm` makes a trial fail that would otherwise be ignored for want of something.
//! - `DAMONLAB_KERNEL=WORD`, a word for `--kernel`, tests that kernel instead of the default one.

use super::common;
use damonlab::check::Verdict;
use damonlab::host::paths;
use damonlab::judge::{Coverage, Report};
use damonlab::recording::Recording;
use damonlab::run::{self, RunEnv, ScenarioSource};
use damonlab::scenario::{self, Scenario, ScenarioError, SnapshotKind};
use damonlab::{report, snapshot};
use libtest_mimic::{Completion, Failed, Trial};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Which invariants applied to what ran so far.
static COVERAGE: Mutex<Coverage> = Mutex::new(Coverage::new());

/// Invariants that apply to no scenario yet, and for want of what. One that does apply must be struck out.
const NOT_YET: &[(&str, &str)] = &[];

/// # Errors
/// A file of `scenarios/` is no scenario.
pub fn trials() -> Result<Vec<Trial>, ScenarioError> {
    let folder = paths::project().join("scenarios");
    let on_its_own_machine = |scenario: Scenario| {
        let path = folder.join(format!("{}.yaml", scenario.name));
        common::trial(scenario.name, move |env| run_one(env, &path))
    };
    let elsewhere = PULL_PUSH_TOO.map(|machine| {
        let path = folder.join("pull-push.yaml");
        common::trial(format!("pull-push on {machine}"), move |env| run_on(env, &path, machine))
    });
    Ok(scenario::all(&folder)?.into_iter().map(on_its_own_machine).chain(elsewhere).collect())
}

/// What is wrong with the rules once all trials that this kernel can run have run: a rule that applied to none.
pub fn complaints() -> Vec<String> {
    let all = scenario::all(&paths::project().join("scenarios")).unwrap_or_default();
    let expected = all.iter().filter(|scenario| !scenario.wants_another_kernel());
    let coverage = coverage();
    match expected.count() <= coverage.runs() {
        true => coverage.complaints(NOT_YET),
        false => Vec::new(),
    }
}

/// Machines with which the same goals must be met. On `cxl1` QEMU emulates every access: two minutes.
const PULL_PUSH_TOO: [&str; 3] = ["dram-slow", "soft-reserved", "cxl1"];

fn coverage() -> MutexGuard<'static, Coverage> {
    // A trial that panicked has left it as it was.
    COVERAGE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs it with seed 0, and remembers what applied.
fn run(lab: &RunEnv, loaded: &ScenarioSource) -> Result<Report, Failed> {
    let report = run::run(lab, loaded, 0).map_err(|error| error.to_string())?;
    report.judgement.iter().for_each(|judgement| coverage().add(judgement));
    Ok(report)
}

/// Another machine may take another way there: its behaviour is not compared.
fn run_on(lab: &RunEnv, path: &Path, machine: &str) -> Result<Completion, Failed> {
    let loaded = ScenarioSource::on(path, Some(machine))
        .map_err(|error| format!("{:?}", miette::Report::new(*error)))?;
    let report = run(lab, &loaded)?;
    match &report.verdict {
        Verdict::Pass => Ok(Completion::Completed),
        Verdict::Skip(why) => common::ignored(why.clone()),
        _ => Err(Failed::from(report::human(&report))),
    }
}

fn run_one(lab: &RunEnv, path: &Path) -> Result<Completion, Failed> {
    let loaded = ScenarioSource::from(path).map_err(|error| format!("{:?}", miette::Report::new(*error)))?;
    let report = run(lab, &loaded)?;
    match &report.verdict {
        Verdict::Pass => compare(&loaded, &report),
        // `DAMONLAB_REQUIRE` or not.
        Verdict::Skip(why) if loaded.scenario.wants_another_kernel() => {
            Ok(Completion::ignored_with(why.clone()))
        }
        Verdict::Skip(why) => common::ignored(why.clone()),
        _ => Err(Failed::from(report::human(&report))),
    }
}

/// Compares with `snapshots/<scenario>@<kind>.snap`; `cargo insta review` shows the differences.
fn compare(loaded: &ScenarioSource, report: &Report) -> Result<Completion, Failed> {
    let recording = Recording::load(&report.dir).map_err(|error| error.to_string())?;
    for kind in &loaded.scenario.snapshot {
        if let Some(why) = snapshot::not_compared(*kind, &recording) {
            eprintln!("{}: {kind:?} is not compared: {why}", report.scenario);
            continue;
        }
        let (name, text) = match kind {
            SnapshotKind::Interface => ("interface", snapshot::interface(&recording)),
            SnapshotKind::Behaviour => ("behaviour", snapshot::behaviour(&recording)),
        };
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(paths::project().join("snapshots"));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_description(format!("{}: {}", report.scenario, report.summary));
        settings.bind(|| insta::assert_snapshot!(format!("{}@{name}", report.scenario), text));
    }
    Ok(Completion::Completed)
}
