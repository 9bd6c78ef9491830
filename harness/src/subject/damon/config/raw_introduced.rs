//! The shape of `introduces:`.

use crate::grammar::{At, Flag, Scalar, shapes};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use std::fmt;

shapes! {
    #[derive(Default)]
    #[serde(default)]
    RawIntroduces {
        goal_metrics: Vec<At<RawMetricWord>>,
        goal_tuners: Vec<At<Scalar>>,
        actions: Vec<At<Scalar>>,
        filters: Vec<At<RawFilterWord>>,
        operations: Vec<At<Scalar>>,
        watermark_metrics: Vec<At<Scalar>>,
        keywords: Vec<At<Scalar>>,
        tracepoints: Vec<At<Scalar>>,
    }

    RawMetricTraits {
        name: At<Scalar>,
        node: Option<At<Flag>>,
        memcg: Option<At<Flag>>,
        unit: Option<At<Scalar>>,
    }

    RawFilterWord {
        name: At<Scalar>,
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

impl<'de> Deserialize<'de> for RawMetricWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MetricVisitor)
    }
}
