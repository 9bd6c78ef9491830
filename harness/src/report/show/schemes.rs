//! The schemes: what they are configured to do, and what they did.

use super::super::plot::table;
use super::section::{Contents, ShowArgs};
use crate::host::text::excerpt;
use crate::subject::{self, Unit};
use damonlab_protocol::record::SchemeStats;

const HEADS: [&str; 9] =
    ["kdamond", "scheme", "action", "nid", "passes", "tried MiB", "applied MiB", "quota KiB", "exceeds"];

pub(super) fn section(contents: &Contents<'_>, arguments: &ShowArgs) -> String {
    let recording = contents.recording;
    let mut rows = Vec::new();
    for (kdamond, stats) in recording.report.kdamond_stats.iter().enumerate() {
        // What was committed last.
        let steps = recording.plan.steps.iter().take(recording.report.steps.len());
        let committed = steps.filter_map(|step| step.configures()?.get(kdamond)).next_back();
        let config = committed.or(recording.plan.kdamonds.get(kdamond));
        for (scheme, stats) in stats.iter().enumerate() {
            let config = config.and_then(|config| config.context.schemes.get(scheme));
            let action = config.map(|config| excerpt(&config.action)).unwrap_or_default();
            let nid = config.filter(|config| config.target_nid >= 0).map(|config| config.target_nid);
            let nid = nid.map(|nid| nid.to_string()).unwrap_or_default();
            rows.push([vec![kdamond.to_string(), scheme.to_string(), action, nid], numbers(stats)].concat());
        }
    }
    if rows.is_empty() {
        return String::new();
    }
    let mut text = format!("schemes at the end\n{}", table(&HEADS, &rows, arguments.rows));
    let measures = subject::measures(recording);
    let measured = measures.iter().map(|(quantity, measure)| {
        let never = if measure.never { " (not reached)" } else { "" };
        vec![quantity.name.clone(), format!("{}{never}", quantity.amount(measure.value))]
    });
    let measured: Vec<Vec<String>> = measured.collect();
    if !measured.is_empty() {
        text.push_str(&format!("\nmeasured\n{}", table(&["quantity", "value"], &measured, None)));
    }
    text
}

fn numbers(stats: &SchemeStats) -> Vec<String> {
    let mib = |bytes: u64| Unit::Bytes.number(bytes as f64);
    vec![
        stats.nr_snapshots.to_string(),
        mib(stats.sz_tried),
        mib(stats.sz_applied),
        format!("{:.1}", stats.effective_bytes as f64 / 1024.0),
        stats.qt_exceeds.to_string(),
    ]
}
