//! Address ranges: of a region, and of a filter.

use super::raw::RawRegion;
use crate::grammar::{At, Checked, Fault, Names};
use damonlab_protocol::damon::AddrRange;
use damonlab_protocol::units::Addr;

/// A region's or a filter's range.
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
