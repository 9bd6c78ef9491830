//! What a run violated, as a page shows it: each finding with its lines among their neighbours, and the page of its rule.

use super::super::rules;
use super::context;
use crate::host::text::{block_up_to, quote};
use crate::judge;
use crate::recording::Recording;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// So many findings of a run are shown.
const SHOWN: usize = 20;

/// A rule's page is so long at most, in characters.
const PAGE: usize = 12_000;

/// A finding as programs get it ([`crate::check::Finding`]).
#[derive(Debug, Deserialize)]
struct Stored {
    id: String,
    expected: String,
    seen: String,
    #[serde(default)]
    evidence: Vec<StoredEvidence>,
    scenario_line: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct StoredEvidence {
    file: String,
    number: u32,
    text: String,
}

/// A finding, to be shown.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    /// What is violated.
    name: String,
    expected: String,
    seen: String,
    scenario_line: Option<u64>,
    /// The lines that show it, file by file.
    evidence: Vec<context::Excerpt>,
    /// It is the first one of its rule.
    is_first: bool,
    /// The page of its rule, where it is the first finding of that.
    page: Option<String>,
}

/// The findings of a run and how many more there are.
pub(super) fn all(data: &Value, recording: Option<&Recording>) -> (Vec<Finding>, usize) {
    let stored: Vec<Stored> = data["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| Stored::deserialize(one).ok())
        .collect();
    let mut explained = BTreeSet::new();
    let shown = stored.iter().take(SHOWN).map(|one| {
        let first = explained.insert(one.id.as_str());
        finding(one, first, recording)
    });
    let shown: Vec<Finding> = shown.collect();
    let more = stored.len() - shown.len();
    (shown, more)
}

fn finding(stored: &Stored, first: bool, recording: Option<&Recording>) -> Finding {
    let Stored { id, expected, seen, evidence, scenario_line } = stored;
    let origin = judge::origin(id).filter(|_| first);
    let hits =
        evidence.iter().map(|one| context::Hit { file: &one.file, number: one.number, text: &one.text });
    Finding {
        name: quote(&rules::name(id)).to_string(),
        expected: block_up_to(expected, PAGE),
        seen: block_up_to(seen, PAGE),
        scenario_line: *scenario_line,
        is_first: first,
        evidence: context::around(&hits.collect::<Vec<_>>(), recording),
        page: origin.map(|origin| block_up_to(&judge::explain(&origin, |_| None).to_string(), PAGE)),
    }
}
