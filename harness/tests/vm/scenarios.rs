//! One trial for each scenario of `scenarios/`: it runs in a guest, must pass, and must match its snapshots. `pull-push`
//! must pass on other machines too, and the scenarios of `scenarios/findings/` show what is wrong in the kernel. If all ran, each invariant must have applied to one.

use super::common;
use damonlab::check::Verdict;
use damonlab::host::variables;
use damonlab::judge::{Coverage, Report};
use damonlab::recording::Recording;
use damonlab::run::{self, RunEnv, ScenarioSource};
use damonlab::scenario::{self, Scenario, ScenarioError, SnapshotKind};
use damonlab::{report, snapshot};
use libtest_mimic::{Completion, Failed, Trial};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The invariants that applied to a scenario so far.
static COVERAGE: Mutex<Coverage> = Mutex::new(Coverage::new());

/// Invariants that no scenario applies yet, each with the reason. An entry that a scenario applies is a failure.
const NOT_YET: &[(&str, &str)] = &[];

/// # Errors
/// A file of `scenarios/` is not a valid scenario.
pub fn trials() -> Result<Vec<Trial>, ScenarioError> {
    let folder = damonlab::bundled::home().join("scenarios");
    let on_its_own_machine = |scenario: Scenario| {
        let path = folder.join(format!("{}.yaml", scenario.name));
        common::trial(scenario.name, move |env| run_one(env, &path))
    };
    let on_other_machines = PULL_PUSH_MACHINES.map(|machine| {
        let path = folder.join("pull-push.yaml");
        common::trial(format!("pull-push on {machine}"), move |env| run_on(env, &path, machine))
    });
    let of_findings = scenario::all(&folder.join("findings"))?.into_iter().map(|scenario| {
        let path = folder.join("findings").join(format!("{}.yaml", scenario.name));
        common::trial(format!("finding {}", scenario.name), move |env| still_there(env, &path))
    });
    let all = scenario::all(&folder)?.into_iter().map(on_its_own_machine).chain(on_other_machines);
    Ok(all.chain(of_findings).collect())
}

/// What was found in the kernel is still there.
fn still_there(env: &RunEnv, path: &Path) -> Result<Completion, Failed> {
    let report = run::run(env, &ScenarioSource::from(path)?, 0).map_err(|error| error.to_string())?;
    match report.verdict {
        Verdict::Pass => Ok(Completion::Completed),
        Verdict::Skip(why) => common::ignored(why),
        other => {
            Err(format!("{other}\nIf the kernel was mended, docs/findings.md says so from now on").into())
        }
    }
}

/// The invariants that applied to no scenario, if all scenarios have run that this kernel can run.
pub fn uncovered() -> Vec<String> {
    let all = scenario::all(&damonlab::bundled::home().join("scenarios")).unwrap_or_default();
    let expected = all.iter().filter(|scenario| !scenario.wants_another_kernel());
    let coverage = coverage();
    if expected.count() > coverage.runs() {
        return Vec::new();
    }
    let mut complaints = coverage.complaints(NOT_YET);
    complaints.extend(stored(&coverage));
    complaints
}

/// What is wrong with the stored list of which rule applies to which scenario. `DAMONLAB_BLESS=1` writes it anew. On
/// another kernel than the default one, other rules may apply.
fn stored(coverage: &Coverage) -> Option<String> {
    let applied = coverage.changed().filter(|_| variables::value(variables::KERNEL).is_none())?;
    if !variables::is(variables::BLESS, "1") {
        return Some("harness/src/judge/applied.json differs; DAMONLAB_BLESS=1 writes it anew".to_owned());
    }
    let text = serde_json::to_string_pretty(applied).ok()?;
    let path = damonlab::bundled::home().join("harness/src/judge/applied.json");
    std::fs::write(path, text + "\n").err().map(|error| error.to_string())
}

/// Other machines on which the goals must be reached. On `cxl1` QEMU emulates every access, which takes two minutes.
const PULL_PUSH_MACHINES: [&str; 3] = ["dram-slow", "soft-reserved", "cxl1"];

fn coverage() -> MutexGuard<'static, Coverage> {
    // A trial that panicked did not change it.
    COVERAGE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a scenario with seed 0 and notes the invariants that applied.
fn run(env: &RunEnv, source: &ScenarioSource) -> Result<Report, Failed> {
    let report = run::run(env, source, 0).map_err(|error| error.to_string())?;
    report.judgement.iter().for_each(|judgement| coverage().add(&report.scenario, judgement));
    Ok(report)
}

/// On another machine the behaviour may differ, so the snapshots are not compared.
fn run_on(env: &RunEnv, path: &Path, machine: &str) -> Result<Completion, Failed> {
    let source = ScenarioSource::on(path, Some(machine), None)
        .map_err(|error| format!("{:?}", miette::Report::new(*error)))?;
    let report = run(env, &source)?;
    match &report.verdict {
        Verdict::Pass => Ok(Completion::Completed),
        Verdict::Skip(why) => common::ignored(why.clone()),
        _ => Err(Failed::from(report::full_text(&report))),
    }
}

fn run_one(env: &RunEnv, path: &Path) -> Result<Completion, Failed> {
    let source = ScenarioSource::from(path).map_err(|error| format!("{:?}", miette::Report::new(*error)))?;
    let report = run(env, &source)?;
    match &report.verdict {
        Verdict::Pass => compare(&source, &report),
        // This is no failure even with `DAMONLAB_REQUIRE`.
        Verdict::Skip(why) if source.scenario.wants_another_kernel() => {
            Ok(Completion::ignored_with(why.clone()))
        }
        Verdict::Skip(why) => common::ignored(why.clone()),
        _ => Err(Failed::from(report::full_text(&report))),
    }
}

/// Compares with `snapshots/<scenario>@<kind>.snap`; `cargo insta review` shows the differences.
fn compare(source: &ScenarioSource, report: &Report) -> Result<Completion, Failed> {
    let recording = Recording::load(&report.dir).map_err(|error| error.to_string())?;
    for kind in &source.scenario.snapshot {
        if let Some(why) = snapshot::not_compared(*kind, &recording) {
            eprintln!("{}: {kind:?} is not compared: {why}", report.scenario);
            continue;
        }
        let (name, text) = match kind {
            SnapshotKind::Interface => ("interface", snapshot::interface(&recording)),
            SnapshotKind::Behaviour => ("behaviour", snapshot::behaviour(&recording)),
        };
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(damonlab::bundled::home().join("snapshots"));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_description(format!("{}: {}", report.scenario, report.summary));
        settings.bind(|| insta::assert_snapshot!(format!("{}@{name}", report.scenario), text));
    }
    Ok(Completion::Completed)
}
