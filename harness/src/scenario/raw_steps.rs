//! The shape of a scenario's steps: a word, or a map with one key.

use super::raw::At;
use super::raw_damon::{RawGoal, RawKdamond};
use super::units::{Flag, Node, Number, Share, Time, Word};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// One step.
#[derive(Debug)]
pub(super) enum RawStep {
    Start(RawStart),
    Run(RawRun),
    Offline(RawNodeStep),
    Online(RawNodeStep),
    Stop,
    Commit(RawCommit),
    Retarget(RawRetarget),
    Pause,
    Resume,
    Write(RawWrite),
    Workload(RawPhase),
    HostCommand(RawHostCommand),
    Selftests(RawSelftests),
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

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCommit {
    pub kdamonds: At<Vec<At<RawKdamond>>>,
    pub refused: Option<At<Word>>,
}

/// A list of schemes, or `{schemes: [...], refused: EINVAL}`.
#[derive(Debug)]
pub(super) struct RawRetarget {
    pub schemes: Vec<At<RawNewGoals>>,
    pub refused: Option<At<Word>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRetargetMap {
    schemes: Vec<At<RawNewGoals>>,
    refused: Option<At<Word>>,
}

/// The goals of one scheme. One kdamond is the usual case, and so is the first scheme.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawNewGoals {
    pub kdamond: Option<At<Number>>,
    pub scheme: At<Number>,
    pub goals: Vec<At<RawGoal>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWrite {
    /// Relative to DAMON's kdamonds; `path` is absolute. One of them.
    pub file: Option<At<Word>>,
    pub path: Option<At<Word>>,
    pub value: At<Word>,
    pub refused: Option<At<Word>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPhase {
    pub name: At<Word>,
    pub hot: Option<At<Share>>,
    #[serde(rename = "move")]
    pub node: Option<At<Node>>,
    pub pause: Option<At<Flag>>,
}

/// A program of the host.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHostCommand {
    pub name: At<Word>,
    pub run: At<Vec<At<Word>>>,
    pub within: At<Time>,
    pub prints: Option<At<Word>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSelftests {
    pub within: At<Time>,
    #[serde(default)]
    pub skip: BTreeMap<String, At<Word>>,
}

const STEPS: &[&str] = &[
    "start",
    "run",
    "offline",
    "online",
    "stop",
    "commit",
    "retarget",
    "pause",
    "resume",
    "write",
    "workload",
    "host_command",
    "selftests",
];

struct StepVisitor;

impl<'de> Visitor<'de> for StepVisitor {
    type Value = RawStep;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a step: start, run: {windows: N}, run: {for: 10s}, commit: {..}, retarget: [..], pause, resume, \
             write: {..}, workload: {..}, host_command: {..}, selftests: {..}, offline: {node: N}, online: {node: N} or stop",
        )
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<RawStep, E> {
        let needs = match word {
            "start" => return Ok(RawStep::Start(RawStart::default())),
            "stop" => return Ok(RawStep::Stop),
            "pause" => return Ok(RawStep::Pause),
            "resume" => return Ok(RawStep::Resume),
            "offline" | "online" => format!("what: {word}: {{node: 1}}"),
            "run" => "how long: run: {windows: 60} or run: {for: 10s}".to_owned(),
            "commit" => "the new configuration: commit: {kdamonds: [...]}".to_owned(),
            "retarget" => "the new goals: retarget: [{scheme: 0, goals: [...]}]".to_owned(),
            "write" => "what and where: write: {file: 0/state, value: on, refused: EBUSY}".to_owned(),
            "workload" => "which, and what it does: workload: {name: hot, hot: 50%}".to_owned(),
            "host_command" => {
                "what to run: host_command: {name: report, run: [damo, report], within: 60s}".to_owned()
            }
            "selftests" => "how long each may take: selftests: {within: 2m}".to_owned(),
            _ => return Err(E::unknown_variant(word, STEPS)),
        };
        Err(E::custom(format_args!("'{word}' needs to know {needs}")))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawStep, A::Error> {
        let step = match map.next_key::<String>()?.as_deref() {
            Some("start") => RawStep::Start(map.next_value::<Option<RawStart>>()?.unwrap_or_default()),
            Some("run") => RawStep::Run(map.next_value()?),
            Some("offline") => RawStep::Offline(map.next_value()?),
            Some("online") => RawStep::Online(map.next_value()?),
            Some("commit") => RawStep::Commit(map.next_value()?),
            Some("retarget") => RawStep::Retarget(map.next_value()?),
            Some("write") => RawStep::Write(map.next_value()?),
            Some("workload") => RawStep::Workload(map.next_value()?),
            Some("host_command") => RawStep::HostCommand(map.next_value()?),
            Some("selftests") => RawStep::Selftests(map.next_value()?),
            Some(word @ ("stop" | "pause" | "resume")) => {
                map.next_value::<()>()?;
                self.visit_str(word)?
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
