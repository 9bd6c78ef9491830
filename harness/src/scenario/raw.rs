//! The shape of a scenario's YAML: which keys there are and what kind of value each takes.
//!
//! Nothing is judged here; [`super::resolve`] does that, with the place of every value at hand.

use super::raw_damon::RawKdamond;
use super::raw_machine::RawMachineRef;
use super::raw_steps::RawStep;
use super::units::{Flag, Node, Number, Share, Size, Time, Word};
use serde_saphyr::Spanned;
use std::collections::BTreeMap;

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
    pub boot: RawBoot,
    /// What the kernel must have, besides what the rest of the file asks of it.
    #[serde(default)]
    pub needs: Vec<At<Word>>,
    /// The guest sees the host's files.
    pub host_root: Option<At<Flag>>,
    /// Nodes that goals and targets may name although the machine does not have them.
    #[serde(default)]
    pub absent_nodes: Vec<At<Node>>,
    #[serde(default)]
    pub damon: RawDamon,
    #[serde(default)]
    pub trace: RawTrace,
    #[serde(default)]
    pub sample: RawSample,
    pub steps: At<Vec<At<RawStep>>>,
    #[serde(default)]
    pub expect: Vec<At<RawExpectation>>,
    /// KUnit suites that must have run.
    #[serde(default)]
    pub kunit: Vec<At<Word>>,
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
    pub huge_pages: Option<At<Flag>>,
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
    pub vmstat: Option<At<Vec<At<Word>>>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBoot {
    #[serde(default)]
    pub parameters: Vec<At<Word>>,
    #[serde(default)]
    pub writes: Vec<At<RawBootWrite>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBootWrite {
    pub path: At<Word>,
    pub value: At<Word>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawClocks {
    pub boot: Option<At<Time>>,
    pub scenario: Option<At<Time>>,
    pub shutdown: Option<At<Time>>,
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
    pub during: Option<At<RawDuring>>,
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

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDuring {
    pub run: At<Number>,
}
