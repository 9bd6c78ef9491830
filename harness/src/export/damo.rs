//! What `damo report` reads: the records of `damo record`, as zlib-compressed JSON (its default, `json_compressed`).
//!
//! A record is a kdamond's target, with a snapshot for each aggregation. damo 3.4.3 reads it with `DamonRecord.from_kvpairs` of
//! `_damo_records.py`.

use super::ExportError;
use crate::recording::Recording;
use crate::subject::{self, Aggregation, Region};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};

/// The records of one target.
#[derive(Serialize)]
struct Record {
    kdamond_idx: usize,
    context_idx: usize,
    intervals: Option<Intervals>,
    scheme_idx: Option<usize>,
    target_id: u64,
    scheme_filters: [(); 0],
    snapshots: Vec<Taken>,
    data_source: &'static str,
}

#[derive(Serialize)]
struct Intervals {
    sample_us: u64,
    aggr_us: u64,
    ops_update_us: u64,
}

/// A snapshot, in nanoseconds.
#[derive(Serialize)]
struct Taken {
    start_time: u64,
    end_time: u64,
    regions: Vec<DamoRegion>,
    total_bytes: u64,
}

struct DamoRegion(Region);

impl Serialize for DamoRegion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Accesses {
            samples: u32,
            percent: Option<u32>,
        }
        #[derive(Serialize)]
        struct Age {
            usec: Option<u64>,
            aggr_intervals: u32,
        }
        #[derive(Serialize)]
        struct Fields {
            start: u64,
            end: u64,
            nr_accesses: Accesses,
            age: Age,
            sz_filter_passed: u64,
        }
        let Region { start, end, nr_accesses, age } = self.0;
        let nr_accesses = Accesses { samples: nr_accesses, percent: None };
        let age = Age { usec: None, aggr_intervals: age };
        Fields { start, end, nr_accesses, age, sz_filter_passed: 0 }.serialize(serializer)
    }
}

/// Writes the records of all targets, and says what they cannot have.
///
/// # Errors
/// The recording has no aggregations, or `out` cannot be written.
pub(super) fn write(recording: &Recording, out: &mut dyn Write) -> Result<Vec<String>, ExportError> {
    let snapshots = subject::aggregations(recording);
    if snapshots.is_empty() {
        let what = format!("{} events", subject::aggregation_event());
        let fix = "add the event to the scenario's `trace: {events: [...]}`, and run it again";
        return Err(ExportError::Nothing { format: "damo's record", what, fix });
    }
    let mut by_target: BTreeMap<(usize, u64), Vec<Aggregation>> = BTreeMap::new();
    for snapshot in snapshots {
        by_target.entry((snapshot.kdamond, snapshot.target)).or_default().push(snapshot);
    }
    let mut notes = Vec::new();
    let mut records = Vec::new();
    for ((kdamond, target), snapshots) in by_target {
        let plan = recording.plan.kdamonds.get(kdamond).map(|kdamond| &kdamond.context.intervals);
        if plan.is_some_and(|intervals| intervals.goal.as_ref().is_some_and(|goal| goal.aggrs > 0)) {
            let note = format!("kdamond {kdamond} tunes its intervals; damo's record has those of its start");
            notes.extend((!notes.contains(&note)).then_some(note));
        }
        let intervals = plan.map(|intervals| Intervals {
            sample_us: intervals.sample_us,
            aggr_us: intervals.aggr_us,
            ops_update_us: intervals.update_us,
        });
        let aggregation = intervals.as_ref().map_or(0, |one| one.aggr_us.saturating_mul(1000));
        records.push(Record {
            kdamond_idx: kdamond,
            context_idx: 0,
            intervals,
            scheme_idx: None,
            target_id: target,
            scheme_filters: [],
            snapshots: taken(snapshots, aggregation),
            data_source: "tracepoint",
        });
    }
    // JSON comes in pieces of a few bytes.
    let mut compressed = BufWriter::new(ZlibEncoder::new(out, Compression::fast()));
    serde_json::to_writer(&mut compressed, &records).map_err(io::Error::from)?;
    compressed.into_inner().map_err(io::Error::from)?.finish()?;
    Ok(notes)
}

/// A snapshot begins where the one before ended, and the first one an aggregation before its end.
fn taken(snapshots: Vec<Aggregation>, aggregation: u64) -> Vec<Taken> {
    let mut all: Vec<Taken> = Vec::new();
    for Aggregation { time, regions, .. } in snapshots {
        let begin = all.last().map_or(time.0.saturating_sub(aggregation), |last| last.end_time);
        all.push(Taken {
            start_time: begin,
            end_time: time.0,
            total_bytes: regions
                .iter()
                .fold(0, |sum, one| sum.saturating_add(one.end.saturating_sub(one.start))),
            regions: regions.into_iter().map(DamoRegion).collect(),
        });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::testing::stored;
    use serde_json::Value;

    fn records(name: &str) -> Result<Value, ExportError> {
        let mut out = Vec::new();
        write(&Recording::load(&stored(name)).unwrap(), &mut out)?;
        Ok(serde_json::from_reader(flate2::read::ZlibDecoder::new(&*out)).unwrap())
    }

    #[test]
    fn each_target_is_a_record_whose_snapshots_follow_each_other() {
        let all = records("splits").unwrap();
        let snapshots = all[0]["snapshots"].as_array().unwrap();
        assert!(snapshots.len() > 1, "{all}");
        for pair in snapshots.windows(2) {
            assert_eq!(pair[0]["end_time"], pair[1]["start_time"]);
        }
        assert_eq!(
            all[0]["snapshots"][0]["regions"][0]["nr_accesses"]["samples"].as_u64().map(|_| ()),
            Some(())
        );
    }

    #[test]
    fn a_recording_without_aggregations_is_refused_with_what_to_record() {
        let error = records("truth").unwrap_err().to_string();
        assert!(error.contains("_aggregated events") && error.contains("trace: {events"), "{error}");
    }
}
