//! The names that a file introduces, and what the rest of it may refer to.

use super::fault::{Checked, Fault};
use super::scalar::Scalar;
use super::shape::At;
use super::suggest;
use damonlab_protocol::units::{Addr, NodeId};
use std::collections::{BTreeMap, BTreeSet};

/// The root of all memory cgroups, which is always there.
const ROOT_MEMCG: &str = "/";

/// What the rest of a file may refer to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    /// Every node, CXL ones too.
    pub(crate) nodes: BTreeSet<NodeId>,
    /// Those of them that have no memory.
    pub(crate) memoryless: BTreeSet<NodeId>,
    /// Those on both sides of the hole below 4 GiB, with their ranges of addresses, start and one past the end.
    pub(crate) split: BTreeMap<NodeId, Vec<(Addr, Addr)>>,
    /// Every workload.
    pub(crate) workloads: BTreeSet<String>,
    /// The memory cgroups that workloads are in; none where the guest may have others.
    pub(crate) memcgs: Option<BTreeSet<String>>,
    /// Nodes that goals may name although the machine does not have them.
    pub(crate) absent: BTreeSet<NodeId>,
    /// The scenario expects that the kernel refuses something: what only the kernel would refuse passes here.
    pub(crate) refused: bool,
}

impl Names {
    /// The node, if the machine has it.
    pub(crate) fn node<T>(&self, id: NodeId, place: &At<T>) -> Checked<NodeId> {
        if self.nodes.contains(&id) {
            return Ok(id);
        }
        let known: Vec<String> = self.nodes.iter().map(|node| node.0.to_string()).collect();
        Err(Fault::at(place, format!("there is no {id}"))
            .help(format!("the machine has the nodes {}", known.join(", "))))
    }

    /// The node, if it has memory: without, a range of it is nowhere, and pages that should move there stay.
    pub(crate) fn memory<T>(&self, id: NodeId, place: &At<T>) -> Checked<NodeId> {
        let id = self.node(id, place)?;
        if self.memoryless.contains(&id) {
            return Err(Fault::at(place, format!("{id} has no memory to monitor, or to move pages to")));
        }
        Ok(id)
    }

    /// The node, from a number that may be anything.
    pub(crate) fn node_number<T>(&self, id: i64, place: &At<T>) -> Checked<NodeId> {
        match u16::try_from(id) {
            Ok(id) if self.absent.contains(&NodeId(id)) => Ok(NodeId(id)),
            Ok(id) => self.node(NodeId(id), place),
            Err(_) => Err(Fault::at(place, format!("there is no node {id}"))),
        }
    }

    /// The workload, if there is one of that name.
    pub(crate) fn workload(&self, name: &At<Scalar>) -> Checked<String> {
        if self.workloads.contains(&name.value.0) {
            return Ok(name.value.0.clone());
        }
        let fault = Fault::at(name, format!("there is no workload named '{}'", name.value.0));
        let known: Vec<&str> = self.workloads.iter().map(String::as_str).collect();
        Err(if known.is_empty() { fault } else { fault.known(&name.value.0, &known) })
    }

    /// Refuses the path of a memory cgroup that the guest does not have: the kernel refuses what names it, with ENOMEM where it
    /// builds a scheme and EINVAL elsewhere.
    pub(crate) fn memcg(&self, path: &At<Scalar>) -> Checked<()> {
        let (found, Some(known)) = (&path.value.0, &self.memcgs) else { return Ok(()) };
        if self.refused || found == ROOT_MEMCG || known.contains(found) {
            return Ok(());
        }
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let there = match known.as_slice() {
            [] => "no workload is in one".to_owned(),
            known => suggest::among(found, known),
        };
        Err(Fault::at(path, format!("there is no memory cgroup '{found}'")).help(format!(
            "{there}; or add `memcg: {found}` to a workload. Where the scenario is about the refusal, write `refused: ENOMEM` in the \
             step (EINVAL for a probe, and in `retarget`)"
        )))
    }

    /// Refuses what the kernel would refuse, unless the scenario is about that.
    pub(crate) fn kernel_refuses(&self, fault: impl FnOnce() -> Fault) -> Checked<()> {
        if self.refused {
            return Ok(());
        }
        Err(fault().or_help("where the scenario is about the refusal, write `refused: EINVAL` in the step"))
    }
}
