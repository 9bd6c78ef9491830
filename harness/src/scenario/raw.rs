//! The shape of a scenario's YAML: which keys there are and what kind of value each takes.
//!
//! Nothing is judged here; [`super::resolve`] does that, with the place of every value at hand.

use super::raw_damon::RawKdamond;
use super::raw_machine::RawMachineRef;
use super::units::{Node, Number, Share, Size, Time, Word};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_saphyr::Spanned;
use std::collections::BTreeMap;
use std::fmt;

/// A value and its place in the file.
pub(super) type At<T> = Spanned<T>;

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawScenario {
    pub version: At<Number>,
    pub summary: At<Word>,
    pub machine: At<RawMachineRef>,
    #[serde(default)]
    pub workloads: Vec<RawWorkload>,
    pub swap: Option<At<Size>>,
    #[serde(default)]
    pub damon: RawDamon,
    #[serde(default)]
    pub trace: RawTrace,
    #[serde(default)]
    pub sample: RawSample,
    pub steps: At<Vec<At<RawStep>>>,
    #[serde(default)]
    pub expect: Vec<At<RawExpectation>>,
    #[serde(default)]
    pub snapshot: Vec<At<Word>>,
    pub clock: Option<At<Word>>,
    #[serde(default)]
    pub clocks: RawClocks,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWorkload {
    pub name: At<Word>,
    pub size: At<Size>,
    pub node: At<Node>,
    pub touch: Option<RawTouch>,
    pub memcg: Option<At<Word>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTouch {
    pub every: At<Time>,
    pub hot: Option<At<Share>>,
    pub access: Option<At<Word>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDamon {
    #[serde(default)]
    pub kdamonds: Vec<At<RawKdamond>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTrace {
    pub events: Option<At<Vec<At<Word>>>>,
    pub buffer: Option<At<Size>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSample {
    pub every: Option<At<Time>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawClocks {
    pub boot: Option<At<Time>>,
    pub scenario: Option<At<Time>>,
    pub shutdown: Option<At<Time>>,
}

/// `start`, `start: {refused: EINVAL}`, `run: {..}`, `offline: {node: N}`, `online: {node: N}` or `stop`.
#[derive(Debug)]
pub(super) enum RawStep {
    Start(RawStart),
    Run(RawRun),
    Offline(RawNodeStep),
    Online(RawNodeStep),
    Stop,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawNodeStep {
    pub node: At<Node>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStart {
    pub refused: Option<At<Word>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRun {
    pub windows: Option<At<Number>>,
    #[serde(rename = "for")]
    pub time: Option<At<Time>>,
}

const STEPS: &[&str] = &["start", "run", "offline", "online", "stop"];

struct StepVisitor;

impl<'de> Visitor<'de> for StepVisitor {
    type Value = RawStep;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a step: start, run: {windows: N}, run: {for: 10s}, offline: {node: N}, online: {node: N} or stop")
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<RawStep, E> {
        match word {
            "start" => Ok(RawStep::Start(RawStart::default())),
            "stop" => Ok(RawStep::Stop),
            "offline" | "online" => {
                Err(E::custom(format_args!("'{word}' needs to know what: {word}: {{node: 1}}")))
            }
            "run" => Err(E::custom("'run' needs to know how long: run: {windows: 60} or run: {for: 10s}")),
            _ => Err(E::unknown_variant(word, STEPS)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawStep, A::Error> {
        let step = match map.next_key::<String>()?.as_deref() {
            Some("start") => RawStep::Start(map.next_value::<Option<RawStart>>()?.unwrap_or_default()),
            Some("run") => RawStep::Run(map.next_value()?),
            Some("offline") => RawStep::Offline(map.next_value()?),
            Some("online") => RawStep::Online(map.next_value()?),
            Some("stop") => {
                map.next_value::<()>()?;
                RawStep::Stop
            }
            Some(other) => return Err(de::Error::unknown_variant(other, STEPS)),
            None => return Err(de::Error::custom("an empty step")),
        };
        match map.next_key::<String>()? {
            None => Ok(step),
            Some(second) => {
                Err(de::Error::custom(format_args!("'{second}' is a step of its own: begin it with '- '")))
            }
        }
    }
}

impl<'de> Deserialize<'de> for RawStep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StepVisitor)
    }
}

/// One line of `expect`. Which keys go together is judged later, with better words than serde's.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawExpectation {
    pub mean: Option<At<Word>>,
    pub of: Option<At<Word>>,
    pub count: Option<At<Word>>,
    #[serde(rename = "where")]
    pub filter: Option<At<BTreeMap<String, At<Word>>>>,
    pub last: Option<At<RawLast>>,
    pub resident: Option<At<Word>>,
    pub node: Option<At<Node>>,
    pub vmstat: Option<At<Word>>,
    pub within: Option<At<Vec<At<Word>>>>,
    pub at_least: Option<At<Word>>,
    pub at_most: Option<At<Word>>,
    pub equals: Option<At<Word>>,
    pub over: Option<At<Word>>,
    pub spread: Option<At<Word>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLast {
    pub windows: At<Number>,
}
