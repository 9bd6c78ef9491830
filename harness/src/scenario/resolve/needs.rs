//! What a scenario states that the kernel must have.

use crate::scenario::error::{Checked, Fault};
use crate::scenario::raw::At;
use crate::scenario::units::Word;
use crate::scenario::vocabulary::{ACTIONS, ALL_FILTERS, METRICS, OPS, TUNERS};
use crate::subject::damon::events::Event;
use damonlab_protocol::kernel_feature::KernelFeature;

pub(super) fn need(raw: &At<Word>) -> Checked<KernelFeature> {
    let name = raw.value.0.as_str();
    let fault = || Fault::at(raw, format!("nothing that a kernel may have is called '{name}'"));
    if let Some((kind, word)) = name.split_once('.')
        && let Some(words) = words(kind)
        && !words.contains(&word)
    {
        return Err(fault().known(word, &words));
    }
    KernelFeature::parse(name).ok_or_else(|| {
        let kinds = KernelFeature::kinds().map(|kind| format!("{kind}.WORD"));
        let all: Vec<String> = KernelFeature::alone().map(str::to_owned).chain(kinds).collect();
        fault().known(name, &all.iter().map(String::as_str).collect::<Vec<_>>())
    })
}

/// All that has a name of its own, and DAMON's tracepoints that this damonlab reads.
pub(in crate::scenario) fn all() -> Vec<KernelFeature> {
    let of = |kind: &'static str| {
        let events = || Event::KNOWN.iter().copied().filter(|name| name.starts_with("damo")).collect();
        let words = if kind == "tracepoint" { events() } else { words(kind).unwrap_or_default() };
        words.into_iter().map(move |word| format!("{kind}.{word}"))
    };
    let names = KernelFeature::alone().map(str::to_owned).chain(KernelFeature::kinds().flat_map(of));
    names.filter_map(|name| KernelFeature::parse(&name)).collect()
}

/// The words that go with a kind, where not every word does.
fn words(kind: &str) -> Option<Vec<&'static str>> {
    match kind {
        "goal" => Some(METRICS.iter().map(|metric| metric.name).collect()),
        "tuner" => Some(TUNERS.to_vec()),
        "action" => Some(ACTIONS.to_vec()),
        "ops" => Some(OPS.to_vec()),
        "filter" => Some(ALL_FILTERS.to_vec()),
        _ => None,
    }
}
