//! The model of a page: all that was reported, the runs among it with their plots, and the JSON for the script.

use super::super::document::{End, Suite, Whole};
use super::super::event::{Item, ItemResult};
use super::bands::{self, Band, Seed};
use super::covered::{self, Covered};
use super::run::{self, Drawn, Run};
use crate::figure::{Section, Span};
use crate::host::text::{block_up_to, quote};
use damonlab_protocol::units::Nanos;
use serde::Serialize;
use serde_json::{Value, json};

/// About how many points all plots of a page have.
const POINTS: usize = 72_000;

/// So many runs have plots of their own: those that fail first.
const DRAWN: usize = 6;

/// More seeds than these are not read for bands.
const SEEDS: usize = 100;

/// A page.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    title: String,
    command: &'static str,
    kernel: Option<String>,
    counts: Option<String>,
    seconds: Option<f64>,
    /// The worst of all.
    outcome: ItemResult,
    answer: Vec<String>,
    notes: Vec<String>,
    scenarios: Vec<Scenario>,
    /// Which lines of source were executed, of a command that is about that.
    covered: Option<Covered>,
    runs: Vec<Run>,
    /// How many runs have no plots of their own, because others do.
    not_drawn: usize,
}

/// A scenario, or whatever else has ended, with its seeds.
#[derive(Debug, Serialize)]
struct Scenario {
    name: String,
    word: &'static str,
    outcome: ItemResult,
    headline: String,
    seeds: Vec<Cell>,
    bands: Vec<Head>,
    /// The id of its only run.
    run: Option<String>,
}

/// A seed in the table.
#[derive(Debug, Serialize)]
struct Cell {
    seed: String,
    word: &'static str,
    outcome: ItemResult,
    headline: String,
    run: String,
}

/// The place of a band.
#[derive(Debug, Serialize)]
struct Head {
    id: String,
    title: String,
    about: String,
}

/// What is collected while a page is made.
struct Maker {
    runs: Vec<Run>,
    embedded: Vec<Value>,
    /// How many runs may still have plots of their own.
    left: usize,
    /// How many points each of them may have.
    budget: usize,
    not_drawn: usize,
}

/// The page of all that was reported, and the JSON for its script.
pub(super) fn page(whole: &Whole) -> (Page, Value) {
    let cases = whole.suites.iter().map(|suite| suite.cases.len()).sum::<usize>();
    let budget = POINTS / cases.clamp(1, DRAWN);
    let mut maker = Maker { runs: Vec::new(), embedded: Vec::new(), left: DRAWN, budget, not_drawn: 0 };
    let drawn_first = bad_suites_first(whole);
    let mut scenarios: Vec<(usize, Scenario)> =
        drawn_first.into_iter().map(|(place, suite)| (place, maker.scenario(place, suite))).collect();
    scenarios.sort_by_key(|(place, _)| *place);
    let scenarios: Vec<Scenario> = scenarios.into_iter().map(|(_, scenario)| scenario).collect();
    let end = whole.end.as_ref();
    let lines = |of: fn(&End) -> &Vec<String>| -> Vec<String> {
        end.into_iter().flat_map(of).map(|text| block_up_to(text, 30_000)).collect()
    };
    let page = Page {
        title: title(whole),
        command: whole.command,
        kernel: whole.kernel.as_deref().map(|kernel| quote(kernel).to_string()),
        counts: end.map(|end| quote(&end.counts).to_string()),
        seconds: end.map(|end| end.seconds),
        outcome: whole.suites.iter().map(Suite::outcome).min().unwrap_or(ItemResult::Skipped),
        answer: lines(|end| &end.answer),
        notes: lines(|end| &end.notes),
        scenarios,
        covered: covered::of(&whole.data),
        not_drawn: maker.not_drawn,
        runs: maker.runs,
    };
    (page, json!({"runs": maker.embedded}))
}

fn title(whole: &Whole) -> String {
    match whole.suites.as_slice() {
        [only] => format!("{}: damonlab {}", suite_name(only), whole.command),
        all => format!("damonlab {} of {}", whole.command, all.len()),
    }
}

/// Plots go to what is something to look at, before the others.
fn bad_suites_first(whole: &Whole) -> Vec<(usize, &Suite)> {
    let mut suites: Vec<(usize, &Suite)> = whole.suites.iter().enumerate().collect();
    suites.sort_by_key(|(_, suite)| !suite.outcome().is_bad());
    suites
}

impl Maker {
    fn scenario(&mut self, place: usize, suite: &Suite) -> Scenario {
        let mut cases: Vec<(usize, &Item)> = suite.cases.iter().enumerate().collect();
        cases.sort_by_key(|(_, case)| !case.status.outcome.is_bad());
        let mut cells = Vec::new();
        let (mut drawn, mut read) = (Vec::new(), 0);
        let several = suite.cases.iter().filter(|case| case.seed.is_some()).count() > 1;
        for (nth, case) in cases {
            let id = format!("run-{place}-{nth}");
            let loads = self.left > 0 || (several && read < SEEDS);
            read += usize::from(loads);
            let of_case = self.run(id.clone(), case, loads);
            drawn.extend(of_case.map(|drawn| (drawn, case.status.outcome.is_bad())));
            if several {
                cells.push((nth, cell(case, id)));
            }
        }
        cells.sort_by_key(|(nth, _)| *nth);
        let bands = if several { self.bands(place, &drawn) } else { Vec::new() };
        let item = suite.together.as_ref().or(suite.cases.first());
        Scenario {
            name: suite_name(suite),
            word: item.map_or("", |item| item.status.word),
            outcome: suite.outcome(),
            headline: item.map(headline).unwrap_or_default(),
            run: (cells.is_empty()).then(|| format!("run-{place}-0")),
            seeds: cells.into_iter().map(|(_, cell)| cell).collect(),
            bands,
        }
    }

    /// Adds the part of a run, and returns what can be drawn of it if its recording is to be loaded.
    fn run(&mut self, id: String, item: &Item, loads: bool) -> Option<Drawn> {
        let loaded = loads.then(|| run::recording(item)).flatten();
        let mut run = Run::of(id, item, loaded.as_ref());
        let drawn = loaded.and_then(Result::ok).map(|recording| Drawn::of(&recording));
        match &drawn {
            Some(drawn) if self.left > 0 => {
                self.left -= 1;
                self.embedded.push(run.draw(drawn, self.budget));
            }
            _ => self.not_drawn += usize::from(item.data["recording"].is_string()),
        }
        self.runs.push(run);
        // Bands are about goals. A hundred seeds with all of their plots would be too much.
        drawn.map(|mut drawn| {
            drawn.plots.retain(|plot| plot.section == Section::Goals);
            drawn
        })
    }

    fn bands(&mut self, place: usize, drawn: &[(Drawn, bool)]) -> Vec<Head> {
        let seeds: Vec<Seed<'_>> =
            drawn.iter().map(|(drawn, failed)| Seed { drawn, failed: *failed }).collect();
        let bands: Vec<(String, Band)> = (0..)
            .zip(bands::of(&seeds))
            .map(|(nth, band): (usize, Band)| (format!("band-{place}-{nth}"), band))
            .collect();
        if let (Some(first), false) = (seeds.first(), bands.is_empty()) {
            let longest =
                seeds.iter().map(|seed| seed.drawn.span).map(|span| span.end.0.saturating_sub(span.begin.0));
            let span = Span { begin: Nanos(0), end: Nanos(longest.max().unwrap_or_default()) };
            let zero = first.drawn.span.begin.0;
            let steps = first.drawn.steps.iter().map(|step| {
                json!({"name": quote(&step.name).to_string(), "begin": step.span.begin.0.saturating_sub(zero) / 1000})
            });
            self.embedded.push(json!({
                "span": [0, span.end.0 / 1000],
                "steps": steps.collect::<Vec<_>>(),
                "plots": bands.iter().map(|(id, band)| band.embed(id)).collect::<Vec<_>>(),
            }));
        }
        let head = |(id, band): (String, Band)| Head {
            id,
            title: quote(&band.title).to_string(),
            about: quote(&band.about).to_string(),
        };
        bands.into_iter().map(head).collect()
    }
}

/// What a scenario is called; one with a single run is called by that.
fn suite_name(suite: &Suite) -> String {
    match suite.cases.as_slice() {
        [only] => run::name(only),
        _ => quote(&suite.name).to_string(),
    }
}

fn cell(case: &Item, run: String) -> Cell {
    let seed = case.seed.map_or_else(|| quote(&case.name).to_string(), |seed| seed.to_string());
    Cell { seed, word: case.status.word, outcome: case.status.outcome, headline: headline(case), run }
}

fn headline(item: &Item) -> String {
    item.headline.iter().map(|part| quote(part).to_string()).collect::<Vec<_>>().join(", ")
}
