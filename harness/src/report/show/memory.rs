//! Where the memory of the workloads is, by node.

use super::goals::bytes_chart;
use super::section::{Contents, ShowArgs};
use crate::host::text::excerpt;
use crate::subject::{Series, SeriesOf};
use std::collections::BTreeMap;

/// The lines of a plot.
const HEIGHT: u16 = 8;

pub(super) fn section(contents: &Contents<'_>, arguments: &ShowArgs) -> String {
    let mut workloads: BTreeMap<&str, Vec<(&Series, String)>> = BTreeMap::new();
    for one in &contents.series {
        if let SeriesOf::Workload { name, node } = &one.of {
            workloads.entry(name).or_default().push((one, node.to_string()));
        }
    }
    let mut text = String::new();
    for (name, nodes) in workloads {
        let lines = bytes_chart(&nodes, HEIGHT).draw(contents.range(), arguments.style);
        let last: Vec<String> = nodes
            .iter()
            .filter_map(|(one, node)| Some(format!("{} MiB on {node}", one.unit.number(one.last()?))))
            .collect();
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&format!("workload {}: {}\n{}\n", excerpt(name), last.join(", "), lines.join("\n")));
    }
    text
}
