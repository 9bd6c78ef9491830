//! What a scenario's parts may refer to: the machine's nodes and the workloads.

use super::around::Times;
use super::focus::Focus;
use super::table::NodeTraits;
use crate::scenario::Draw;

/// A node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) id: u64,
    pub(super) traits: NodeTraits,
}

/// A workload.
#[derive(Debug, Clone)]
pub(super) struct Process {
    pub(super) name: String,
    pub(super) touches: bool,
}

/// Two nodes that memory moves between.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tiers {
    pub(super) fast: Node,
    pub(super) slow: Node,
    /// The intervals of the kdamond that watches them.
    pub(super) times: Times,
}

/// What parts may refer to, and what is drawn more often.
pub(super) struct World<'a> {
    pub(super) focus: &'a Focus,
    /// Those with memory; the first is the one that the kernel boots on.
    pub(super) nodes: Vec<Node>,
    pub(super) processes: Vec<Process>,
    /// The memory cgroups that have a process.
    pub(super) memcgs: Vec<String>,
    /// Whether goals may name a node that is not there.
    pub(super) absent: bool,
    /// The nodes that the first kdamond keeps memory at shares of.
    pub(super) tiers: Option<Tiers>,
}

impl World<'_> {
    /// A node with memory.
    pub(super) fn node(&self, draw: &mut Draw) -> Node {
        *draw.pick(&self.nodes)
    }
}
