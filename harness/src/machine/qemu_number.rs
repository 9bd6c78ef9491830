//! Nodes and sizes as numbers of QEMU's.

use super::ports::ports;
use crate::scenario::MachineSpec;
use damonlab_protocol::units::{Bytes, NodeId};

/// The proximity domain of a node, which is what QEMU calls a node. CXL ports have the first ones: Linux gives
/// a window the domain after the last that is a node, and a port's is none (`acpi_numa_init`), so a window would
/// share the domain of a port that comes later, and have its distance for its own.
pub(super) fn domain(spec: &MachineSpec, id: NodeId) -> u16 {
    ports(spec).count() as u16 + id.0
}

/// A size in MiB, as QEMU and virtme-ng read it.
pub(super) fn mebibytes(size: Bytes) -> String {
    format!("{}M", size.0 / Bytes::MIB.0)
}
