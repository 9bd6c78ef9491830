//! The regions of a target over time: bands of addresses, each a track with a slice for each stretch of equal accesses.

use super::tracks::{Note, Track, Tracks};
use crate::subject::{Aggregation, Heat};
use damonlab_protocol::units::Nanos;
use std::io;

/// Into how many bands of addresses a target is divided.
const BANDS: usize = 32;

/// Writes the bands of one target, whose aggregations are in the order of time.
pub(super) fn write(
    tracks: &mut Tracks<'_>,
    parent: Track,
    target: u64,
    aggregations: &[&Aggregation],
) -> io::Result<()> {
    let Some(heat) = Heat::of(aggregations, BANDS) else { return Ok(()) };
    let parent = tracks.track(Some(parent), &format!("target {target}: accesses by address"))?;
    for band in (0..heat.bands()).rev() {
        let (from, to) = heat.addresses(band);
        let track = tracks.track(Some(parent), &format!("{from:#x}-{to:#x}"))?;
        for (span, accesses) in stretches(&heat, band) {
            let notes = vec![("nr_accesses", Note::Number(accesses.into()))];
            tracks.slice(track, &format!("{accesses} accesses"), span, notes)?;
        }
    }
    Ok(())
}

/// Where a band has the same number of accesses, and how many. Where it has no region there is no stretch.
fn stretches(heat: &Heat, band: usize) -> Vec<((Nanos, Nanos), u32)> {
    let mut all: Vec<((Nanos, Nanos), u32)> = Vec::new();
    for row in 0..heat.times() {
        let Some(accesses) = heat.at(row, band) else { continue };
        let (begin, end) = heat.span(row);
        match all.last_mut() {
            Some(((_, last), same)) if *same == accesses && *last == begin => *last = end,
            _ => all.push(((begin, end), accesses)),
        }
    }
    all
}
