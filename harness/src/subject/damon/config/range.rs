//! Address ranges: of a region, and of a filter.

use super::raw::RawRegion;
use crate::grammar::{At, Checked, Fault, Names};
use damonlab_protocol::damon::AddrRange;
use damonlab_protocol::units::Addr;

/// A filter's range, of which it takes one.
pub(super) fn one_range(raw: &At<RawRegion>, names: &Names) -> Checked<AddrRange> {
    let range = range(raw, names)?;
    let AddrRange::Node(node) = range else { return Ok(range) };
    let Some(parts) = names.split.get(&node) else { return Ok(range) };
    let shown = |(start, end): &(Addr, Addr)| format!("{{start: {}, end: {}}}", start.0, end.0);
    let parts: Vec<String> = parts.iter().map(shown).collect();
    Err(Fault::at(
        raw,
        format!("{node} lies on both sides of the hole below 4 GiB, and a filter takes one range"),
    )
    .help(format!("give a range, {}, or a machine without `below_4g`", parts.join(" or "))))
}

/// A region's range.
pub(super) fn range(raw: &At<RawRegion>, names: &Names) -> Checked<AddrRange> {
    match (&raw.value.node, &raw.value.start, &raw.value.end) {
        (Some(node), None, None) => names.memory(node.value.0, node).map(AddrRange::Node),
        (None, Some(start), Some(end)) if start.value.0 < end.value.0 => {
            Ok(AddrRange::Fixed { start: Addr(start.value.0), end: Addr(end.value.0) })
        }
        (None, Some(start), Some(end)) => Err(Fault::at(
            start,
            format!("an empty range: it starts at {} and ends before {}", start.value.0, end.value.0),
        )),
        _ => Err(Fault::at(raw, "a range is {start: .., end: ..} or {node: N}")),
    }
}
