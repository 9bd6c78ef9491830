//! The accesses of each target by address and time, and its regions at the end.

use super::super::plot::{key, picture, table};
use super::section::{Contents, ShowArgs};
use crate::subject::{Aggregation, Heat, Unit, aggregation_event};
use std::collections::BTreeMap;

/// The lines of a picture.
const BANDS: usize = 16;

pub(super) fn section(contents: &Contents<'_>, arguments: &ShowArgs) -> String {
    let mut targets: BTreeMap<(usize, u64), Vec<&Aggregation>> = BTreeMap::new();
    for aggregation in &contents.aggregations {
        targets.entry((aggregation.kdamond, aggregation.target)).or_default().push(aggregation);
    }
    let mut text = String::new();
    for ((kdamond, target), aggregations) in targets {
        let (Some(heat), Some(last)) = (Heat::of(&aggregations, BANDS), aggregations.last()) else {
            continue;
        };
        if !text.is_empty() {
            text.push('\n');
        }
        let (begin, end) = (heat.span(0).0.seconds(), last.time.seconds());
        text.push_str(&format!(
            "kdamond {kdamond} target {target}: accesses by address, from {begin} s to {end} s\n"
        ));
        text.extend(picture(&heat, arguments.style).iter().map(|line| format!("{line}\n")));
        text.push_str(&format!("  {}\n", key(&heat, arguments.style)));
        let rows: Vec<Vec<String>> = last
            .regions
            .iter()
            .map(|region| {
                let size = region.end.saturating_sub(region.start) as f64;
                vec![
                    format!("{:#x}", region.start),
                    Unit::Bytes.number(size),
                    region.nr_accesses.to_string(),
                    region.age.to_string(),
                ]
            })
            .collect();
        text.push_str(&format!("\nits {} regions at the end\n", rows.len()));
        text.push_str(&table(&["start", "MiB", "accesses", "age"], &rows, arguments.rows));
    }
    if text.is_empty() && arguments.only.contains(&super::Section::Regions) {
        let event = aggregation_event();
        return format!(
            "no regions: the recording has no {event}; the scenario has to name it in `trace: {{events: [...]}}`\n"
        );
    }
    text
}
