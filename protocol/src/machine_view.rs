//! The machine as the kernel shows it, beside the machine as the scenario describes it.
//!
//! The host describes what the kernel must show, the guest reads what it does show, and [`differences`] lists where
//! the two differ. It runs in the guest before anything is measured, and both views are part of the recording.

use crate::units::{Addr, Bytes, NodeId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Every online node, and the CXL regions behind some of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineView {
    /// Online nodes.
    pub nodes: BTreeMap<NodeId, NodeView>,
    /// Committed CXL regions, by node.
    pub regions: BTreeMap<NodeId, RegionView>,
}

/// A node's visible properties.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeView {
    /// Online CPUs, ascending (`cpulist`).
    pub cpus: Vec<u32>,
    /// All its memory blocks that are online, in bytes (`memoryN/state`).
    pub memory: Bytes,
    /// Where these blocks are: start and one past the end, merged, ascending. None in a wanted view where
    /// only the guest can know them (behind a CXL window).
    pub ranges: Option<Vec<(Addr, Addr)>>,
    /// `distance`, to every online node.
    pub distances: BTreeMap<NodeId, u32>,
    /// The N of the `memory_tierN` that lists it; none for a node without memory.
    pub tier: Option<u64>,
    /// Its nearest initiators and how fast it is for them (`access0/initiators`), where HMAT has it.
    pub access: Option<AccessView>,
    /// Memory-side caches by level (`memory_side_cache/indexN`).
    pub caches: BTreeMap<u32, CacheView>,
}

/// `nodeN/access0/initiators`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessView {
    /// The initiator nodes, ascending.
    pub initiators: Vec<NodeId>,
    /// How fast the memory is for them.
    pub speed: SpeedView,
}

/// Latencies and bandwidths; 0 where the kernel has none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpeedView {
    /// Nanoseconds.
    pub read_latency: u64,
    /// Nanoseconds.
    pub write_latency: u64,
    /// What the kernel calls MB a second: MiB where it comes from HMAT.
    pub read_bandwidth: u64,
    /// As `read_bandwidth`.
    pub write_bandwidth: u64,
}

/// One memory-side cache: `size`, `line_size`, `indexing` and `write_policy` as sysfs has them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheView {
    /// In bytes.
    pub size: Bytes,
    /// In bytes.
    pub line_size: u64,
    /// 0 direct-mapped, 1 indexed, 2 custom (`enum cache_indexing`).
    pub indexing: u64,
    /// 0 write-back, 1 write-through, 2 other (`enum cache_write_policy`).
    pub write_policy: u64,
}

/// A committed CXL region and the window that it lies in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionView {
    /// The window's size (`decoder0.N/size`).
    pub window: Bytes,
    /// How many host bridges the window is interleaved over (`decoder0.N/interleave_ways`).
    pub window_ways: u32,
    /// The region's size.
    pub size: Bytes,
    /// Over how many devices it is interleaved.
    pub ways: u32,
    /// In bytes; 0 where one device is all.
    pub granularity: u64,
    /// The devices' serial numbers by position.
    pub serials: Vec<u64>,
    /// How fast it is for the nearest node with CPUs (`regionN/access0`), where the way there is known.
    pub speed: Option<SpeedView>,
}

/// One fact that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// For instance `memory tier of node 1`.
    pub what: String,
    /// As described.
    pub wanted: String,
    /// As the kernel shows it.
    pub seen: String,
}

/// Where `seen` is not what is `wanted`: one entry a fact, nodes before regions, both in order. A node that
/// is on one side alone is a difference of the online nodes, and not once more for each of its facts.
pub fn differences(wanted: &MachineView, seen: &MachineView) -> Vec<Difference> {
    let mut found = Found::default();
    found.fact("online nodes", ids(wanted.nodes.keys()), ids(seen.nodes.keys()));
    for (id, node) in &wanted.nodes {
        if let Some(other) = seen.nodes.get(id) {
            found.node(*id, node, other);
        }
    }
    let with_regions: BTreeSet<&NodeId> = wanted.regions.keys().chain(seen.regions.keys()).collect();
    for id in with_regions {
        match (wanted.regions.get(id), seen.regions.get(id)) {
            (Some(region), Some(other)) => found.region(*id, region, other),
            (region, other) => found.fact(&format!("CXL region of {id}"), whole(region), whole(other)),
        }
    }
    found.0
}

/// The differences so far.
#[derive(Default)]
struct Found(Vec<Difference>);

impl Found {
    fn fact(&mut self, what: &str, wanted: String, seen: String) {
        if wanted != seen {
            self.0.push(Difference { what: what.to_owned(), wanted, seen });
        }
    }

    fn node(&mut self, id: NodeId, wanted: &NodeView, seen: &NodeView) {
        self.fact(&format!("CPUs of {id}"), list(&wanted.cpus), list(&seen.cpus));
        self.fact(&format!("memory of {id}"), size(wanted.memory), size(seen.memory));
        if let Some(ranges) = &wanted.ranges {
            let seen = seen.ranges.as_deref().unwrap_or_default();
            self.fact(&format!("addresses of {id}"), addresses(ranges), addresses(seen));
        }
        for (to, distance) in &wanted.distances {
            if let Some(other) = seen.distances.get(to) {
                self.fact(&format!("distance from {id} to {to}"), distance.to_string(), other.to_string());
            }
        }
        self.fact(&format!("memory tier of {id}"), number(wanted.tier), number(seen.tier));
        self.access(id, wanted.access.as_ref(), seen.access.as_ref());
        let levels: BTreeSet<&u32> = wanted.caches.keys().chain(seen.caches.keys()).collect();
        for level in levels {
            let what = format!("memory-side cache of level {level} of {id}");
            self.fact(&what, cache(wanted.caches.get(level)), cache(seen.caches.get(level)));
        }
    }

    fn access(&mut self, id: NodeId, wanted: Option<&AccessView>, seen: Option<&AccessView>) {
        let initiators = |view: Option<&AccessView>| view.map_or(none(), |view| ids(&view.initiators));
        self.fact(&format!("initiators of {id}"), initiators(wanted), initiators(seen));
        let speed = |view: Option<&AccessView>| view.map(|view| view.speed);
        self.speed(&id.to_string(), speed(wanted), speed(seen));
    }

    fn speed(&mut self, of: &str, wanted: Option<SpeedView>, seen: Option<SpeedView>) {
        type Value = fn(SpeedView) -> u64;
        let speeds: [(&str, &str, Value); 4] = [
            ("read latency", "ns", |speed| speed.read_latency),
            ("write latency", "ns", |speed| speed.write_latency),
            ("read bandwidth", "MB/s", |speed| speed.read_bandwidth),
            ("write bandwidth", "MB/s", |speed| speed.write_bandwidth),
        ];
        for (name, unit, value) in speeds {
            let text = |view: Option<SpeedView>| match view.map(value) {
                None | Some(0) => none(),
                Some(value) => format!("{value} {unit}"),
            };
            self.fact(&format!("{name} of {of}"), text(wanted), text(seen));
        }
    }

    fn region(&mut self, id: NodeId, wanted: &RegionView, seen: &RegionView) {
        let (window, region) = (format!("CXL window of {id}"), format!("CXL region of {id}"));
        self.fact(&format!("size of the {window}"), size(wanted.window), size(seen.window));
        let ways = |ways: u32| ways.to_string();
        self.fact(&format!("ways of the {window}"), ways(wanted.window_ways), ways(seen.window_ways));
        self.fact(&format!("size of the {region}"), size(wanted.size), size(seen.size));
        self.fact(&format!("ways of the {region}"), ways(wanted.ways), ways(seen.ways));
        if wanted.ways > 1 {
            let bytes = |granularity: u64| size(Bytes(granularity));
            let what = format!("granularity of the {region}");
            self.fact(&what, bytes(wanted.granularity), bytes(seen.granularity));
        }
        for position in 0..wanted.serials.len().max(seen.serials.len()) {
            let what = format!("serial number of device {position} of the {region}");
            let of = |serials: &[u64]| serials.get(position).map_or(none(), |serial| format!("{serial:#x}"));
            self.fact(&what, of(&wanted.serials), of(&seen.serials));
        }
        self.speed(&format!("the {region}"), wanted.speed, seen.speed);
    }
}

fn none() -> String {
    "none".to_owned()
}

fn number(value: Option<u64>) -> String {
    value.map_or(none(), |value| value.to_string())
}

fn size(bytes: Bytes) -> String {
    if bytes.0 == 0 { none() } else { bytes.to_string() }
}

fn ids<'a>(nodes: impl IntoIterator<Item = &'a NodeId>) -> String {
    list(&nodes.into_iter().map(|node| u32::from(node.0)).collect::<Vec<_>>())
}

/// As the kernel writes a list: `0-2,5`.
fn list(ascending: &[u32]) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for id in ascending {
        match runs.last_mut() {
            Some((_, last)) if *id == *last + 1 => *last = *id,
            _ => runs.push((*id, *id)),
        }
    }
    let run = |(first, last): &(u32, u32)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    if runs.is_empty() { none() } else { runs.iter().map(run).collect::<Vec<_>>().join(",") }
}

/// With the last byte and not the one after it, as `/proc/iomem` has them.
fn addresses(ranges: &[(Addr, Addr)]) -> String {
    let range = |(start, end): &(Addr, Addr)| format!("{:#x}-{:#x}", start.0, end.0.saturating_sub(1));
    if ranges.is_empty() { none() } else { ranges.iter().map(range).collect::<Vec<_>>().join(", ") }
}

fn cache(view: Option<&CacheView>) -> String {
    let Some(view) = view else { return none() };
    let indexing = match view.indexing {
        0 => "direct-mapped".to_owned(),
        1 => "indexed".to_owned(),
        other => format!("indexing {other}"),
    };
    let policy = match view.write_policy {
        0 => "write-back".to_owned(),
        1 => "write-through".to_owned(),
        other => format!("write policy {other}"),
    };
    format!("{} in lines of {} bytes, {indexing}, {policy}", size(view.size), view.line_size)
}

fn whole(region: Option<&RegionView>) -> String {
    match region {
        None => none(),
        Some(region) if region.ways == 1 => format!("{} on one device", size(region.size)),
        Some(region) => format!("{} on {} devices", size(region.size), region.ways),
    }
}

#[cfg(test)]
mod tests;
