//! One run in a page: its verdict, what it violated, what it was made of, and its plots.

use super::super::event::{Depth, Detail, Item, ItemResult};
use super::embed;
use super::finding::{self, Finding};
use super::strips::{self, Strip};
use crate::figure::{Plot, Section, Span, Step};
use crate::host::paths;
use crate::host::text::{block_up_to, quote};
use crate::machine;
use crate::recording::{Recording, RecordingError};
use crate::subject;
use serde::Serialize;
use serde_json::Value;
use std::path::Path;

/// A text of many lines is so long at most, in characters.
const TEXT: usize = 30_000;

/// Labels of details that a page shows in places of their own.
const PLACED: [&str; 14] = [
    "accelerator",
    "guest time",
    "summary",
    "violated",
    "expected",
    "seen",
    "",
    "measured",
    "passed",
    "not applicable",
    "kernel",
    "machine",
    "recording",
    "repeat",
];

/// What stands in the page of a run.
#[derive(Debug, Serialize)]
pub(super) struct Run {
    /// The id of its part of the page.
    pub(super) id: String,
    pub(super) name: String,
    /// PASS, FAIL.
    pub(super) word: &'static str,
    pub(super) outcome: ItemResult,
    pub(super) headline: String,
    summary: Option<String>,
    findings: Vec<Finding>,
    more_findings: usize,
    /// What its scenario expects, as it was measured.
    expectations: Vec<Expectation>,
    /// Whatever else there is to say, each with its label.
    details: Vec<(&'static str, String)>,
    facts: Vec<(&'static str, String)>,
    passed: Option<String>,
    not_applicable: Option<String>,
    drawing: Option<String>,
    /// The commands that repeat it.
    commands: Vec<String>,
    /// The quantities of two kernels, of a scenario that was compared.
    strips: Vec<Strip>,
    /// Why there are no plots.
    missing: Option<String>,
    groups: Vec<Group>,
}

/// One expectation.
#[derive(Debug, Serialize)]
struct Expectation {
    outcome: ItemResult,
    /// What is measured, and within which bounds it should be.
    text: String,
    seen: String,
    /// Why it does not apply.
    why: Option<String>,
}

/// Plots under one heading.
#[derive(Debug, Serialize)]
struct Group {
    heading: &'static str,
    section: Section,
    figures: Vec<Figure>,
}

/// The place of a plot, which the script fills.
#[derive(Debug, Serialize)]
struct Figure {
    id: String,
    title: String,
    about: String,
    facts: Vec<(&'static str, String)>,
}

/// A recording, as far as a page needs it.
#[derive(Debug)]
pub(super) struct Drawn {
    pub(super) plots: Vec<Plot>,
    pub(super) steps: Vec<Step>,
    pub(super) span: Span,
    drawing: Option<String>,
}

impl Drawn {
    /// What can be drawn of a recording.
    pub(super) fn of(recording: &Recording) -> Drawn {
        let plots: Vec<Plot> =
            subject::plots(recording).into_iter().filter(|plot| !plot.is_empty()).collect();
        let steps = subject::steps(recording);
        let samples = || recording.samples.iter().map(|sample| sample.time);
        let lines = || recording.trace.lines.iter().map(|line| line.time);
        let begin = steps.first().map(|step| step.span.begin).or_else(|| samples().chain(lines()).min());
        let end = steps.iter().map(|step| step.span.end).chain(samples()).max();
        let span =
            Span { begin: begin.unwrap_or_default(), end: end.or_else(|| lines().max()).unwrap_or_default() };
        Drawn { plots, steps, span, drawing: machine::drawing(&recording.scenario.machine).ok() }
    }
}

/// The recording of a run, if it has one that can be read.
pub(super) fn recording(item: &Item) -> Option<Result<Recording, RecordingError>> {
    let dir = item.data["recording"].as_str()?;
    Some(Recording::load(Path::new(dir)))
}

impl Run {
    /// The part of a page about an item, whose recording was loaded if there is one.
    pub(super) fn of(id: String, item: &Item, loaded: Option<&Result<Recording, RecordingError>>) -> Run {
        let recording = loaded.and_then(|loaded| loaded.as_ref().ok());
        let (findings, more_findings) = finding::all(&item.data, recording);
        let has_findings = !findings.is_empty();
        let detail =
            |label: &str| item.details.iter().find(|one| one.label == label).map(|one| one.text.clone());
        let rest = |one: &&Detail| {
            let is_placed = PLACED.contains(&one.label)
                && (has_findings || !["violated", "expected", "seen", ""].contains(&one.label));
            !is_placed && one.depth <= Depth::Everything
        };
        Run {
            id,
            name: name(item),
            word: item.status.word,
            outcome: item.status.outcome,
            headline: item.headline.iter().map(|part| quote(part).to_string()).collect::<Vec<_>>().join(", "),
            summary: detail("summary"),
            findings,
            more_findings,
            expectations: expectations(&item.data),
            details: item
                .details
                .iter()
                .filter(rest)
                .map(|one| (one.label, block_up_to(&one.text, TEXT)))
                .collect(),
            facts: facts(item),
            passed: detail("passed").map(|text| block_up_to(&text, TEXT)),
            not_applicable: detail("not applicable").map(|text| block_up_to(&text, TEXT)),
            drawing: None,
            commands: commands(item),
            strips: strips::all(&item.data),
            missing: loaded
                .and_then(|loaded| loaded.as_ref().err())
                .map(|error| block_up_to(&error.to_string(), TEXT)),
            groups: Vec::new(),
        }
    }

    /// Adds what is drawn, and returns it for the script. All series together have about `budget` points.
    pub(super) fn draw(&mut self, drawn: &Drawn, budget: usize) -> Value {
        self.drawing.clone_from(&drawn.drawing);
        let named: Vec<(String, &Plot)> = (0..)
            .zip(&drawn.plots)
            .map(|(nth, plot): (usize, &Plot)| (format!("{}-plot-{nth}", self.id), plot))
            .collect();
        for (id, plot) in &named {
            if self.groups.last().is_none_or(|group| group.section != plot.section) {
                let (section, heading) = (plot.section, plot.section.heading());
                self.groups.push(Group { heading, section, figures: Vec::new() });
            }
            let facts = plot.facts.iter().map(|(name, value)| (*name, quote(value).to_string())).collect();
            let (title, about) = (quote(&plot.title).to_string(), quote(&plot.about).to_string());
            let figure = Figure { id: id.clone(), title, about, facts };
            self.groups.last_mut().map(|group| group.figures.push(figure)).unwrap_or_default();
        }
        let most = embed::points_each(budget, embed::count_series(&drawn.plots));
        embed::run(drawn.span, &drawn.steps, &named, most)
    }
}

/// What a scenario expects, as programs get it ([`crate::check::Measured`]).
fn expectations(data: &Value) -> Vec<Expectation> {
    let one = |one: &Value| {
        let text = |key: &str| one[key].as_str().map(|text| quote(text).to_string());
        let (outcome, why) = match &one["answer"] {
            Value::String(answer) if answer == "passed" => (ItemResult::Passed, None),
            Value::String(_) => (ItemResult::Failed, None),
            other => {
                (ItemResult::Skipped, other["not_applicable"].as_str().map(|why| quote(why).to_string()))
            }
        };
        let text = format!("{} {}", text("what")?, text("wanted")?);
        Some(Expectation { outcome, text, seen: quote(one["seen"].as_str()?).to_string(), why })
    };
    data["expectations"].as_array().into_iter().flatten().filter_map(one).collect()
}

/// What a run is called: its scenario and its seed where it has them. The folder of its recording stands elsewhere.
pub(super) fn name(item: &Item) -> String {
    match (item.data["scenario"].as_str(), item.seed) {
        (Some(scenario), Some(seed)) => format!("{}, seed {seed}", quote(scenario)),
        _ => quote(&item.name).to_string(),
    }
}

/// What it was made of. The command that repeats it has a place of its own.
fn facts(item: &Item) -> Vec<(&'static str, String)> {
    let named = item.properties.iter().filter(|(name, _)| *name != "repeat");
    let mut facts: Vec<_> = named.map(|(name, value)| (*name, quote(value).to_string())).collect();
    if let Some(seconds) = item.data["guest_seconds"].as_f64() {
        facts.push(("guest time", format!("{seconds:.0} s")));
    }
    if let Some(seconds) = item.seconds {
        facts.push(("took", format!("{seconds:.1} s")));
    }
    facts
}

/// The command that a run was reported with, and the one for its recording.
fn commands(item: &Item) -> Vec<String> {
    let property =
        |wanted: &str| item.properties.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value);
    let replay = property("recording").map(|dir| format!("damonlab replay {}", paths::quoted(dir)));
    let all = property("repeat").cloned().into_iter().chain(replay);
    all.map(|command| quote(&command).to_string()).collect()
}
