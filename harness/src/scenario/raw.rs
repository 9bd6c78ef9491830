//! The shape of a scenario's YAML: which keys there are and what kind of value each takes.
//!
//! Nothing is judged here; [`super::resolve`] does that, with the place of every value at hand.

use super::raw_machine::RawMachineRef;
use super::raw_rules::{RawDuring, RawRule};
use super::raw_steps::RawStep;
use super::subject::{RawConfig, RawIntroduces};
use crate::grammar::{At, Flag, Node, Number, Scalar, Share, Size, Time, shapes};
use std::collections::BTreeMap;

shapes! {
    RawScenario {
        version: At<Number>,
        summary: At<Scalar>,
        machine: At<RawMachineRef>,
        /// Words that a patch adds.
        #[serde(default)]
        introduces: RawIntroduces,
        #[serde(default)]
        boot: RawBoot,
        #[serde(default)]
        workloads: Vec<RawWorkload>,
        swap: Option<At<Size>>,
        /// What the kernel must have, besides what the rest of the file asks of it.
        #[serde(default)]
        needs: Vec<At<Scalar>>,
        /// The guest sees the host's files.
        host_root: Option<At<Flag>>,
        /// Nodes that goals and targets may name although the machine does not have them.
        #[serde(default)]
        absent_nodes: Vec<At<Node>>,
        #[serde(default)]
        damon: RawConfig,
        #[serde(default)]
        trace: RawTrace,
        #[serde(default)]
        sample: RawSample,
        steps: At<Vec<At<RawStep>>>,
        #[serde(default)]
        expect: Vec<At<RawExpectation>>,
        /// What must hold for events, in every run.
        #[serde(default)]
        rules: Vec<At<RawRule>>,
        /// KUnit suites that must have run.
        #[serde(default)]
        kunit: Vec<At<Scalar>>,
        #[serde(default)]
        snapshot: Vec<At<Scalar>>,
        clock: Option<At<Scalar>>,
        #[serde(default)]
        clocks: RawClocks,
    }

    /// The file of `--introduces`.
    RawIntroducesFile {
        version: At<Number>,
        introduces: Option<RawIntroduces>,
        /// Rules that the series means to change, each with its reason.
        expect_changes: Option<BTreeMap<String, At<Scalar>>>,
    }

    #[derive(Default)]
    #[serde(default)]
    RawBoot {
        parameters: Vec<At<Scalar>>,
        writes: Vec<RawFileWrite>,
    }

    RawFileWrite {
        path: At<Scalar>,
        value: At<Scalar>,
    }

    RawWorkload {
        name: At<Scalar>,
        size: At<Size>,
        node: At<Node>,
        touch: Option<RawTouch>,
        memcg: Option<At<Scalar>>,
        huge_pages: Option<At<Flag>>,
    }

    RawTouch {
        every: At<Time>,
        hot: Option<At<Share>>,
        access: Option<At<Scalar>>,
    }

    #[derive(Default)]
    RawTrace {
        events: Option<At<Vec<At<Scalar>>>>,
        buffer: Option<At<Size>>,
    }

    #[derive(Default)]
    RawSample {
        every: Option<At<Time>>,
        vmstat: Option<At<Vec<At<Scalar>>>>,
    }

    #[derive(Default)]
    RawClocks {
        boot: Option<At<Time>>,
        scenario: Option<At<Time>>,
        shutdown: Option<At<Time>>,
    }

    /// One line of `expect`. Which keys go together is judged later, with better messages than serde's.
    RawExpectation {
        mean: Option<At<Scalar>>,
        of: Option<At<Scalar>>,
        min: Option<At<Scalar>>,
        max: Option<At<Scalar>>,
        #[serde(rename = "final")]
        final_value: Option<At<Scalar>>,
        p1: Option<At<Scalar>>,
        p5: Option<At<Scalar>>,
        p10: Option<At<Scalar>>,
        p25: Option<At<Scalar>>,
        p50: Option<At<Scalar>>,
        p75: Option<At<Scalar>>,
        p90: Option<At<Scalar>>,
        p95: Option<At<Scalar>>,
        p99: Option<At<Scalar>>,
        ordered: Option<At<Vec<At<Scalar>>>>,
        between: Option<At<Vec<At<Scalar>>>>,
        count: Option<At<Scalar>>,
        #[serde(rename = "where")]
        filter: Option<At<BTreeMap<String, At<Scalar>>>>,
        last: Option<At<RawLast>>,
        during: Option<At<RawDuring>>,
        resident: Option<At<Scalar>>,
        node: Option<At<Node>>,
        vmstat: Option<At<Scalar>>,
        within: Option<At<Vec<At<Scalar>>>>,
        at_least: Option<At<Scalar>>,
        at_most: Option<At<Scalar>>,
        equals: Option<At<Scalar>>,
        over: Option<At<Scalar>>,
        spread: Option<At<Scalar>>,
    }

    RawLast {
        windows: At<Number>,
    }
}
