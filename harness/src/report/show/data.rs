//! The same for programs.

use super::super::plot::seconds;
use super::section::Contents;
use crate::subject::{self, Point};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) fn of(contents: &Contents<'_>) -> Value {
    let recording = contents.recording;
    let (begin, end) = contents.range();
    let steps = recording.plan.steps.iter().zip(&recording.report.steps).map(|(step, record)| {
        let refused = record.refused.as_ref().map(|refusal| &refusal.errno);
        json!({
            "word": step.word(),
            "begin": seconds(record.begin),
            "end": seconds(record.end),
            "refused": refused,
        })
    });
    let mut last = BTreeMap::new();
    for one in &contents.aggregations {
        last.insert((one.kdamond, one.target), one);
    }
    let targets = last.values().map(|one| {
        json!({"kdamond": one.kdamond, "target": one.target, "time": seconds(one.time), "regions": one.regions})
    });
    let measures = subject::measures(recording);
    let measures = measures.iter().map(|(quantity, measure)| {
        json!({"name": quantity.name, "unit": quantity.unit.stored(), "value": measure.value, "never": measure.never})
    });
    json!({
        "recording": recording.dir.to_string_lossy(),
        "scenario": recording.meta.scenario.to_string(),
        "seed": recording.meta.seed,
        "kernel": recording.meta.kernel,
        "clock": recording.meta.clock.to_string(),
        "events": recording.trace.lines.len(),
        "guest_seconds": end - begin,
        "steps": steps.collect::<Vec<_>>(),
        "schemes": recording.report.kdamond_stats,
        "measures": measures.collect::<Vec<_>>(),
        "series": series(contents),
        "passes": contents.passes.len(),
        "targets": targets.collect::<Vec<_>>(),
    })
}

fn series(contents: &Contents<'_>) -> Vec<Value> {
    let points = |points: &[Point]| {
        points.iter().map(|point| json!([seconds(point.time), point.value])).collect::<Vec<_>>()
    };
    let one = |one: &subject::Series| {
        json!({
            "kind": one.of.kind(),
            "name": one.of.to_string(),
            "unit": one.unit.stored(),
            "points": points(&one.points),
            "target": points(&one.target),
        })
    };
    contents.series.iter().map(one).collect()
}
