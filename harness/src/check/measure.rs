//! Measures the quantities of which a scenario expects something: means and counts of events, pages, counters.

use super::finding::Evidence;
use super::span::{Samples, Span};
use crate::recording::{Line, Recording};
use crate::scenario::{GuestClock, Where};
use damonlab_protocol::record::section;
use damonlab_protocol::units::NodeId;

/// What the subject of a scenario knows beyond the trace.
pub(crate) trait Subject {
    /// Whether the event that a scenario names cannot happen on this kernel.
    fn lacks(&self, event: &str) -> bool;

    /// A property of an event that is not among its fields, for a `where`: DAMON's `kdamond`. `None` where the
    /// subject has no property of this name.
    fn property(&self, line: &Line, name: &str) -> Option<String>;
}

/// The recording, and what its subject knows of it.
pub(super) struct View<'a> {
    pub(super) recording: &'a Recording,
    pub(super) subject: &'a dyn Subject,
}

/// A quantity: its value with how it is shown (or why there is none), and where it shows.
pub(super) struct Found {
    pub(super) value: Result<(f64, String), String>,
    pub(super) evidence: Vec<Evidence>,
}

/// On the real clock a mean of the last events is judged with this part of them: a guest that is late has fewer.
const REAL_CLOCK_FEWER: usize = 2;

/// How many lines of evidence a mean or a count shows.
const SHOWN: usize = 4;

pub(super) fn mean(
    view: &View<'_>,
    span: Span,
    event: &str,
    field: &str,
    filter: &Where,
    last: Option<u64>,
) -> Found {
    let lines = match matching(view, span, event, filter) {
        Ok(lines) => lines,
        Err(why) => return Found { value: Err(why), evidence: Vec::new() },
    };
    let wanted = last.map_or(lines.len(), |last| usize::try_from(last).unwrap_or(usize::MAX));
    let enough = match view.recording.meta.clock {
        GuestClock::Virtual => wanted,
        GuestClock::Real => wanted.div_ceil(REAL_CLOCK_FEWER),
    };
    let count = wanted.min(lines.len());
    if lines.is_empty() || lines.len() < enough {
        let first_ones = lines.iter().take(SHOWN).map(|line| Evidence::from(*line)).collect();
        return Found { value: Err(format!("{} such event(s)", lines.len())), evidence: first_ones };
    }
    let lines = &lines[lines.len() - count..];
    let mut sum = 0.0;
    for line in lines {
        let why = match line.field(field).map(|value| (value.number(), value.to_string())) {
            Some((Some(number), _)) => {
                sum += number;
                continue;
            }
            Some((None, text)) => format!("'{text}', which is no number"),
            None => no_field(line, field),
        };
        return Found { value: Err(why), evidence: vec![Evidence::from(*line)] };
    }
    let mean = sum / lines.len() as f64;
    Found { value: Ok((mean, format!("{mean:.2} over {} events", lines.len()))), evidence: ends(lines) }
}

pub(super) fn count(view: &View<'_>, span: Span, event: &str, filter: &Where) -> Found {
    match matching(view, span, event, filter) {
        Err(why) => Found { value: Err(why), evidence: Vec::new() },
        Ok(lines) => {
            let value = Ok((lines.len() as f64, lines.len().to_string()));
            Found { value, evidence: ends(&lines) }
        }
    }
}

/// The events of a name whose fields have the wanted values. A field that the event does not have is
/// an error: a misspelt one would match nothing, or let everything pass.
fn matching<'a>(view: &View<'a>, span: Span, event: &str, filter: &Where) -> Result<Vec<&'a Line>, String> {
    let mut found = Vec::new();
    let lines = view.recording.trace.lines.iter();
    for line in lines.filter(|line| line.name() == bare(event) && span.has(line.time)) {
        let mut all = true;
        for (key, wanted) in filter {
            let value = match view.subject.property(line, key) {
                Some(value) => value,
                None => line.field(key).map(|value| value.to_string()).ok_or_else(|| no_field(line, key))?,
            };
            all &= value == *wanted;
        }
        if all {
            found.push(line);
        }
    }
    Ok(found)
}

fn no_field(line: &Line, field: &str) -> String {
    let names = line.field_names().join(", ");
    format!("no field '{field}' in {}; it has {names}", line.name())
}

pub(super) fn resident(samples: Samples<'_>, workload: &str, node: NodeId) -> Found {
    let value = match samples.last() {
        None => Err("no sample".to_owned()),
        Some(sample) => match sample.workloads.get(workload) {
            None => Err("no such workload in the last sample".to_owned()),
            Some(nodes) => {
                let bytes = nodes.get(&node).copied().unwrap_or_default();
                Ok((bytes.0 as f64, format!("{} ({bytes})", bytes.0)))
            }
        },
    };
    Found { value, evidence: Vec::new() }
}

pub(super) fn vmstat(samples: Samples<'_>, counter: &str) -> Found {
    let values = samples.first().zip(samples.last()).ok_or_else(|| "no sample".to_owned()).and_then(
        |(first, last)| {
            let both = first.vmstat.get(counter).zip(last.vmstat.get(counter));
            both.ok_or_else(|| "no such counter in the samples".to_owned())
        },
    );
    let mut evidence = Vec::new();
    if let Ok((old, new)) = &values {
        let (first, last) = samples.numbers();
        evidence.push(Evidence::new(section::SAMPLES, first, &format!("{counter} {old}")));
        evidence.push(Evidence::new(section::SAMPLES, last, &format!("{counter} {new}")));
    }
    let value = values.map(|(old, new)| {
        let growth = *new as f64 - *old as f64;
        (growth, format!("{growth}"))
    });
    Found { value, evidence }
}

/// The name without its system.
pub(crate) fn bare(event: &str) -> &str {
    event.split_once(':').map_or(event, |(_, name)| name)
}

/// The first and the last of the lines.
fn ends(lines: &[&Line]) -> Vec<Evidence> {
    let last = lines.last().copied().filter(|_| lines.len() > 1);
    lines.first().copied().into_iter().chain(last).map(Evidence::from).collect()
}
