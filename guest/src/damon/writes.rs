//! A kdamond's configuration as sysfs writes, in the order in which the kernel accepts them.
//!
//! `nr_*` files make the folders that later writes go into, so order matters.

use super::Kdamond;
use crate::units::{Addr, NodeId};

/// The folder that every [`Write::path`] is relative to.
pub const ROOT: &str = "/sys/kernel/mm/damon/admin/kdamonds";

/// One write to one sysfs file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Relative to [`ROOT`], for instance `0/contexts/0/operations`.
    pub path: String,
    /// What is written, without a newline.
    pub value: String,
}

/// What only the guest knows.
pub trait Resolve {
    /// The physical ranges of a node, sorted; empty where the node has no memory.
    fn node_ranges(&self, node: NodeId) -> Vec<(Addr, Addr)>;
    /// The pid of a workload.
    fn workload_pid(&self, name: &str) -> Option<i32>;
}

/// A name in the configuration that stands for nothing in this guest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// A node without memory.
    #[error("{0} has no memory")]
    EmptyNode(NodeId),
    /// A filter takes one range; the node has more.
    #[error("{0} has {1} ranges of addresses, and an addr filter takes one")]
    SplitNode(NodeId, usize),
    /// No workload of that name.
    #[error("there is no workload named '{0}'")]
    Workload(String),
}

/// All writes that configure `kdamonds`, from `nr_kdamonds` on, up to but without `state`.
pub fn writes(kdamonds: &[Kdamond], resolve: &impl Resolve) -> Result<Vec<Write>, Unresolved> {
    let _ = (kdamonds, resolve);
    unimplemented!("the guest agent's first job")
}
