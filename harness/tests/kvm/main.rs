//! damonlab under a KVM that works, on a machine that has none: QEMU's translator emulates AMD's SVM with nested paging, so
//! its guest (the outer one) has a `/dev/kvm`, and damonlab's own guests (the inner ones) run under that.
//!
//! - `cargo test --test kvm` runs two scenarios; `cargo test --test kvm -- --ignored` runs all that need no CXL and no
//!   files of the host.
//! - `DAMONLAB_SETUP=1` fetches Debian's kernel for the outer guest. Without it a test that misses it is ignored.
//! - A host that is too slow proves nothing: the test is ignored with that reason, with `DAMONLAB_REQUIRE=vm` too.
//!
//! It shows that the accelerator is found, that the guests run and deliver, and that the acknowledgement is read. It cannot
//! show speed, Intel's VMX, the TLB of a real processor, and CXL memory under KVM.

#[path = "../vm/common.rs"]
#[expect(dead_code, reason = "the VM tests use the rest")]
mod common;
mod outer_guest;
mod outer_kernel;
mod proof;

use damonlab::run::{RunEnv, ScenarioSource};
use damonlab::scenario::Scenario;
use libtest_mimic::{Completion, Failed};
use proof::Proof;
use std::error::Error;
use std::process::ExitCode;

/// Two CPUs and four nodes, and no memory pressure at all.
const SCENARIOS: [&str; 2] = ["smoke-two-socket-two-slow", "idle"];

/// How many scenarios an outer guest runs: a crash of it loses so many.
const AT_ONCE: usize = 8;

/// Now and then the emulated machine itself crashes.
const ATTEMPTS: usize = 2;

fn main() -> ExitCode {
    let guests = "inner_guests_run_under_kvm_and_read_the_acknowledgement";
    let mut trials = vec![
        common::trial(guests, |env| prove(env, &SCENARIOS.map(str::to_owned))),
        common::trial("every_scenario_that_fits_passes_under_kvm", |env| prove(env, &fitting()?))
            .with_ignored_flag(true),
    ];
    trials.extend(proof::trials());
    common::main(trials, Vec::new)
}

/// The scenarios without CXL memory, which needs another QEMU under KVM, and without files of the host.
fn fitting() -> Result<Vec<String>, Box<dyn Error>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(damonlab::bundled::home().join("scenarios"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let Scenario { name, machine, host_root, .. } = ScenarioSource::from(&path)?.scenario;
            names.extend((machine.cxl.is_empty() && !host_root).then_some(name));
        }
    }
    names.sort();
    Ok(names)
}

fn prove(env: &RunEnv, scenarios: &[String]) -> Result<Completion, Failed> {
    let packages = match outer_kernel::packages()? {
        Ok(packages) => packages,
        Err(missing) => return common::ignored(missing),
    };
    if let Some(why) = outer_guest::does_not_fit()? {
        return Ok(Completion::ignored_with(why));
    }
    let (mut unproven, mut failed) = (Vec::new(), Vec::new());
    for some in scenarios.chunks(AT_ONCE) {
        for attempt in 1.. {
            match proof::of(&outer_guest::run(env, &packages, some)?, some) {
                Proof::Proven => break,
                Proof::Failed(why) => {
                    failed.push(why);
                    break;
                }
                Proof::Unproven(_) if attempt < ATTEMPTS => {}
                Proof::Unproven(why) => {
                    unproven.push(why);
                    break;
                }
            }
        }
    }
    if !failed.is_empty() {
        return Err(failed.join("\n\n").into());
    }
    match unproven.as_slice() {
        [] => Ok(Completion::Completed),
        reasons => Ok(Completion::ignored_with(format!("nothing is proven: {}", reasons.join("; ")))),
    }
}
