//! Distances: what a SLIT can say and Linux takes.

use crate::grammar::{At, Checked, Fault, Node};
use crate::scenario::machine::{CxlWindow, NodeSpec};
use crate::scenario::raw_machine::RawDistance;
use damonlab_protocol::units::NodeId;
use std::collections::BTreeMap;

/// ACPI SLIT: 10 is local, and Linux drops the whole table if another entry is not above it.
const LOCAL_DISTANCE: u64 = 10;

pub(super) fn resolve(
    raw: &[RawDistance],
    nodes: &[NodeSpec],
    cxl: &[CxlWindow],
) -> Checked<BTreeMap<(NodeId, NodeId), u8>> {
    let mut given = BTreeMap::new();
    for line in raw {
        for end in [&line.from, &line.to] {
            check_distance_end(end, nodes, cxl)?;
        }
        let pair = (line.from.value.0, line.to.value.0);
        let distance = distance(line)?;
        if given.insert(pair, distance).is_some() {
            return Err(Fault::at(
                &line.from,
                format!("the distance from {} to {} is here twice", pair.0, pair.1),
            ));
        }
    }
    let back: Vec<_> = given.iter().map(|((from, to), distance)| ((*to, *from), *distance)).collect();
    for (pair, distance) in back {
        given.entry(pair).or_insert(distance);
    }
    if !given.is_empty() {
        given.extend(nodes.iter().map(|node| ((node.id, node.id), LOCAL_DISTANCE as u8)));
    }
    Ok(given)
}

fn check_distance_end(end: &At<Node>, nodes: &[NodeSpec], cxl: &[CxlWindow]) -> Checked<()> {
    let id = end.value.0;
    if cxl.iter().any(|window| window.node == id) {
        return Err(Fault::at(end, format!("{id} is a CXL window, which has no row in the SLIT"))
            .help("the kernel gives it 20 from everywhere"));
    }
    if nodes.iter().any(|node| node.id == id) {
        Ok(())
    } else {
        Err(Fault::at(end, format!("there is no {id}")))
    }
}

fn distance(line: &RawDistance) -> Checked<u8> {
    let distance = line.distance.value.0;
    let local = line.from.value.0 == line.to.value.0;
    match u8::try_from(distance) {
        Ok(10) if local => Ok(10),
        _ if local => Err(Fault::at(&line.distance, format!("a node is 10 from itself, not {distance}"))),
        Ok(distance @ 11..=254) => Ok(distance),
        _ => Err(Fault::at(&line.distance, format!("a distance of {distance} to another node"))
            .help("11 to 254: Linux drops the whole table for 10 or less, and 255 means out of reach")),
    }
}
