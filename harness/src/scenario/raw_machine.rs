//! The shape of `machine:`. Nothing is judged here.

use super::raw::At;
use super::units::{Flag, Node, Number, Rate, Size, Time, Word};

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
