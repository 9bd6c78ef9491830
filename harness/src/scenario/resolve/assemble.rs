//! The whole of a scenario, put together from its parts.

use super::steps::{self, Steps, Subjects};
use super::{boot, choices, expect, host, kunit, machine, names, needs, sample, trace, workload};
use crate::grammar::{At, Checked, Fault, Names};
use crate::scenario::definition::guest_time;
use crate::scenario::machine_file::Chosen;
use crate::scenario::raw::RawScenario;
use crate::scenario::raw_steps::RawStep;
use crate::scenario::subject::{self, RawConfig};
use crate::scenario::{MachineSpec, Places, Scenario};
use damonlab_protocol::damon::Kdamond;

/// The scenario that `raw` means, on the machine that was chosen for it.
pub(in crate::scenario) fn scenario(name: &str, raw: &RawScenario, chosen: &Chosen) -> Checked<Scenario> {
    let machine = chosen.spec.clone();
    let clock = choices::guest_clock(raw.clock.as_ref())?;
    // Whoever overrules the machine may overrule the clock too, and asks then.
    if clock.is_virtual() && !chosen.overrules {
        machine::check_virtual_time(&raw.machine, &machine)?;
    }
    let workloads = workload::resolve(&raw.workloads, &machine)?;
    let host_root = host::root(raw.host_root.as_ref(), clock)?;
    let names = Names {
        absent: names::absent(&raw.absent_nodes, &machine)?,
        refused: raw.steps.value.iter().any(expects_refusal),
        ..names::of_workloads(&workloads, &machine)
    };
    let kdamonds = subject::config(&raw.damon, &names)?;
    // KUnit's tests have run when a guest begins.
    if raw.steps.value.is_empty() && raw.kunit.is_empty() {
        return Err(Fault::at(&raw.steps, "no steps").help("steps: [start, run: {windows: 60}, stop]"));
    }
    let on =
        Subjects { kdamonds: &kdamonds, machine: &machine, workloads: &workloads, names: &names, host_root };
    let Steps { steps, windows } = steps::resolve(&raw.steps.value, &on)?;
    let mut trace = trace::resolve(&raw.trace, &machine, !kdamonds.is_empty())?;
    let vmstat = sample::vmstat(&raw.sample)?;
    let run = expect::Measurable { names: &names, windows: &windows, events: &trace.events, vmstat: &vmstat };
    let expect = raw.expect.iter().map(|raw| expect::resolve(raw, &run)).collect::<Checked<Vec<_>>>()?;
    trace.events.extend(subject::also_recorded(&trace.events, &kdamonds, &steps).map(str::to_owned));
    Ok(Scenario {
        name: name.to_owned(),
        summary: raw.summary.value.0.trim().to_owned(),
        machine,
        machine_file: chosen.file.clone(),
        workloads,
        swap: workload::swap(raw.swap.as_ref(), &chosen.spec)?,
        boot: boot::resolve(&raw.boot)?,
        host_root,
        trace,
        kdamonds,
        sample_every: sample::every(&raw.sample)?,
        vmstat,
        clocks: choices::clocks(&raw.clocks, guest_time(&steps))?,
        steps,
        expect,
        kunit: kunit::resolve(&raw.kunit)?,
        snapshot: choices::snapshot(&raw.snapshot)?,
        clock,
        needs: raw.needs.iter().map(needs::need).collect::<Checked<Vec<_>>>()?,
        places: Places::default(),
    })
}

fn expects_refusal(step: &At<RawStep>) -> bool {
    matches!(&step.value, RawStep::Subject(step) if step.is_refused_start())
}

/// What a configuration by itself means, on a machine without workloads.
pub(in crate::scenario) fn kdamonds(raw: &RawConfig, machine: &MachineSpec) -> Checked<Vec<Kdamond>> {
    subject::config(raw, &names::of_machine(machine))
}
