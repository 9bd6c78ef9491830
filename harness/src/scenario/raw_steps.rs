//! The shape of a scenario's steps: a name, or a mapping with one key; among several at once with two more.

use super::subject::RawSubjectStep;
use crate::grammar::{At, Definitions, Described, Flag, Node, Number, Scalar, Share, Time, describe, shapes};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value, json};
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

/// What the step `name` takes as the value of its key.
fn value_of(name: &str, all: &mut Definitions) -> Value {
    match name {
        "run" => RawRun::schema(all),
        "offline" | "online" => RawNodeStep::schema(all),
        "write" => RawWrite::schema(all),
        "workload" => RawPhase::schema(all),
        "host_command" => RawHostCommand::schema(all),
        "selftests" => RawSelftests::schema(all),
        "together" => <Vec<RawTask>>::schema(all),
        other => RawSubjectStep::schema(other, all).unwrap_or_default(),
    }
}

/// A step: a name alone, or a mapping with one step's name and with `beside` it what else it may have.
fn step(beside: &[(&str, Value)], all: &mut Definitions) -> Value {
    let alone: Vec<&str> =
        NAMES.iter().copied().filter(|name| RawSubjectStep::alone(name).is_some()).collect();
    let mut properties: Map<String, Value> =
        NAMES.iter().map(|name| ((*name).to_owned(), value_of(name, all))).collect();
    properties.extend(beside.iter().map(|(key, schema)| ((*key).to_owned(), schema.clone())));
    let one: Vec<Value> = NAMES.iter().map(|name| json!({"required": [name]})).collect();
    json!({"if": {"type": "string"}, "then": {"enum": alone}, "else": {
        "type": "object", "properties": properties, "additionalProperties": false, "oneOf": one,
    }})
}

impl Described for RawStep {
    fn schema(all: &mut Definitions) -> Value {
        all.refer("Step", |all| step(&[], all))
    }
}

impl Described for RawTask {
    fn schema(all: &mut Definitions) -> Value {
        all.refer("Task", |all| {
            let mut times = Number::schema(all);
            describe(&mut times, "How often it is carried out.");
            let mut after = Time::schema(all);
            describe(&mut after, "When it begins, after the common start. Without it the time is drawn.");
            step(&[("times", times), ("after", after)], all)
        })
    }
}

shapes! {
    RawNodeStep {
        /// A node whose memory can go offline.
        node: At<Node>,
    }

    RawRun {
        /// So many charge windows of guest time.
        windows: Option<At<Number>>,
        /// So much guest time.
        #[serde(rename = "for")]
        time: Option<At<Time>>,
    }

    RawWrite {
        /// Relative to DAMON's kdamonds. Either `file` or `path`.
        file: Option<At<Scalar>>,
        /// An absolute path.
        path: Option<At<Scalar>>,
        /// Up to 1000 printable characters of ASCII.
        value: At<Scalar>,
        /// The errno with which the kernel must refuse the write.
        refused: Option<At<Scalar>>,
    }

    RawPhase {
        /// The workload.
        name: At<Scalar>,
        /// The touched part from now on.
        hot: Option<At<Share>>,
        /// The node to which its pages move.
        #[serde(rename = "move")]
        node: Option<At<Node>>,
        /// Whether it stops touching.
        pause: Option<At<Flag>>,
        /// Kills the process; only in `together`.
        end: Option<At<Flag>>,
    }

    /// A program of the host.
    RawHostCommand {
        /// What its result is called in the recording.
        name: At<Scalar>,
        /// The program and its arguments.
        run: At<Vec<At<Scalar>>>,
        /// It is killed after this guest time.
        within: At<Time>,
        /// `kdamonds`: its output must be the configuration in force, in damo's format.
        prints: Option<At<Scalar>>,
    }

    RawSelftests {
        /// Each test is killed after this guest time.
        within: At<Time>,
        /// Tests that are not run, each with a reason.
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
