//! The shape of a scenario's steps: a name, or a mapping with one key; among several at once with two more.

use super::subject::RawSubjectStep;
use crate::grammar::{At, Flag, Node, Number, Scalar, Share, Time, shapes};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

/// One step.
#[derive(Debug)]
pub(super) enum RawStep {
    Subject(RawSubjectStep),
    Run(RawRun),
    Offline(RawNodeStep),
    Online(RawNodeStep),
    Write(RawWrite),
    Workload(RawPhase),
    HostCommand(RawHostCommand),
    Selftests(RawSelftests),
    Together(At<Vec<At<RawTask>>>),
}

impl RawStep {
    /// What it has about the subject: itself, or some of the steps that are carried out at once.
    pub(super) fn of_subject(&self) -> Vec<&RawSubjectStep> {
        match self {
            RawStep::Subject(step) => vec![step],
            RawStep::Together(tasks) => {
                tasks.value.iter().flat_map(|task| task.value.step.of_subject()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The step that is a name alone.
    pub(super) fn alone<E: de::Error>(name: &str) -> Result<RawStep, E> {
        if let Some(step) = RawSubjectStep::alone(name) {
            return Ok(RawStep::Subject(step));
        }
        let own = OWN.iter().find(|(known, _)| *known == name).map(|(_, missing)| *missing);
        Err(match own.or_else(|| RawSubjectStep::missing_in(name)) {
            Some(missing) => E::custom(format_args!("the step '{name}' needs {missing}")),
            None => E::unknown_variant(name, &NAMES),
        })
    }

    /// The step whose name is the key that was just read.
    pub(super) fn read<'de, A: MapAccess<'de>>(name: &str, map: &mut A) -> Result<RawStep, A::Error> {
        Ok(match name {
            "run" => RawStep::Run(map.next_value()?),
            "offline" => RawStep::Offline(map.next_value()?),
            "online" => RawStep::Online(map.next_value()?),
            "write" => RawStep::Write(map.next_value()?),
            "workload" => RawStep::Workload(map.next_value()?),
            "host_command" => RawStep::HostCommand(map.next_value()?),
            "selftests" => RawStep::Selftests(map.next_value()?),
            "together" => RawStep::Together(map.next_value()?),
            other => match RawSubjectStep::read(other, map)? {
                Some(step) => RawStep::Subject(step),
                None => return Err(de::Error::unknown_variant(other, &NAMES)),
            },
        })
    }
}

shapes! {
    RawNodeStep {
        node: At<Node>,
    }

    RawRun {
        windows: Option<At<Number>>,
        #[serde(rename = "for")]
        time: Option<At<Time>>,
    }

    RawWrite {
        /// Relative to DAMON's kdamonds; `path` is absolute. One of them.
        file: Option<At<Scalar>>,
        path: Option<At<Scalar>>,
        value: At<Scalar>,
        refused: Option<At<Scalar>>,
    }

    RawPhase {
        name: At<Scalar>,
        hot: Option<At<Share>>,
        #[serde(rename = "move")]
        node: Option<At<Node>>,
        pause: Option<At<Flag>>,
        end: Option<At<Flag>>,
    }

    /// A program of the host.
    RawHostCommand {
        name: At<Scalar>,
        run: At<Vec<At<Scalar>>>,
        within: At<Time>,
        prints: Option<At<Scalar>>,
    }

    RawSelftests {
        within: At<Time>,
        #[serde(default)]
        skip: BTreeMap<String, At<Scalar>>,
    }
}

/// The steps that are not about the subject, and what is missing where one is a name alone.
const OWN: [(&str, &str); 8] = [
    ("run", "a length: run: {windows: 60} or run: {for: 10s}"),
    ("offline", "a node: offline: {node: 1}"),
    ("online", "a node: online: {node: 1}"),
    ("write", "a file and a value: write: {file: 0/state, value: on, refused: EBUSY}"),
    ("workload", "a workload and what it does: workload: {name: hot, hot: 50%}"),
    ("host_command", "a program: host_command: {name: report, run: [damo, report], within: 60s}"),
    ("selftests", "a limit of time for each: selftests: {within: 2m}"),
    ("together", "the steps to carry out at once: together: [{commit: {..}}, stop]"),
];

/// Every step, for messages.
static NAMES: LazyLock<Vec<&str>> =
    LazyLock::new(|| RawSubjectStep::NAMES.into_iter().chain(OWN.map(|(name, _)| name)).collect());

struct StepVisitor;

impl<'de> Visitor<'de> for StepVisitor {
    type Value = RawStep;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a step: {}, run: {{windows: N}}, run: {{for: 10s}}, write: {{..}}, workload: {{..}}, \
             host_command: {{..}}, selftests: {{..}}, offline: {{node: N}}, online: {{node: N}} or together: [..]",
            RawSubjectStep::FORMS
        )
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<RawStep, E> {
        RawStep::alone(name)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawStep, A::Error> {
        let Some(name) = map.next_key::<String>()? else { return Err(de::Error::custom("an empty step")) };
        let step = RawStep::read(&name, &mut map)?;
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

/// One of the steps at once.
#[derive(Debug)]
pub(super) struct RawTask {
    pub(super) step: RawStep,
    pub(super) times: Option<At<Number>>,
    pub(super) after: Option<At<Time>>,
}

struct TaskVisitor;

impl<'de> Visitor<'de> for TaskVisitor {
    type Value = RawTask;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a step, with `times` and `after` beside it if they are wanted: {read_back: , times: 20}")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<RawTask, E> {
        Ok(RawTask { step: RawStep::alone(name)?, times: None, after: None })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawTask, A::Error> {
        let (mut step, mut times, mut after) = (None, None, None);
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "times" => times = Some(map.next_value()?),
                "after" => after = Some(map.next_value()?),
                _ if step.is_some() => {
                    return Err(de::Error::custom(format_args!(
                        "'{name}' is a step of its own: begin it with '- '"
                    )));
                }
                _ => step = Some(RawStep::read(&name, &mut map)?),
            }
        }
        let step = step.ok_or_else(|| de::Error::custom("`times` and `after` without a step"))?;
        Ok(RawTask { step, times, after })
    }
}

impl<'de> Deserialize<'de> for RawTask {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TaskVisitor)
    }
}
