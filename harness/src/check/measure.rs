//! Measures the quantities of which a scenario expects something: means and counts of events, pages, counters.

use super::fields::Fields;
use super::finding::Evidence;
use super::span::{Samples, Span};
use super::subject::{Subject, bare};
use crate::recording::{Line, Recording};
use crate::scenario::{GuestClock, Statistic, Where};
use damonlab_protocol::record::section;
use damonlab_protocol::units::NodeId;
use std::ops::Range;

/// The recording, and what its subject knows of it.
pub(super) struct View<'a> {
    pub(super) recording: &'a Recording,
    pub(super) subject: &'a dyn Subject,
    pub(super) fields: &'a Fields<'a>,
}

impl View<'_> {
    pub(super) fn evidence(&self, index: usize) -> Evidence {
        Evidence::from(&self.recording.trace.lines[index])
    }
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

/// Which part of the trace a quantity is about.
pub(super) struct Scope {
    pub(super) span: Span,
    /// The stretches between two events, by the places of their lines.
    pub(super) between: Option<Vec<Range<usize>>>,
}

impl Scope {
    fn has(&self, index: usize, line: &Line) -> bool {
        let inside = |stretches: &Vec<Range<usize>>| stretches.iter().any(|stretch| stretch.contains(&index));
        self.span.has(line.time) && self.between.as_ref().is_none_or(inside)
    }
}

/// The events that a quantity is made of.
pub(super) struct Events<'a> {
    pub(super) event: &'a str,
    pub(super) filter: &'a Where,
    pub(super) scope: &'a Scope,
}

pub(super) fn mean(view: &View<'_>, events: &Events<'_>, field: &str, last: Option<u64>) -> Found {
    let lines = match matching(view, events) {
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
        return too_few(view, &lines);
    }
    let lines = &lines[lines.len() - count..];
    let numbers = match numbers(view, lines, field) {
        Ok(numbers) => numbers,
        Err(found) => return found,
    };
    let mean = numbers.iter().map(|(number, _)| number).sum::<f64>() / lines.len() as f64;
    let shown = format!("{mean:.2} over {} events", lines.len());
    Found { value: Ok((mean, shown)), evidence: ends(view, lines) }
}

pub(super) fn statistic(view: &View<'_>, events: &Events<'_>, field: &str, statistic: Statistic) -> Found {
    let lines = match matching(view, events) {
        Ok(lines) if lines.is_empty() => return too_few(view, &lines),
        Ok(lines) => lines,
        Err(why) => return Found { value: Err(why), evidence: Vec::new() },
    };
    let numbers = match numbers(view, &lines, field) {
        Ok(numbers) => numbers,
        Err(found) => return found,
    };
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    // Of equals the first in the trace.
    order.sort_by(|a, b| numbers[*a].0.total_cmp(&numbers[*b].0));
    let place = match statistic {
        Statistic::Min => order[0],
        Statistic::Max => order[order.len() - 1],
        Statistic::Final => numbers.len() - 1,
        Statistic::Percentile(percent) => {
            let rank = (numbers.len() * usize::from(percent)).div_ceil(100).max(1);
            order[rank - 1]
        }
    };
    let (number, exact) = &numbers[place];
    let shown = format!("{exact} over {} events", numbers.len());
    Found { value: Ok((*number, shown)), evidence: vec![view.evidence(lines[place])] }
}

pub(super) fn count(view: &View<'_>, events: &Events<'_>) -> Found {
    match matching(view, events) {
        Err(why) => Found { value: Err(why), evidence: Vec::new() },
        Ok(lines) => {
            let value = Ok((lines.len() as f64, lines.len().to_string()));
            Found { value, evidence: ends(view, &lines) }
        }
    }
}

fn too_few(view: &View<'_>, lines: &[usize]) -> Found {
    let first_ones = lines.iter().take(SHOWN).map(|line| view.evidence(*line)).collect();
    Found { value: Err(format!("{} such event(s)", lines.len())), evidence: first_ones }
}

/// The values of a field, each as a number and as it is.
fn numbers(view: &View<'_>, lines: &[usize], field: &str) -> Result<Vec<(f64, String)>, Found> {
    let of_line = |index: &usize| {
        let line = &view.recording.trace.lines[*index];
        // What has no record has its text.
        let text = || line.field(field).map(|value| (value.number(), value.to_string()));
        let record = view.fields.value(*index, field).map(|value| (value.number(), value.to_string()));
        match record.filter(|(number, _)| number.is_some()).or_else(text) {
            Some((Some(number), exact)) => Ok((number, exact)),
            Some((None, text)) => Err(format!("'{text}', which is no number")),
            None => Err(no_field(line, field)),
        }
        .map_err(|why| Found { value: Err(why), evidence: vec![view.evidence(*index)] })
    };
    lines.iter().map(of_line).collect()
}

/// The places of the events of a name whose fields have the wanted values. A field that the event does not have is
/// an error: a misspelt one would match nothing, or let everything pass.
fn matching(view: &View<'_>, events: &Events<'_>) -> Result<Vec<usize>, String> {
    let mut found = Vec::new();
    let name = bare(events.event);
    let lines = view.recording.trace.lines.iter().enumerate();
    for (index, line) in lines.filter(|(index, line)| line.name() == name && events.scope.has(*index, line)) {
        let mut all = true;
        for (key, wanted) in events.filter {
            all &= is(view, index, line, key, wanted)?;
        }
        if all {
            found.push(index);
        }
    }
    Ok(found)
}

/// Whether a field has this value, as the text or as the record has it.
fn is(view: &View<'_>, index: usize, line: &Line, key: &str, wanted: &str) -> Result<bool, String> {
    if let Some(value) = view.subject.property(line, key) {
        return Ok(value == wanted);
    }
    let text = line.field(key).map(|value| value.to_string());
    let record = view.fields.value(index, key).map(|value| value.to_string());
    if text.is_none() && record.is_none() {
        return Err(no_field(line, key));
    }
    Ok([text, record].iter().flatten().any(|value| value == wanted))
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

/// The first and the last of the lines.
fn ends(view: &View<'_>, lines: &[usize]) -> Vec<Evidence> {
    let last = lines.last().filter(|_| lines.len() > 1);
    lines.first().into_iter().chain(last).map(|index| view.evidence(*index)).collect()
}
