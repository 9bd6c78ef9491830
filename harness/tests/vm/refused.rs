//! Scenarios that are refused because of this host or this QEMU: no results, no verdict, and the line of the scenario.

use super::common::{self, ensure};

use damonlab::host::progress::Progress;
use damonlab::machine::Machine;
use damonlab::run::{self, RunEnv, RunError, ScenarioSource};
use damonlab::scenario::Scenario;
use damonlab::vm;
use libtest_mimic::Trial;
use std::error::Error;

const TRIALS: &[(&str, common::Check)] =
    &[("a_large_workload_on_emulated_cxl_memory_is_refused_and_qemu_is_probed_once", emulated_cxl)];

pub fn trials() -> Vec<Trial> {
    common::checks(TRIALS)
}

fn emulated_cxl(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let shipped = std::fs::read_to_string(damonlab::bundled::home().join("scenarios/cxl-promote.yaml"))?;
    let text = shipped.replace("size: 16M, node: 2", "size: 128M, node: 2");
    let line = text.lines().position(|line| line.contains("size: 128M")).ok_or("no workload")? + 1;
    let scenario = Scenario::parse("large", &text)?;
    let machine = Machine::new(&scenario.machine)?;
    let cache = tempfile::tempdir()?;
    let probe = || {
        let (tools, bzimage, progress) = (&env.tools, &env.image.bzimage, Progress::silent());
        vm::emulated_windows(cache.path(), tools, bzimage, &scenario, &machine.argv, &progress)
    };
    let emulated = probe()?;
    ensure(
        std::fs::read_dir(cache.path().join("mapping"))?.count() == 1,
        "the result of the probe is not stored",
    )?;
    ensure(probe()? == emulated, "the second result differs")?;
    if emulated.is_empty() {
        // This QEMU maps the window, so that filling 128 MiB takes a second.
        return Ok(());
    }
    let (env, out) = common::with_own_results(env)?;
    match run::run(&env, &ScenarioSource { scenario: scenario.clone(), text }, 0) {
        Err(RunError::Scenario(error)) => {
            ensure(error.place() == Some(format!("large.yaml:{line}")), &error)?
        }
        other => return Err(format!("not refused: {other:?}").into()),
    }
    ensure(std::fs::read_dir(out.path())?.count() == 0, "there are results")
}
