//! damo's kdamonds as the `damon:` of a scenario: what belongs to the host that damo ran on becomes what the guest has.

use crate::explore::Tree;
use crate::scenario::{self, MachineSpec, ScenarioError};
use damonlab_protocol::units::{Bytes, NodeId};
use std::collections::BTreeMap;

/// Keys with which damo reports and configures nothing.
const REPORTED: &[&str] = &[
    "state",
    "effective_sz_bytes",
    "nr_tried",
    "sz_tried",
    "nr_applied",
    "sz_applied",
    "sz_ops_filter_passed",
    "qt_exceeds",
    "nr_snapshots",
];

/// What damo writes for the sampling that a kernel without a choice has.
const DEFAULT_SAMPLING: &str = "sample_control: {primitives_enabled: {page_table: true, page_fault: false}}";

/// The size of a workload for a process of the host.
const PROCESS: Bytes = Bytes(16 << 20);

/// A configuration as damo prints it, for a machine of the lab.
#[derive(Debug, Clone, PartialEq)]
pub struct DamoFile {
    /// `damon:` and what is below it.
    pub damon: String,
    /// A workload for each process that the configuration monitors, and for each memory cgroup that it names: the name
    /// of the workload, and its cgroup.
    pub workloads: Vec<(String, Option<String>)>,
    /// What is noted about the configuration.
    pub notes: Vec<String>,
}

impl DamoFile {
    /// Reads `text`, in JSON or YAML; errors call it `file`.
    ///
    /// # Errors
    /// It is not damo's format, or a node that it names is not one of `machine`'s.
    pub fn read(file: &str, text: &str, machine: &MachineSpec) -> Result<DamoFile, ScenarioError> {
        let (_, notes) = scenario::kdamonds(file, text, machine)?;
        let tree = Tree::read(file, text)?;
        let mut tree = match tree {
            Tree::List(kdamonds) => Tree::Map(vec![("kdamonds".to_owned(), Tree::List(kdamonds))]),
            other => other,
        };
        let mut guest = Guest { memory: nodes_with_memory(machine), ..Guest::default() };
        if let Some(Tree::List(kdamonds)) = tree.get_mut("kdamonds") {
            kdamonds.iter_mut().for_each(|kdamond| guest.kdamond(kdamond));
        }
        prune(&mut tree);
        let damon = Tree::Map(vec![("damon".to_owned(), tree)]).text();
        let workloads = guest.workloads();
        Ok(DamoFile { damon, workloads, notes })
    }

    /// The size of each workload.
    pub(super) fn size() -> Bytes {
        PROCESS
    }
}

/// The nodes that have memory to monitor, in the order of their addresses.
pub(super) fn nodes_with_memory(machine: &MachineSpec) -> Vec<NodeId> {
    let nodes = machine.nodes.iter().filter(|node| node.memory > Bytes(0)).map(|node| node.id);
    nodes.chain(machine.cxl.iter().map(|window| window.node)).collect()
}

/// What the guest has in place of the host's processes, addresses and memory cgroups.
#[derive(Debug, Default)]
struct Guest {
    memory: Vec<NodeId>,
    processes: BTreeMap<String, String>,
    memcgs: Vec<String>,
}

impl Guest {
    fn kdamond(&mut self, kdamond: &mut Tree) {
        // The pid of a kdamond is reported; that of a target is not.
        kdamond.remove("pid");
        let Some(Tree::List(contexts)) = kdamond.get_mut("contexts") else { return };
        for context in contexts {
            let is_physical = context.get("ops") == Some(&Tree::from("paddr"));
            if let Some(Tree::List(targets)) = context.get_mut("targets") {
                targets.iter_mut().for_each(|target| self.target(target, is_physical));
            }
            self.collect_memcgs(context);
        }
    }

    /// All memory of the machine, or a workload in place of a process.
    fn target(&mut self, target: &mut Tree, is_physical: bool) {
        if is_physical {
            let region = |node: &NodeId| Tree::Map(vec![("node".to_owned(), u64::from(node.0).into())]);
            let regions = Tree::List(self.memory.iter().map(region).collect());
            *target = Tree::Map(vec![("regions".to_owned(), regions)]);
        } else if let Some(Tree::Leaf(pid)) = target.get("pid").cloned() {
            let next = format!("process-{}", self.processes.len());
            let name = self.processes.entry(pid).or_insert(next).clone();
            target.set_in_place("pid", Tree::Map(vec![("workload".to_owned(), name.into())]));
        }
    }

    fn collect_memcgs(&mut self, tree: &Tree) {
        match tree {
            Tree::Map(entries) => {
                for (key, value) in entries {
                    match value {
                        Tree::Leaf(path) if matches!(key.as_str(), "memcg_path" | "path") => {
                            let known = self.memcgs.contains(path) || path.len() < 2;
                            self.memcgs.extend((!known).then(|| path.clone()));
                        }
                        other => self.collect_memcgs(other),
                    }
                }
            }
            other => other.items().iter().for_each(|item| self.collect_memcgs(item)),
        }
    }

    /// The first processes are in the memory cgroups; those that are left over have processes of their own.
    fn workloads(self) -> Vec<(String, Option<String>)> {
        let mut names: Vec<String> = self.processes.into_values().collect();
        names.sort();
        for number in names.len()..self.memcgs.len().max(1) {
            names.push(if number == 0 { "hot".to_owned() } else { format!("process-{number}") });
        }
        let memcgs = self.memcgs.into_iter().map(Some).chain(std::iter::repeat(None));
        names.into_iter().zip(memcgs).collect()
    }
}

/// Leaves out what configures nothing: null, empty lists, reports.
fn prune(tree: &mut Tree) {
    let default = Tree::read("", DEFAULT_SAMPLING).ok();
    let default = default.as_ref().and_then(|tree| tree.get("sample_control"));
    match tree {
        Tree::Map(entries) => {
            entries.iter_mut().for_each(|(_, value)| prune(value));
            entries.retain(|(key, value)| {
                let is_empty = matches!(value, Tree::List(items) if items.is_empty()) && key != "targets"
                    || matches!(value, Tree::Map(entries) if entries.is_empty());
                let is_default = key == "sample_control" && Some(value) == default;
                !(is_empty || is_default || *value == Tree::Null || REPORTED.contains(&key.as_str()))
            });
        }
        Tree::List(items) => items.iter_mut().for_each(prune),
        // damo 3.4 reports a quota's tuner with the newline of its file.
        Tree::Leaf(text) => *text = text.trim().to_owned(),
        Tree::Null => {}
    }
}
