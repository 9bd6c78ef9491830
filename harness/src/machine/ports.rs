//! The generic ports of CXL host bridges: what makes it known how far a window is.

use crate::scenario::{Across, CxlWindow, From, MachineSpec};

/// The generic ports: the number of each one's host bridge, and how far it is. Their place in this list is
/// their proximity domain.
pub(super) fn ports(spec: &MachineSpec) -> impl Iterator<Item = (usize, From)> {
    let mut bridge = 0;
    spec.cxl.iter().flat_map(move |window| {
        let first = bridge + 1;
        bridge += bridges(window);
        let port = window.port;
        (first..=bridge).filter_map(move |bridge| port.map(|from| (bridge, from)))
    })
}

/// How many host bridges a window has.
fn bridges(window: &CxlWindow) -> usize {
    if window.across == Across::Bridges { window.devices.len() } else { 1 }
}
