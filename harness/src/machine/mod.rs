//! From the machine that a scenario asks for to the words that make virtme-ng and QEMU build it.
//!
//! Pure: no process, no file. virtme-ng composes a shell line from what it is given, so every word
//! is checked against a character set that no shell touches.

mod argv;
mod hmat;
mod slit;

pub use argv::{Argv, MachineError, qemu_check_args};

use crate::scenario::{MachineSpec, tier};
use damonlab_guest::units::NodeId;
use std::collections::BTreeMap;

/// A machine, ready to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The words for virtme-ng.
    pub argv: Argv,
    /// The memory tier (`memory_tierN`) in which the kernel will put each node.
    pub tiers: BTreeMap<NodeId, u64>,
}

/// The tier of `dax/kmem` memory without HMAT: five times DRAM's abstract distance
/// (`MEMTIER_DEFAULT_DAX_ADISTANCE`).
const KMEM_ADISTANCE: u64 = tier::DRAM_ADISTANCE * 5;

impl Machine {
    /// The machine that `spec` asks for.
    ///
    /// # Errors
    ///
    /// [`MachineError`] if a word would need quoting.
    pub fn new(spec: &MachineSpec) -> Result<Machine, MachineError> {
        Ok(Machine { argv: argv::compose(spec)?, tiers: tiers(spec) })
    }
}

/// Which tier each node will be in, from its HMAT attributes where it has some.
fn tiers(spec: &MachineSpec) -> BTreeMap<NodeId, u64> {
    let dram = tier::dram(spec);
    let mut tiers = BTreeMap::new();
    for node in &spec.nodes {
        let adistance = match node.from {
            Some(from) if node.cpus.is_empty() => tier::adistance(from.latency, from.bandwidth, dram),
            _ => tier::DRAM_ADISTANCE,
        };
        tiers.insert(node.id, tier::of(adistance));
    }
    tiers.extend(spec.cxl.iter().map(|device| (device.node, tier::of(KMEM_ADISTANCE))));
    tiers
}

#[cfg(test)]
mod tests;
