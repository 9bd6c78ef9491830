//! What a seed reaches: the kernel's own random numbers.

mod common;

use damonlab::check::Verdict;
use damonlab::host::{interrupt, paths};
use damonlab::recording::Recording;
use damonlab::run::{self, Lab, Loaded, RunError};
use damonlab::scenario::Scenario;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use std::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if let Err(cause) = interrupt::listen() {
        eprintln!("cannot listen for Ctrl-C: {cause}");
        return ExitCode::FAILURE;
    }
    let name = "another_seed_gives_the_kernel_other_random_numbers";
    let trial = Trial::ignorable_test(name, || {
        common::with_lab(|lab| match another_seed(lab) {
            Ok(()) => Ok(Completion::Completed),
            Err(why) => Err(Failed::from(why.to_string())),
        })
    });
    libtest_mimic::run(&arguments, vec![trial]).exit_code()
}

/// With no workload a seed has one way into the trace: DAMON looks at other pages, which takes other times.
fn another_seed(lab: &Lab) -> Result<(), Box<dyn Error>> {
    let text = std::fs::read_to_string(paths::project().join("scenarios/idle.yaml"))?;
    let of_workload = |line: &&str| line.contains("name: cold") || line.contains("resident: cold");
    let text: String =
        text.lines().filter(|line| !of_workload(line)).map(|line| format!("{line}\n")).collect();
    let text = text.replace("\nworkloads:\n", "\n");
    let loaded = Loaded { scenario: Scenario::parse("nothing-runs", &text)?, text };
    if !loaded.scenario.workloads.is_empty() {
        return Err("the scenario still has a workload".into());
    }
    let sweep = run::sweep(lab, &loaded, "1..3".parse()?, |_, _| Ok::<(), RunError>(()))?;
    if sweep.verdict != Verdict::Pass {
        return Err(sweep.verdict.to_string().into());
    }
    let mut traces = Vec::new();
    for (_, report) in &sweep.runs {
        let lines = Recording::load(&report.dir)?.trace.lines;
        traces.push(lines.iter().map(ToString::to_string).collect::<Vec<_>>());
    }
    if traces[0].is_empty() || traces[0] == traces[1] {
        return Err("the seeds 1 and 2 gave the same trace".into());
    }
    Ok(())
}
