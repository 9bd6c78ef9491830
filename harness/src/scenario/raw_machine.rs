//! The shape of `machine:`. Nothing is judged here.

use crate::grammar::{At, Definitions, Described, Flag, Node, Number, Rate, Scalar, Size, Time, shapes};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Value, json};
use std::fmt;

shapes! {
    RawMachine {
        /// The nodes that the machine boots with.
        nodes: At<Vec<RawNode>>,
        #[serde(default)]
        distances: Vec<RawDistance>,
        /// Windows of CXL memory: each is a node.
        #[serde(default)]
        cxl: Vec<RawWindow>,
        below_4g: Option<At<Size>>,
    }

    RawNode {
        id: At<Node>,
        memory: Option<At<Size>>,
        #[serde(default)]
        cpus: Vec<At<Number>>,
        from: Option<RawFrom>,
        soft_reserved: Option<At<Flag>>,
        cache: Option<RawCache>,
        tier: Option<At<Number>>,
    }

    RawFrom {
        /// The node with CPUs from which it is seen.
        node: At<Node>,
        /// How long an access takes.
        latency: At<Time>,
        /// How much a second brings.
        bandwidth: At<Rate>,
    }

    RawCache {
        /// Whole KiB, no more than the memory.
        size: At<Size>,
        /// A power of two from 16 to 4096 bytes. 64 if it is missing.
        line: Option<At<Number>>,
    }

    RawDistance {
        /// A node.
        from: At<Node>,
        /// Another node.
        to: At<Node>,
        /// 11 to 254.
        distance: At<Number>,
    }

    /// A window; with `size` it has one device of that size, with `devices` those.
    RawWindow {
        node: At<Node>,
        size: Option<At<Size>>,
        serial: Option<At<Number>>,
        devices: Option<At<Vec<RawDevice>>>,
        across: Option<At<Scalar>>,
        granularity: Option<At<Size>>,
        port: Option<RawFrom>,
        tier: Option<At<Number>>,
    }

    RawDevice {
        /// A multiple of 256M.
        size: At<Size>,
        /// Its serial number.
        serial: Option<At<Number>>,
    }

    /// A file of `machines/`.
    RawMachineFile {
        version: At<Number>,
        summary: At<Scalar>,
        machine: At<RawMachineRef>,
    }
}

impl RawWindow {
    /// The sizes of its devices.
    pub fn sizes(&self) -> impl Iterator<Item = &At<Size>> {
        let devices = self.devices.iter().flat_map(|devices| &devices.value);
        self.size.iter().chain(devices.map(|device| &device.size))
    }
}

/// A scenario's `machine:`, where it stands or by its name.
#[derive(Debug)]
pub(super) enum RawMachineRef {
    Here(Box<RawMachine>),
    Named(String),
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

impl Described for RawMachineRef {
    fn schema(all: &mut Definitions) -> Value {
        json!({"anyOf": [RawMachine::schema(all), {"type": ["string", "integer"]}]})
    }
}

impl<'de> Deserialize<'de> for RawMachineRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MachineVisitor)
    }
}
