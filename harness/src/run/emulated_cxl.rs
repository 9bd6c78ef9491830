//! Workloads on CXL memory that would take minutes to fill, because QEMU emulates every access to it: the
//! user's to mend, and found out before the guest is started.

use super::{RunEnv, RunError};
use crate::host::paths;
use crate::host::progress::Progress;
use crate::machine::Machine;
use crate::scenario::{Scenario, ScenarioError};
use crate::setup::Version;
use crate::vm;
use damonlab_protocol::plan::Workload;
use damonlab_protocol::units::{Bytes, NodeId};
use std::collections::BTreeSet;

/// What workloads may have on emulated windows, together. To fill it took 23 s, and a scenario's wall clock has
/// 60 s for all that is not guest time (`Clocks::for_guest_time`): a host that is half as fast still passes, and
/// with twice as much it would not.
const LIMIT: Bytes = Bytes(64 << 20);

/// How long it took to fill 64 MiB (QEMU 10.0.2 on two cores; memory that is mapped took 0.65 s).
const MILLIS_FOR_64_MIB: u64 = 22_800;

const HELP: &str = "16M or less suits such memory; a node with `soft_reserved: true`, or one with a slow `from`, \
                    has the speed of RAM; and so has CXL memory without an interleave under a QEMU that maps it \
                    directly (11.1 is said to)";

/// Refuses a scenario with too much on windows that this QEMU emulates. QEMU is asked only if it matters.
pub(super) fn check(lab: &RunEnv, scenario: &Scenario, machine: &Machine) -> Result<(), RunError> {
    let windows: BTreeSet<NodeId> = scenario.machine.cxl.iter().map(|window| window.node).collect();
    if first_beyond(&scenario.workloads, &windows).is_none() {
        return Ok(());
    }
    let cache = paths::cache().map_err(RunError::Results)?;
    let progress = Progress::stderr();
    let emulated =
        vm::emulated_windows(&cache, &lab.tools, &lab.image.bzimage, scenario, &machine.argv, &progress)?;
    Ok(fits(scenario, &emulated, &lab.tools.qemu_version)?)
}

fn fits(scenario: &Scenario, emulated: &BTreeSet<NodeId>, qemu: &str) -> Result<(), Box<ScenarioError>> {
    let Some((index, total)) = first_beyond(&scenario.workloads, emulated) else { return Ok(()) };
    let workload = &scenario.workloads[index];
    let what = if total == workload.size { "this is" } else { "with this the workloads there come to" };
    let seconds = (total.0 >> 20) * MILLIS_FOR_64_MIB / 64 / 1_000;
    let qemu = Version::find(qemu).map(|version| format!(" ({version})")).unwrap_or_default();
    let message = format!(
        "this QEMU{qemu} emulates every access to the CXL memory of {}, and {what} {total}: to fill that once \
         takes about {seconds} s, and {LIMIT} is the limit",
        workload.node
    );
    Err(Box::new(scenario.places.wrong_workload(index, message, HELP)))
}

/// The first workload with which those on `nodes` come to more than [`LIMIT`], and what they come to then.
fn first_beyond(workloads: &[Workload], nodes: &BTreeSet<NodeId>) -> Option<(usize, Bytes)> {
    let mut total = 0u64;
    let there = workloads.iter().enumerate().filter(|(_, workload)| nodes.contains(&workload.node));
    for (index, workload) in there {
        total = total.saturating_add(workload.size.0);
        if total > LIMIT.0 {
            return Some((index, Bytes(total)));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(workloads: &str) -> Scenario {
        let text = format!(
            "version: 1
summary: Two windows.
machine:
  nodes: [{{id: 0, memory: 512M, cpus: [0]}}]
  cxl: [{{node: 1, size: 256M}}, {{node: 2, size: 256M}}]
workloads:
{workloads}damon: {{kdamonds: [{{contexts: [{{ops: paddr, targets: [{{regions: [{{node: 0}}]}}]}}]}}]}}
steps: [start, run: {{for: 1s}}, stop]
"
        );
        Scenario::parse("windows", &text).unwrap()
    }

    fn nodes(ids: &[u16]) -> BTreeSet<NodeId> {
        ids.iter().copied().map(NodeId).collect()
    }

    const QEMU: &str = "QEMU emulator version 10.0.2";

    #[test]
    fn what_would_take_minutes_is_refused_at_its_line_with_how_long_it_would_take() {
        let scenario =
            scenario("  - {name: small, size: 1M, node: 0}\n  - {name: hot, size: 128M, node: 1}\n");
        let error = fits(&scenario, &nodes(&[1, 2]), QEMU).unwrap_err();
        assert_eq!(
            error.to_string(),
            "this QEMU (10.0.2) emulates every access to the CXL memory of node 1, and this is 128 MiB: to \
             fill that once takes about 45 s, and 64 MiB is the limit"
        );
        assert_eq!(error.place().as_deref(), Some("windows.yaml:8"));
    }

    #[test]
    fn several_that_are_too_much_together_are_refused_at_the_one_that_makes_it_so() {
        let scenario = scenario("  - {name: a, size: 40M, node: 1}\n  - {name: b, size: 40M, node: 2}\n");
        let error = fits(&scenario, &nodes(&[1, 2]), QEMU).unwrap_err();
        assert!(error.to_string().contains("with this the workloads there come to 80 MiB"), "{error}");
        assert_eq!(error.place().as_deref(), Some("windows.yaml:8"));
    }

    #[test]
    fn a_window_that_is_mapped_counts_as_any_memory() {
        let scenario = scenario("  - {name: a, size: 200M, node: 1}\n  - {name: b, size: 64M, node: 2}\n");
        assert!(fits(&scenario, &nodes(&[2]), QEMU).is_ok());
        assert!(fits(&scenario, &nodes(&[1]), QEMU).is_err());
    }

    #[test]
    fn pull_push_would_run_on_emulated_memory_as_it_is() {
        let scenario = scenario("  - {name: hot, size: 32M, node: 1}\n");
        assert!(fits(&scenario, &nodes(&[1]), QEMU).is_ok());
    }
}
