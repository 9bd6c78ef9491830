//! Steps that take a node's memory away and put it back.

use crate::grammar::{At, Checked, Fault, Node};
use crate::scenario::machine::MachineSpec;
use crate::scenario::raw_steps::RawNodeStep;
use damonlab_protocol::plan::{Step, Workload};
use damonlab_protocol::units::{Bytes, NodeId};
use std::collections::BTreeSet;

/// The machine's memory between two steps.
pub(super) struct Memory<'a> {
    machine: &'a MachineSpec,
    /// What the workloads hold.
    used: Bytes,
    offline: BTreeSet<NodeId>,
}

impl<'a> Memory<'a> {
    /// With everything online, and the workloads in it.
    pub(super) fn new(machine: &'a MachineSpec, workloads: &[Workload]) -> Memory<'a> {
        let used = workloads.iter().map(|workload| workload.size.0).fold(0, u64::saturating_add);
        Memory { machine, used: Bytes(used), offline: BTreeSet::new() }
    }

    /// Takes a node away.
    pub(super) fn offline(&mut self, raw: &RawNodeStep) -> Checked<Step> {
        let node = raw.node.value.0;
        self.check_removable(&raw.node)?;
        if !self.offline.insert(node) {
            return Err(Fault::at(&raw.node, format!("{node} is offline already"))
                .help("put `online` between the two"));
        }
        // The kernel moves the pages elsewhere first, and keeps the node where there is no room.
        let left = self.left();
        if self.used > left {
            let message = format!(
                "{} of workloads would not fit into the {left} that are left without {node}",
                self.used
            );
            return Err(Fault::at(&raw.node, message).help("its pages have to go to another node first"));
        }
        Ok(Step::Offline { node })
    }

    fn check_removable(&self, place: &At<Node>) -> Checked<()> {
        let node = place.value.0;
        if self.machine.is_removable(node) {
            return Ok(());
        }
        let message = match self.machine.memory_of(node) {
            None => format!("there is no {node}"),
            Some(Bytes(0)) => format!("{node} has no memory that could go offline"),
            Some(_) => format!("{node} has its memory from boot on, and the kernel keeps it"),
        };
        Err(Fault::at(place, message)
            .help("a CXL window or a node with `soft_reserved: true` can go offline"))
    }

    /// Puts it back.
    pub(super) fn online(&mut self, raw: &RawNodeStep) -> Checked<Step> {
        let node = raw.node.value.0;
        if !self.offline.remove(&node) {
            return Err(Fault::at(&raw.node, format!("{node} is not offline")).help(format!(
                "everything is online at first; put `offline: {{node: {}}}` before it",
                node.0
            )));
        }
        Ok(Step::Online { node })
    }

    /// What is online.
    fn left(&self) -> Bytes {
        let away = self.offline.iter().filter_map(|node| self.machine.memory_of(*node));
        let away = away.map(|memory| memory.0).fold(0, u64::saturating_add);
        Bytes(self.machine.memory().0.saturating_sub(away))
    }
}
