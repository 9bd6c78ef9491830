//! What kdamond cost: the instructions that it executed between two samples.

use crate::figure::{Lines, Plot, Section, Series, Shape, Unit};
use crate::recording::Recording;
use std::collections::BTreeMap;

pub(super) fn plot(recording: &Recording) -> Option<Plot> {
    let virtual_time = recording.meta.clock.is_virtual();
    // On virtual time every instruction takes equally long.
    let each = if virtual_time { recording.meta.pace.nanos() } else { 1.0 };
    let (mut all, mut before): (BTreeMap<usize, Series>, BTreeMap<usize, u64>) = Default::default();
    for sample in &recording.samples {
        for (kdamond, time) in &sample.cpu {
            let name = format!("kdamond {kdamond}");
            let series = all.entry(*kdamond).or_insert_with(|| Series::new(name, Shape::Steps));
            // The counter of a kdamond that is started again begins at 0.
            let last = before.insert(*kdamond, time.0).filter(|last| *last <= time.0).unwrap_or(0);
            series.points.push((sample.time, (time.0 - last) as f64 / each));
        }
    }
    let (unit, title) = match virtual_time {
        true => (Unit::Instructions, "Instructions of kdamond between two samples"),
        false => (Unit::Nanoseconds, "CPU time of kdamond between two samples"),
    };
    let about = "Each point is what it took since the sample before.";
    let lines = Lines { unit, series: all.into_values().collect(), levels: Vec::new() };
    (!lines.series.is_empty()).then(|| Plot::lines(Section::Cost, title, about, lines))
}
