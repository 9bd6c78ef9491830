//! The shape of the steps that are about DAMON.

use super::raw::{RawGoal, RawKdamond};
use crate::grammar::{At, Number, Scalar, shapes};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
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
        refused: Option<At<Scalar>>,
    }

    RawCommit {
        kdamonds: At<Vec<At<RawKdamond>>>,
        refused: Option<At<Scalar>>,
    }

    RawRetargetMap {
        schemes: Vec<At<RawNewGoals>>,
        refused: Option<At<Scalar>>,
    }

    /// The goals of one scheme. One kdamond is the usual case, and so is the first scheme.
    RawNewGoals {
        kdamond: Option<At<Number>>,
        scheme: At<Number>,
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

impl<'de> Deserialize<'de> for RawRetarget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RetargetVisitor)
    }
}
