//! What can be drawn of the samples of a recording, whatever its subject: workloads, nodes, and counters of the kernel.

use crate::figure::{Lines, Plot, Point, Section, Series, Shape, Unit};
use crate::recording::Recording;
use damonlab_protocol::record::Sample;
use std::collections::BTreeMap;

/// More workloads, or counters, than these are not drawn.
const WORKLOADS: usize = 16;
const COUNTERS: usize = 24;

/// Where the memory of each workload was.
pub(super) fn workloads(recording: &Recording) -> Vec<Plot> {
    let mut all: BTreeMap<&str, BTreeMap<String, Vec<Point>>> = BTreeMap::new();
    for sample in &recording.samples {
        for (workload, nodes) in &sample.workloads {
            for (node, bytes) in nodes {
                let of_node = all.entry(workload).or_default().entry(node.to_string()).or_default();
                of_node.push((sample.time, bytes.0 as f64));
            }
        }
    }
    let plot = |(workload, nodes): (&str, BTreeMap<String, Vec<Point>>)| {
        let about = "Where its pages are, by node, in each sample.";
        Plot::lines(Section::Placement, format!("Workload {workload}"), about, of_names(Unit::Bytes, nodes))
    };
    all.into_iter().take(WORKLOADS).map(plot).collect()
}

/// The fields of `nodeN/meminfo` that are drawn, and what they are.
const FIELDS: [(&str, &str, &str); 2] = [
    ("MemUsed", "Memory in use", "All memory of a node that is not free, the kernel's included."),
    ("AnonPages", "Anonymous memory", "The pages of programs."),
];

/// The memory of the nodes.
pub(super) fn memory(recording: &Recording) -> Vec<Plot> {
    let plot = |(field, title, about): &(&str, &str, &str)| {
        let mut nodes: BTreeMap<String, Vec<Point>> = BTreeMap::new();
        for sample in &recording.samples {
            for (node, fields) in &sample.nodes {
                let points = fields.get(*field).map(|bytes| (sample.time, bytes.0 as f64));
                nodes.entry(node.to_string()).or_default().extend(points);
            }
        }
        let about = format!("{about} {field} of nodeN/meminfo.");
        Plot::lines(Section::Memory, *title, about, of_names(Unit::Bytes, nodes))
    };
    FIELDS.iter().map(plot).filter(|plot| !plot.is_empty()).collect()
}

/// The counters that changed, each since the first sample.
pub(super) fn counters(recording: &Recording) -> Vec<Plot> {
    let (Some(first), Some(last)) = (recording.samples.first(), recording.samples.last()) else {
        return Vec::new();
    };
    let value = |sample: &Sample, name: &str| sample.vmstat.get(name).copied();
    let changed = first.vmstat.keys().filter(|name| value(first, name) != value(last, name));
    let plot = |name: &String| {
        let since = value(first, name).unwrap_or_default() as f64;
        let points = recording.samples.iter();
        let points = points.filter_map(|sample| Some((sample.time, value(sample, name)? as f64 - since)));
        let series = Series { name: "growth".to_owned(), shape: Shape::Steps, points: points.collect() };
        let lines = Lines { unit: Unit::Count, series: vec![series], levels: Vec::new() };
        Plot::lines(Section::Counters, name.clone(), "", lines)
    };
    changed.take(COUNTERS).map(plot).collect()
}

fn of_names(unit: Unit, names: BTreeMap<String, Vec<Point>>) -> Lines {
    let series = names.into_iter().map(|(name, points)| Series { name, shape: Shape::Steps, points });
    Lines { unit, series: series.collect(), levels: Vec::new() }
}
