//! The features of a kernel's DAMON that a scenario may state as needed, as far as their keywords are known here.

use super::keywords::{
    ACTIONS, ALL_FILTERS, METRICS, OPS, PREP_ACTIONS, PROBE_FILTERS, TUNERS, WATERMARK_METRICS,
};
use crate::subject::damon::events::Event;
use damonlab_protocol::kernel_feature::KernelFeature;

/// The keywords that go with a kind of feature; none where any may.
pub(crate) fn keywords_of(kind: &str) -> Option<Vec<&'static str>> {
    match kind {
        "goal" => Some(METRICS.iter().map(|metric| metric.name).collect()),
        "tuner" => Some(TUNERS.to_vec()),
        "action" => Some(ACTIONS.to_vec()),
        "ops" => Some(OPS.to_vec()),
        "filter" => Some(ALL_FILTERS.to_vec()),
        "probe_filter" => Some(PROBE_FILTERS.to_vec()),
        "watermark" => Some(WATERMARK_METRICS.to_vec()),
        "probe_prep" => Some(PREP_ACTIONS.to_vec()),
        _ => None,
    }
}

/// All that has a name of its own, and DAMON's tracepoints that this damonlab reads.
pub(crate) fn all_features() -> Vec<KernelFeature> {
    let of = |kind: &'static str| {
        let events = || Event::KNOWN.iter().copied().filter(|name| name.starts_with("damo")).collect();
        let keywords = if kind == "tracepoint" { events() } else { keywords_of(kind).unwrap_or_default() };
        keywords.into_iter().map(move |keyword| format!("{kind}.{keyword}"))
    };
    let names = KernelFeature::alone().map(str::to_owned).chain(KernelFeature::kinds().flat_map(of));
    names.filter_map(|name| KernelFeature::parse(&name)).collect()
}

/// Whether it is an action of Linux 7.3, and not one that a scenario introduces.
pub(crate) fn is_action(keyword: &str) -> bool {
    ACTIONS.contains(&keyword)
}
