//! The shape of `machine:`. Nothing is judged here.

use super::raw::At;
use super::units::{Flag, Node, Number, Rate, Size, Time, Word};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMachine {
    pub nodes: At<Vec<RawNode>>,
    #[serde(default)]
    pub distances: Vec<RawDistance>,
    #[serde(default)]
    pub cxl: Vec<RawWindow>,
    pub below_4g: Option<At<Size>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawNode {
    pub id: At<Node>,
    pub memory: Option<At<Size>>,
    #[serde(default)]
    pub cpus: Vec<At<Number>>,
    pub from: Option<RawFrom>,
    pub soft_reserved: Option<At<Flag>>,
    pub cache: Option<RawCache>,
    pub tier: Option<At<Number>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFrom {
    pub node: At<Node>,
    pub latency: At<Time>,
    pub bandwidth: At<Rate>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCache {
    pub size: At<Size>,
    pub line: Option<At<Number>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDistance {
    pub from: At<Node>,
    pub to: At<Node>,
    pub distance: At<Number>,
}

/// A window; with `size` it has one device of that size, with `devices` those.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWindow {
    pub node: At<Node>,
    pub size: Option<At<Size>>,
    pub serial: Option<At<Number>>,
    pub devices: Option<At<Vec<RawDevice>>>,
    pub across: Option<At<Word>>,
    pub granularity: Option<At<Size>>,
    pub port: Option<RawFrom>,
    pub tier: Option<At<Number>>,
}

impl RawWindow {
    /// The sizes of its devices.
    pub fn sizes(&self) -> impl Iterator<Item = &At<Size>> {
        let devices = self.devices.iter().flat_map(|devices| &devices.value);
        self.size.iter().chain(devices.map(|device| &device.size))
    }
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDevice {
    pub size: At<Size>,
    pub serial: Option<At<Number>>,
}

/// A scenario's `machine:`, where it stands or by its name.
#[derive(Debug)]
pub(super) enum RawMachineRef {
    Here(Box<RawMachine>),
    Named(String),
}

/// A file of `machines/`.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMachineFile {
    pub version: At<Number>,
    pub summary: At<Word>,
    pub machine: At<RawMachineRef>,
}

const WANTED: &str = "a machine, {nodes: [..]}, or the name of one";

struct MachineVisitor;

impl<'de> Visitor<'de> for MachineVisitor {
    type Value = RawMachineRef;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(WANTED)
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<RawMachineRef, E> {
        Ok(RawMachineRef::Named(name.to_owned()))
    }

    fn visit_u64<E: de::Error>(self, name: u64) -> Result<RawMachineRef, E> {
        Ok(RawMachineRef::Named(name.to_string()))
    }

    fn visit_unit<E: de::Error>(self) -> Result<RawMachineRef, E> {
        Err(E::custom(format_args!("a value is missing: {WANTED}")))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<RawMachineRef, A::Error> {
        Err(de::Error::custom(format_args!("wrong kind of value: wanted {WANTED}, found a list")))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawMachineRef, A::Error> {
        RawMachine::deserialize(MapAccessDeserializer::new(map)).map(|raw| RawMachineRef::Here(Box::new(raw)))
    }
}

impl<'de> Deserialize<'de> for RawMachineRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MachineVisitor)
    }
}
