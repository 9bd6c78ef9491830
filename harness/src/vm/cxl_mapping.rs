//! Finds the CXL windows of which QEMU emulates every access, instead of mapping them onto memory.
//!
//! QEMU decides that when the guest commits its decoders, so a small guest does that before QEMU is queried. It is booted
//! once for each machine and QEMU, and the cache keeps the result.

use super::error::VmError;
use super::probe::{self, Probe};
use super::timing::Accelerator;
use crate::host::probe_cache::CachedProbe;
use crate::host::progress::Progress;
use crate::machine::{Argv, cxl_backend};
use crate::scenario::Scenario;
use crate::setup::Tools;
use damonlab_protocol::plan::{MEMORY_MARK, Plan, Step};
use damonlab_protocol::units::{Bytes, Nanos, NodeId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

/// The guest reaches user space in five seconds under TCG, later on a busy host, and each region may take ten more.
const LIMIT: Duration = Duration::from_secs(120);

/// The guest's only step: it waits until it is ended.
const IDLE: Nanos = Nanos(3_600 * 1_000_000_000);

/// What decides how windows are mapped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ProbeKey {
    binary: PathBuf,
    qemu: String,
    machine: Vec<String>,
}

/// What a process waits for while another one probes.
const WAITS_FOR: &str = "another damonlab to find out how QEMU maps CXL memory";

impl CachedProbe for ProbeKey {
    /// The nodes of the windows of which every access is emulated.
    type Output = BTreeSet<NodeId>;
    const FOLDER: &'static str = "mapping";
}

/// The windows of a scenario's machine of which this QEMU emulates every access. Boots a guest the first time.
///
/// # Errors
/// The guest did not bring its memory up, QEMU did not answer, or the user asked to stop.
pub fn emulated_windows(
    cache: &Path,
    tools: &Tools,
    bzimage: &Path,
    scenario: &Scenario,
    machine: &Argv,
    progress: &Progress,
) -> Result<BTreeSet<NodeId>, VmError> {
    let mut arguments =
        vec!["-m".to_owned(), machine.memory_word(), "-smp".to_owned(), machine.cpus.to_string()];
    arguments.extend(machine.qemu.iter().cloned());
    let key = ProbeKey { binary: tools.qemu.clone(), qemu: tools.qemu_version.clone(), machine: arguments };
    key.cached_or(cache, WAITS_FOR, || {
        progress.say("cxl: booting a small guest to find out whether this QEMU maps CXL memory directly");
        probe_windows(cache, tools, bzimage, scenario, machine)
    })
}

fn probe_windows(
    cache: &Path,
    tools: &Tools,
    bzimage: &Path,
    scenario: &Scenario,
    machine: &Argv,
) -> Result<BTreeSet<NodeId>, VmError> {
    let plan = Plan { steps: vec![Step::Run { time: IDLE }], ..bring_up_of(scenario) };
    let tcg = Accelerator::Tcg("CXL memory under KVM may kill the guest".to_owned());
    let mut probe = Probe::start(cache, tools, bzimage, &tcg, machine, &plan)?;
    let (up, ended) = probe.wait_for(MEMORY_MARK, LIMIT)?;
    if !up {
        return Err(VmError::CxlProbe(why(ended, &probe.end()?)));
    }
    let command = json!({"command-line": "info mtree -f"});
    let tree = probe.monitor()?.execute("human-monitor-command", command)?;
    probe.end()?;
    let memory = system_memory(tree.as_str().unwrap_or_default());
    let mapped = memory.ok_or_else(|| VmError::CxlProbe("QEMU's memory tree has no system memory".into()))?;
    Ok(emulated(scenario, &mapped))
}

/// A plan that brings up the scenario's CXL memory and nothing else.
fn bring_up_of(scenario: &Scenario) -> Plan {
    let Plan { cxl, .. } = scenario.plan(0, Default::default());
    Plan { cxl, ..Plan::empty("probe") }
}

fn why(ended: Option<ExitStatus>, console: &str) -> String {
    let last = probe::last_line(console);
    match ended {
        Some(status) => {
            let how = probe::ended(status);
            format!("QEMU ended {how} before the guest had brought its CXL memory up; {last}")
        }
        None => format!("the guest did not bring its CXL memory up within {} s; {last}", LIMIT.as_secs()),
    }
}

/// The nodes of the emulated windows. A window is mapped if all memory of each of its devices is mapped.
fn emulated(scenario: &Scenario, mapped: &BTreeMap<String, Bytes>) -> BTreeSet<NodeId> {
    let mut numbers = 0..;
    let mut emulated = BTreeSet::new();
    for window in &scenario.machine.cxl {
        for (device, number) in window.devices.iter().zip(&mut numbers) {
            if mapped.get(&cxl_backend(number)).is_none_or(|found| *found < device.size) {
                emulated.insert(window.node);
            }
        }
    }
    emulated
}

/// The size of each RAM region, by QEMU's name for it, in the guest's physical address space, from the output of
/// `info mtree -f`; none without that address space. Devices have their own address spaces, with the same memory in them.
///
/// ```text
/// FlatView #1
///  AS "memory", root: system
///  Root memory region: system
///   0000000000000000-00000000000bffff (prio 0, ram): numa-mem0
///   0000000110000000-000000011fffffff (prio 0, i/o): cxl-fixed-memory-region
/// ```
pub(super) fn system_memory(tree: &str) -> Option<BTreeMap<String, Bytes>> {
    let views = tree.split("FlatView #").skip(1);
    let system = views.into_iter().find(|view| view.contains("AS \"memory\""))?;
    let mut found: BTreeMap<String, Bytes> = BTreeMap::new();
    for (name, size) in system.lines().filter_map(ram) {
        let known = found.entry(name).or_default();
        known.0 = known.0.saturating_add(size.0);
    }
    Some(found)
}

/// The name and the size in a line of RAM.
fn ram(line: &str) -> Option<(String, Bytes)> {
    let (range, rest) = line.trim().split_once(" (prio ")?;
    let (start, end) = range.split_once('-')?;
    let address = |text: &str| u64::from_str_radix(text, 16).ok();
    let size = address(end)?.checked_sub(address(start)?)?.saturating_add(1);
    let name = rest.split_once(", ram): ")?.1.split([' ', '@']).next()?;
    Some((name.to_owned(), Bytes(size)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;
    use crate::scenario;

    /// The output of QEMU 10.0.2 for the machine of cxl-promote.yaml once its guest had committed the region.
    const REAL: &str = include_str!("cxl_mapping/qemu-10.0.2.txt");

    /// The line of the window in it.
    const WINDOW: &str = "  0000000110000000-000000011fffffff (prio 0, i/o): cxl-fixed-memory-region\n";

    /// The line of a mapped window, as QEMU 11.1 is reported to print it; no such QEMU was available.
    const MAPPED: &str = "  0000000110000000-000000011fffffff (prio 0, ram): cxl-mem0\n";

    fn emulated_by(tree: &str, cxl: &str) -> Vec<u16> {
        let text = format!(
            "version: 1\nsummary: Windows.\nmachine:\n  nodes: [{{id: 0, memory: 512M, cpus: [0]}}, {{id: 1, memory: \
             512M}}]\n  cxl: [{cxl}]\nsteps: [offline: {{node: 2}}]\n"
        );
        let scenario = Scenario::parse("windows", &text).unwrap();
        emulated(&scenario, &system_memory(tree).unwrap()).into_iter().map(|node| node.0).collect()
    }

    #[test]
    fn qemu_10_emulates_its_window_though_a_device_has_the_same_memory_as_ram() {
        assert!(REAL.contains(WINDOW) && REAL.contains("(prio 0, ram): cxl-mem0"));
        assert_eq!(emulated_by(REAL, "{node: 2, size: 256M}"), [2]);
    }

    #[test]
    fn a_window_that_is_ram_is_mapped() {
        let tree = REAL.replace(WINDOW, MAPPED);
        assert_eq!(emulated_by(&tree, "{node: 2, size: 256M}"), [0; 0]);
        // As the monitor ends its lines.
        assert_eq!(emulated_by(&tree.replace('\n', "\r\n"), "{node: 2, size: 256M}"), [0; 0]);
    }

    #[test]
    fn each_window_is_checked_by_itself() {
        let tree = REAL.replace(WINDOW, &format!("{MAPPED}{}", WINDOW.replace("00000001", "00000002")));
        assert_eq!(emulated_by(&tree, "{node: 2, size: 256M}, {node: 3, size: 256M}"), [3]);
    }

    #[test]
    fn a_partly_mapped_window_counts_as_emulated() {
        let part = MAPPED.replace("11fffffff", "117ffffff");
        assert_eq!(emulated_by(&REAL.replace(WINDOW, &part), "{node: 2, size: 256M}"), [2]);
    }

    #[test]
    fn a_window_in_two_ranges_is_mapped() {
        let halves = MAPPED.replace("11fffffff", "117ffffff")
            + "  0000000118000000-000000011fffffff (prio 0, ram): cxl-mem0 @0000000008000000\n";
        assert_eq!(emulated_by(&REAL.replace(WINDOW, &halves), "{node: 2, size: 256M}"), [0; 0]);
    }

    #[test]
    fn output_without_system_memory_is_no_result() {
        assert_eq!(system_memory(""), None);
        assert_eq!(system_memory("unknown command: 'info mtree -f'\r\n"), None);
    }

    #[test]
    fn a_result_is_cached_for_this_binary_version_and_machine_only() {
        let cache = tempfile::tempdir().unwrap();
        let key = ProbeKey { binary: "/usr/bin/qemu".into(), qemu: "10".into(), machine: vec!["a".into()] };
        key.store(cache.path(), &BTreeSet::from([NodeId(2)])).unwrap();
        assert_eq!(key.cached(cache.path()), Some(BTreeSet::from([NodeId(2)])));
        for other in [
            ProbeKey { binary: "/opt/qemu".into(), ..key.clone() },
            ProbeKey { qemu: "11".into(), ..key.clone() },
            ProbeKey { machine: vec!["b".into()], ..key.clone() },
        ] {
            assert_eq!(other.cached(cache.path()), None);
        }
    }

    #[test]
    fn backends_have_the_names_of_the_command_line() {
        let machine =
            scenario::machine_of("{nodes: [{id: 0, memory: 512M, cpus: [0]}], cxl: [{node: 1, size: 256M}]}");
        let line = Machine::new(&machine).unwrap().argv.qemu.join(" ");
        assert!(line.contains(&format!("memory-backend-ram,id={},size=256M", cxl_backend(0))), "{line}");
    }
}
