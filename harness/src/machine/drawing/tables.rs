//! Addresses and distances, from what the kernel must show.

use crate::machine::Machine;

/// Where each node's memory is.
pub(super) fn addresses(machine: &Machine) -> String {
    let mut text = "\naddresses\n".to_owned();
    for (id, node) in &machine.view.nodes {
        let name = id.to_string();
        match &node.ranges {
            Some(ranges) => {
                for (start, end) in ranges {
                    text.push_str(&format!("  {name:<7}  {:#011x} - {:#011x}\n", start.0, end.0 - 1));
                }
            }
            None => text.push_str(&format!("  {name:<7}  above the RAM: QEMU chooses, the guest finds it\n")),
        }
    }
    text
}

/// The distance from the node of a line to the node of a column.
pub(super) fn distances(machine: &Machine) -> String {
    let nodes = &machine.view.nodes;
    let given = machine.argv.qemu.iter().any(|argument| argument.starts_with("dist,"));
    let whose = if given { "" } else { " (no table: what the kernel takes for granted)" };
    let heads: String = nodes.keys().map(|id| format!("{:>5}", id.0)).collect();
    let mut text = format!("\ndistances, from the line's node to the column's{whose}\n  {:<7}{heads}\n", "");
    for (id, node) in nodes {
        let cells: String = node.distances.values().map(|distance| format!("{distance:>5}")).collect();
        text.push_str(&format!("  {:<7}{cells}\n", id.to_string()));
    }
    text
}
