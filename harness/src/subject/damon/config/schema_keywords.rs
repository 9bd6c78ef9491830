//! The words that DAMON's keys take, for the JSON Schema of scenarios.

use super::introduced::{FOLDERS, UNITS};
use super::keywords::{
    ACTIONS, ALL_FILTERS, CORE_FILTERS, METRICS, OPS, OPS_FILTERS, PREP_ACTIONS, PROBE_FILTERS,
    SAMPLE_FILTERS, TUNERS, WATERMARK_METRICS,
};
use crate::grammar::{ERRNOS, Keywords};
use serde_json::{Value, json};

/// The keys and their words.
pub(crate) fn schema_keywords() -> Vec<Keywords> {
    let metrics: Vec<&str> = METRICS.iter().map(|metric| metric.name).collect();
    vec![
        Keywords::known("Context", "ops", OPS),
        Keywords::known("Scheme", "action", ACTIONS),
        Keywords::known("Quotas", "goal_tuner", TUNERS),
        Keywords::known("Goal", "metric", &metrics),
        Keywords::known("Watermarks", "metric", WATERMARK_METRICS),
        Keywords::known("Filter", "filter_type", ALL_FILTERS),
        Keywords::known("ProbeFilter", "filter_type", PROBE_FILTERS),
        Keywords::only("SampleFilter", "filter_type", SAMPLE_FILTERS),
        Keywords::only("Prep", "prep_action", PREP_ACTIONS),
        Keywords::only("MetricTraits", "unit", &UNITS),
        Keywords::only("FilterWord", "folder", &FOLDERS),
        Keywords::none_of("MetricTraits", "name", &metrics),
        Keywords::none_of("FilterWord", "name", ALL_FILTERS),
        Keywords::none_of("Introduces", "actions", ACTIONS),
        Keywords::none_of("Introduces", "goal_tuners", TUNERS),
        Keywords::none_of("Introduces", "operations", OPS),
        Keywords::only("Start", "refused", ERRNOS),
        Keywords::only("Commit", "refused", ERRNOS),
        Keywords::only("RetargetMap", "refused", ERRNOS),
    ]
}

/// What else the lists refuse: a metric of a node without one, and filters in the other kind's folder.
pub(crate) fn schema_limits() -> Vec<(&'static str, Value)> {
    let of_nodes: Vec<&str> = METRICS.iter().filter(|metric| metric.node).map(|metric| metric.name).collect();
    let is_of_node = json!({"properties": {"metric": {"enum": of_nodes}}});
    let but = |other: &[&str]| json!({"allOf": [{"items": {"properties": {"filter_type": {"not": {"enum": other}}}}}]});
    vec![
        ("Goal", json!({"if": is_of_node, "then": {"required": ["nid"]}})),
        ("Scheme.core_filters", but(OPS_FILTERS)),
        ("Scheme.ops_filters", but(CORE_FILTERS)),
    ]
}
