//! The shape of `introduces:`.

use crate::grammar::{At, Definitions, Described, Flag, Scalar, shapes};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Value, json};
use std::fmt;

shapes! {
    #[derive(Default)]
    #[serde(default)]
    RawIntroduces {
        goal_metrics: Vec<At<RawMetricWord>>,
        /// Tuners of quota goals.
        goal_tuners: Vec<At<Scalar>>,
        /// Actions of schemes.
        actions: Vec<At<Scalar>>,
        filters: Vec<At<RawFilterWord>>,
        /// Operations sets.
        operations: Vec<At<Scalar>>,
        /// Metrics of watermarks.
        watermark_metrics: Vec<At<Scalar>>,
        keywords: Vec<At<Scalar>>,
        tracepoints: Vec<At<Scalar>>,
    }

    RawMetricTraits {
        /// The metric.
        name: At<Scalar>,
        /// Whether its goals need `nid`.
        node: Option<At<Flag>>,
        /// Whether its goals need `memcg_path`.
        memcg: Option<At<Flag>>,
        /// What a target is: basis points, microseconds, or a plain number.
        unit: Option<At<Scalar>>,
    }

    RawFilterWord {
        /// The type of filter.
        name: At<Scalar>,
        /// `core` or `ops` for filters of schemes, `probe` for filters of probes.
        folder: At<Scalar>,
    }
}

/// A metric's name alone, or with what is known about it.
#[derive(Debug)]
pub(crate) enum RawMetricWord {
    Name(String),
    Traits(Box<RawMetricTraits>),
}

struct MetricVisitor;

impl<'de> Visitor<'de> for MetricVisitor {
    type Value = RawMetricWord;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a metric's name, or {name: NAME, node: true, memcg: false, unit: bp}")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<RawMetricWord, E> {
        Ok(RawMetricWord::Name(name.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawMetricWord, A::Error> {
        RawMetricTraits::deserialize(MapAccessDeserializer::new(map))
            .map(|traits| RawMetricWord::Traits(Box::new(traits)))
    }
}

impl Described for RawMetricWord {
    fn schema(all: &mut Definitions) -> Value {
        json!({"anyOf": [RawMetricTraits::schema(all), {"type": "string"}]})
    }
}

impl<'de> Deserialize<'de> for RawMetricWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MetricVisitor)
    }
}
