//! The shape of the steps that are about DAMON.

use super::raw::{RawGoal, RawKdamond};
use crate::grammar::{At, Definitions, Described, Number, Scalar, or_null, shapes};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Value, json};
use std::fmt;

/// One of them.
#[derive(Debug)]
pub(crate) enum RawDamonStep {
    Start(RawStart),
    Stop,
    Commit(RawCommit),
    Retarget(RawRetarget),
    Pause,
    Resume,
    ReadBack,
}

impl RawDamonStep {
    /// The configuration that a commit brings.
    pub(crate) fn kdamonds(&self) -> &[At<RawKdamond>] {
        match self {
            RawDamonStep::Commit(commit) => &commit.kdamonds.value,
            _ => &[],
        }
    }

    /// The goals that a retarget brings.
    pub(crate) fn new_goals(&self) -> impl Iterator<Item = &[At<RawGoal>]> {
        let schemes = match self {
            RawDamonStep::Retarget(retarget) => retarget.schemes.as_slice(),
            _ => &[],
        };
        schemes.iter().map(|scheme| scheme.value.goals.as_slice())
    }

    /// Their names, and how each is written, for messages.
    pub(crate) const NAMES: [&str; 7] =
        ["start", "stop", "commit", "retarget", "pause", "resume", "read_back"];
    pub(crate) const FORMS: &str = "start, commit: {..}, retarget: [..], pause, resume, read_back, stop";

    /// The step that is a name alone; none where it has to be a mapping.
    pub(crate) fn alone(name: &str) -> Option<RawDamonStep> {
        match name {
            "start" => Some(RawDamonStep::Start(RawStart::default())),
            "stop" => Some(RawDamonStep::Stop),
            "pause" => Some(RawDamonStep::Pause),
            "resume" => Some(RawDamonStep::Resume),
            "read_back" => Some(RawDamonStep::ReadBack),
            _ => None,
        }
    }

    /// What is missing where a step that needs a mapping is a name alone.
    pub(crate) fn missing_in(name: &str) -> Option<&'static str> {
        match name {
            "commit" => Some("the new configuration: commit: {kdamonds: [...]}"),
            "retarget" => Some("the new goals: retarget: [{scheme: 0, goals: [...]}]"),
            _ => None,
        }
    }

    /// The step whose name is the key that was just read; none where it is no step of DAMON's.
    pub(crate) fn read<'de, A: MapAccess<'de>>(
        name: &str,
        map: &mut A,
    ) -> Result<Option<RawDamonStep>, A::Error> {
        Ok(Some(match name {
            "start" => RawDamonStep::Start(map.next_value::<Option<RawStart>>()?.unwrap_or_default()),
            "commit" => RawDamonStep::Commit(map.next_value()?),
            "retarget" => RawDamonStep::Retarget(map.next_value()?),
            other => {
                let Some(step) = RawDamonStep::alone(other) else { return Ok(None) };
                map.next_value::<()>()?;
                step
            }
        }))
    }

    /// What the step `name` takes as the value of its key; none where it is no step of DAMON's.
    pub(crate) fn schema(name: &str, all: &mut Definitions) -> Option<Value> {
        match name {
            "start" => Some(or_null(RawStart::schema(all))),
            "commit" => Some(RawCommit::schema(all)),
            "retarget" => Some(RawRetarget::schema(all)),
            other => RawDamonStep::alone(other).map(|_| json!({"type": "null"})),
        }
    }

    /// Whether it is a start that the kernel must refuse.
    pub(crate) fn is_refused_start(&self) -> bool {
        matches!(self, RawDamonStep::Start(start) if start.refused.is_some())
    }

    /// Its name.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            RawDamonStep::Start(_) => "start",
            RawDamonStep::Stop => "stop",
            RawDamonStep::Commit(_) => "commit",
            RawDamonStep::Retarget(_) => "retarget",
            RawDamonStep::Pause => "pause",
            RawDamonStep::Resume => "resume",
            RawDamonStep::ReadBack => "read_back",
        }
    }
}

shapes! {
    #[derive(Default)]
    RawStart {
        /// The errno with which the kernel must refuse the start.
        refused: Option<At<Scalar>>,
    }

    RawCommit {
        /// The complete new configuration.
        kdamonds: At<Vec<At<RawKdamond>>>,
        /// The errno with which the kernel must refuse the commit.
        refused: Option<At<Scalar>>,
    }

    RawRetargetMap {
        /// The schemes that get other goals.
        schemes: Vec<At<RawNewGoals>>,
        /// The errno with which the kernel must refuse the commit.
        refused: Option<At<Scalar>>,
    }

    /// The goals of one scheme. One kdamond is the usual case, and so is the first scheme.
    RawNewGoals {
        /// The index of its kdamond, 0 if it is missing.
        kdamond: Option<At<Number>>,
        /// The index of the scheme.
        scheme: At<Number>,
        /// Its goals from now on.
        goals: Vec<At<RawGoal>>,
    }
}

/// A list of schemes, or `{schemes: [...], refused: EINVAL}`.
#[derive(Debug)]
pub(crate) struct RawRetarget {
    pub(super) schemes: Vec<At<RawNewGoals>>,
    pub(super) refused: Option<At<Scalar>>,
}

struct RetargetVisitor;

impl<'de> Visitor<'de> for RetargetVisitor {
    type Value = RawRetarget;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the new goals: [{scheme: 0, goals: [...]}], or {schemes: [...], refused: EINVAL}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<RawRetarget, A::Error> {
        let schemes = Vec::deserialize(SeqAccessDeserializer::new(list))?;
        Ok(RawRetarget { schemes, refused: None })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawRetarget, A::Error> {
        let RawRetargetMap { schemes, refused } =
            RawRetargetMap::deserialize(MapAccessDeserializer::new(map))?;
        Ok(RawRetarget { schemes, refused })
    }
}

impl Described for RawRetarget {
    fn schema(all: &mut Definitions) -> Value {
        json!({"anyOf": [<Vec<RawNewGoals>>::schema(all), RawRetargetMap::schema(all)]})
    }
}

impl<'de> Deserialize<'de> for RawRetarget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RetargetVisitor)
    }
}
