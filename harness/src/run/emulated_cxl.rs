//! Refuses workloads on CXL memory that would take minutes to fill, because QEMU emulates every access to it.

use super::run_env::RunEnv;
use super::run_error::RunError;
use crate::host::paths;
use crate::host::progress::Progress;
use crate::machine::Machine;
use crate::scenario::{Scenario, ScenarioError};
use crate::setup::Version;
use crate::vm;
use damonlab_protocol::plan::Workload;
use damonlab_protocol::units::{Bytes, NodeId};
use std::collections::BTreeSet;

/// The limit on all workloads on emulated windows together. Filling it took 23 s, and the wall clock of a scenario allows
/// 60 s besides guest time (`Clocks::for_guest_time`). So a host that is half as fast still passes, and twice the memory
/// would not.
const LIMIT: Bytes = Bytes(64 << 20);

/// How long filling 64 MiB took (QEMU 10.0.2 on two cores; memory that QEMU maps took 0.65 s).
const MILLIS_FOR_64_MIB: u64 = 22_800;

const HELP: &str = "use 16M or less on such memory, or a node with `soft_reserved: true` or with a slow `from`, which has \
                    the speed of RAM; so does CXL memory without an interleave under a QEMU that maps it directly \
                    (QEMU 11.1 should)";

/// Refuses a scenario whose workloads are too large for the windows that this QEMU emulates. Which windows those are is
/// found out only if it matters.
pub(super) fn check(env: &RunEnv, scenario: &Scenario, machine: &Machine) -> Result<(), RunError> {
    let windows: BTreeSet<NodeId> = scenario.machine.cxl.iter().map(|window| window.node).collect();
    if first_beyond(&scenario.workloads, &windows).is_none() {
        return Ok(());
    }
    let cache = paths::cache().map_err(RunError::Results)?;
    let progress = Progress::stderr();
    let emulated =
        vm::emulated_windows(&cache, &env.tools, &env.image.bzimage, scenario, &machine.argv, &progress)?;
    Ok(fits(scenario, &emulated, &env.tools.qemu_version)?)
}

fn fits(scenario: &Scenario, emulated: &BTreeSet<NodeId>, qemu: &str) -> Result<(), Box<ScenarioError>> {
    let Some((index, total)) = first_beyond(&scenario.workloads, emulated) else { return Ok(()) };
    let workload = &scenario.workloads[index];
    let what = if total == workload.size { "this is" } else { "with this workload they come to" };
    let seconds = (total.0 >> 20) * MILLIS_FOR_64_MIB / 64 / 1_000;
    let qemu = Version::find(qemu).map(|version| format!(" ({version})")).unwrap_or_default();
    let message = format!(
        "this QEMU{qemu} emulates every access to the CXL memory of {}, and {what} {total}: filling that once \
         takes about {seconds} s, and {LIMIT} is the limit",
        workload.node
    );
    Err(Box::new(scenario.places.wrong_workload(index, message, HELP)))
}

/// The first workload with which the workloads on `nodes` exceed [`LIMIT`], and their size with it.
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
    fn a_workload_that_would_take_minutes_to_fill_is_refused_at_its_line_with_the_time() {
        let scenario =
            scenario("  - {name: small, size: 1M, node: 0}\n  - {name: hot, size: 128M, node: 1}\n");
        let error = fits(&scenario, &nodes(&[1, 2]), QEMU).unwrap_err();
        assert_eq!(
            error.to_string(),
            "this QEMU (10.0.2) emulates every access to the CXL memory of node 1, and this is 128 MiB: \
             filling that once takes about 45 s, and 64 MiB is the limit"
        );
        assert_eq!(error.place().as_deref(), Some("windows.yaml:8"));
    }

    #[test]
    fn workloads_that_exceed_the_limit_together_are_refused_at_the_one_that_exceeds_it() {
        let scenario = scenario("  - {name: a, size: 40M, node: 1}\n  - {name: b, size: 40M, node: 2}\n");
        let error = fits(&scenario, &nodes(&[1, 2]), QEMU).unwrap_err();
        assert!(error.to_string().contains("with this workload they come to 80 MiB"), "{error}");
        assert_eq!(error.place().as_deref(), Some("windows.yaml:8"));
    }

    #[test]
    fn a_window_that_qemu_maps_has_no_limit() {
        let scenario = scenario("  - {name: a, size: 200M, node: 1}\n  - {name: b, size: 64M, node: 2}\n");
        assert!(fits(&scenario, &nodes(&[2]), QEMU).is_ok());
        assert!(fits(&scenario, &nodes(&[1]), QEMU).is_err());
    }

    #[test]
    fn the_workload_of_pull_push_fits_on_emulated_memory() {
        let scenario = scenario("  - {name: hot, size: 32M, node: 1}\n");
        assert!(fits(&scenario, &nodes(&[1]), QEMU).is_ok());
    }
}
