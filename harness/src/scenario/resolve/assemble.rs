//! The whole of a scenario, put together from its parts.

use super::rules::{self, Around};
use super::steps::{self, Steps, Subjects};
use super::{boot, choices, expect, host, kunit, machine, names, needs, sample, trace, workload};
use crate::grammar::{At, Checked, Fault, Names};
use crate::scenario::definition::guest_time;
use crate::scenario::machine_file::Chosen;
use crate::scenario::place::Source;
use crate::scenario::raw::RawScenario;
use crate::scenario::raw_steps::RawStep;
use crate::scenario::subject::{self, Introduced, Needs, RawConfig, Vocabulary};
use crate::scenario::{MachineSpec, Places, Scenario, ScenarioRule};
use damonlab_protocol::damon::Kdamond;
use damonlab_protocol::kernel_feature::KernelFeature;

/// What a file means.
pub(in crate::scenario) struct Resolved {
    pub(in crate::scenario) scenario: Scenario,
    /// The lines that need a feature that the scenario introduces or names itself.
    pub(in crate::scenario) needed: Vec<(KernelFeature, usize)>,
    /// The scenario uses words that another file introduces.
    pub(in crate::scenario) uses_file: bool,
}

/// Refuses a scenario without steps. KUnit's tests have run when a guest begins.
fn check_something_happens(raw: &RawScenario) -> Checked<()> {
    if raw.steps.value.is_empty() && raw.kunit.is_empty() {
        return Err(Fault::at(&raw.steps, "no steps").help("steps: [start, run: {windows: 60}, stop]"));
    }
    Ok(())
}

/// The scenario that `raw` means, on the machine that was chosen for it.
pub(in crate::scenario) fn scenario(
    name: &str,
    raw: &RawScenario,
    chosen: &Chosen,
    introduced: &Introduced,
    source: &Source,
) -> Checked<Resolved> {
    let (machine, clock) = (chosen.spec.clone(), choices::guest_clock(raw.clock.as_ref())?);
    // Whoever overrules the machine may overrule the clock too, and asks then.
    if clock.is_virtual() && !chosen.overrules {
        machine::check_virtual_time(&raw.machine, &machine)?;
    }
    let workloads = workload::resolve(&raw.workloads, &machine)?;
    let host_root = host::root(raw.host_root.as_ref(), clock)?;
    let names = Names {
        absent: names::absent(&raw.absent_nodes, &machine)?,
        refused: raw.steps.value.iter().any(expects_refusal),
        ..names::of_workloads(&workloads, &machine, host_root)
    };
    let words = Vocabulary { names: &names, introduced };
    let kdamonds = subject::config(&raw.damon, &words)?;
    check_something_happens(raw)?;
    let on = Subjects { kdamonds: &kdamonds, machine: &machine, workloads: &workloads, words, host_root };
    let Steps { steps, windows } = steps::resolve(&raw.steps.value, &on)?;
    let mut trace = trace::resolve(&raw.trace, &machine, !kdamonds.is_empty(), introduced)?;
    let vmstat = sample::vmstat(&raw.sample)?;
    let run = expect::Measurable { words, windows: &windows, events: &trace.events, vmstat: &vmstat };
    let expect = raw.expect.iter().map(|raw| expect::resolve(raw, &run)).collect::<Checked<Vec<_>>>()?;
    let rules = own_rules(raw, source, (&trace.events, introduced), windows.len())?;
    trace.events.extend(subject::also_recorded(&trace.events, &kdamonds, &steps).map(str::to_owned));
    let Needs { required, uses_file } = required(raw, introduced)?;
    let scenario = Scenario {
        name: name.to_owned(),
        summary: raw.summary.value.0.trim().to_owned(),
        machine,
        machine_file: chosen.file.clone(),
        introduces_file: None,
        rule_files: Vec::new(),
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
        rules,
        kunit: kunit::resolve(&raw.kunit)?,
        snapshot: choices::snapshot(&raw.snapshot)?,
        clock,
        needs: needs::all(&raw.needs, &required)?,
        notes: Vec::new(),
        places: Places::default(),
    };
    Ok(Resolved { scenario, needed: needs::lines(required), uses_file })
}

/// What the scenario needs because it introduces or names it itself.
fn required(raw: &RawScenario, introduced: &Introduced) -> Checked<Needs> {
    let steps = raw.steps.value.iter().flat_map(|step| step.value.of_subject());
    let expected = raw.expect.iter().flat_map(|line| [&line.value.of, &line.value.count]).flatten();
    let recorded = raw.trace.events.iter().flat_map(|events| &events.value);
    subject::required(introduced, &raw.damon, steps, expected.chain(recorded))
}

/// The rules that the scenario states, about events that it records.
fn own_rules(
    raw: &RawScenario,
    source: &Source,
    events: (&[String], &Introduced),
    runs: usize,
) -> Checked<Vec<ScenarioRule>> {
    rules::rules(&raw.rules, &Around { source, events: Some(events), runs: Some(runs) })
}

fn expects_refusal(step: &At<RawStep>) -> bool {
    matches!(&step.value, RawStep::Subject(step) if step.is_refused_start())
}

/// What a configuration by itself means, on a machine without workloads.
pub(in crate::scenario) fn kdamonds(raw: &RawConfig, machine: &MachineSpec) -> Checked<Vec<Kdamond>> {
    let words = Vocabulary { names: &names::of_machine(machine), introduced: &Introduced::default() };
    subject::config(raw, &words)
}
