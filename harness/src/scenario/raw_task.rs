//! The shape of a step among several at once: a step, and when and how often it is carried out.

use super::raw_steps::RawStep;
use crate::grammar::{At, Number, Time};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use std::fmt;

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
