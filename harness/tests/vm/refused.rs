//! What is refused only once the host or QEMU was asked: no results, no verdict, the scenario's line.

use super::common::{self, ensure};
use damonlab::host::paths;
use damonlab::host::progress::Progress;
use damonlab::machine::Machine;
use damonlab::run::{self, RunEnv, RunError, ScenarioSource};
use damonlab::scenario::Scenario;
use damonlab::vm;
use libtest_mimic::Trial;
use std::error::Error;

const TRIALS: &[(&str, common::Check)] = &[(
    "too_much_on_cxl_memory_is_refused_where_this_qemu_emulates_it_and_it_is_asked_once",
    cxl_is_asked_once,
)];

pub fn trials() -> Vec<Trial> {
    common::checks(TRIALS)
}

fn cxl_is_asked_once(lab: &RunEnv) -> Result<(), Box<dyn Error>> {
    let shipped = std::fs::read_to_string(paths::project().join("scenarios/cxl-promote.yaml"))?;
    let text = shipped.replace("size: 16M, node: 2", "size: 128M, node: 2");
    let line = text.lines().position(|line| line.contains("size: 128M")).ok_or("no workload")? + 1;
    let scenario = Scenario::parse("large", &text)?;
    let machine = Machine::new(&scenario.machine)?;
    let cache = tempfile::tempdir()?;
    let ask = || {
        let (tools, bzimage, progress) = (&lab.tools, &lab.image.bzimage, Progress::silent());
        vm::emulated_windows(cache.path(), tools, bzimage, &scenario, &machine.argv, &progress)
    };
    let emulated = ask()?;
    ensure(std::fs::read_dir(cache.path().join("mapping"))?.count() == 1, "the answer is not kept")?;
    ensure(ask()? == emulated, "another answer")?;
    if emulated.is_empty() {
        // This QEMU maps the window, and 128 MiB are filled in a second.
        return Ok(());
    }
    let out = tempfile::tempdir()?;
    let lab = RunEnv { out: out.path().to_owned(), ..lab.clone() };
    let loaded = ScenarioSource { scenario: scenario.clone(), text };
    match run::run(&lab, &loaded, 0) {
        Err(RunError::Scenario(error)) => {
            ensure(error.place() == Some(format!("large.yaml:{line}")), &error)?
        }
        other => return Err(format!("not refused: {other:?}").into()),
    }
    ensure(std::fs::read_dir(out.path())?.count() == 0, "something of it is kept")
}
