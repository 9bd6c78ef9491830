//! How the kernel learns which RAM firmware reserves.

use crate::scenario::{MachineSpec, ranges};

/// `memmap=` for every soft-reserved range: from RAM (type 1) to the kernel's type for it
/// (`E820_TYPE_SOFT_RESERVED`).
pub(super) fn kernel_parameters(spec: &MachineSpec) -> Vec<String> {
    let ranges = ranges(spec);
    let reserved = spec.nodes.iter().filter(|node| node.soft_reserved);
    let parts = reserved.flat_map(|node| ranges.get(&node.id).into_iter().flatten());
    parts.map(|(start, end)| format!("memmap={:#x}%{:#x}-1+0xefffffff", end.0 - start.0, start.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario;

    #[test]
    fn the_kernel_is_told_of_soft_reserved_nodes() {
        let spec = scenario::machine_of(
            "  nodes: [{id: 0, memory: 512M, cpus: [0]}, {id: 1, memory: 256M, soft_reserved: true}]",
        );
        assert_eq!(kernel_parameters(&spec), ["memmap=0x10000000%0x100000000-1+0xefffffff"]);
    }
}
