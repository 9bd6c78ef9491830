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
    // Its keys are in the order in which `damonlab fmt` writes them.
    RawScenario {
        version: At<Number>,
        summary: At<Scalar>,
        /// Words that a patch adds.
        #[serde(default)]
        introduces: RawIntroduces,
        machine: At<RawMachineRef>,
        swap: Option<At<Size>>,
        /// What damonlab does before the first step: kernel parameters, writes of kernel files.
        #[serde(default)]
        boot: RawBoot,
        #[serde(default)]
        workloads: Vec<RawWorkload>,
        /// What the kernel must have, besides what the rest of the file asks of it.
        #[serde(default)]
        needs: Vec<At<Scalar>>,
        /// The guest sees the host's files.
        host_root: Option<At<Flag>>,
        /// Nodes that goals and targets may name although the machine does not have them.
        #[serde(default)]
        absent_nodes: Vec<At<Node>>,
        /// DAMON's configuration in damo's format.
        #[serde(default)]
        damon: RawConfig,
        /// What is traced.
        #[serde(default)]
        trace: RawTrace,
        /// What is sampled, and how often.
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
        /// An absolute path.
        path: At<Scalar>,
        /// Up to 1000 printable characters of ASCII.
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
        /// Limits the events to those after one and before the next of another.
        between: Option<At<Vec<At<Scalar>>>>,
        count: Option<At<Scalar>>,
        /// Selects events: the value of each of these fields.
        #[serde(rename = "where")]
        filter: Option<At<BTreeMap<String, At<Scalar>>>>,
        /// Of the events that match, those of the last windows.
        last: Option<At<RawLast>>,
        /// Limits the quantity to one `run` step.
        during: Option<At<RawDuring>>,
        resident: Option<At<Scalar>>,
        /// The node of `resident`.
        node: Option<At<Node>>,
        vmstat: Option<At<Scalar>>,
        /// The smallest and the largest value that pass.
        within: Option<At<Vec<At<Scalar>>>>,
        /// The smallest value that passes.
        at_least: Option<At<Scalar>>,
        /// The largest value that passes.
        at_most: Option<At<Scalar>>,
        /// The one value that passes.
        equals: Option<At<Scalar>>,
        /// `seeds`: the bounds are those of the mean over all seeds.
        over: Option<At<Scalar>>,
        /// The largest standard deviation between the seeds that passes.
        spread: Option<At<Scalar>>,
    }

    RawLast {
        /// How many charge windows.
        windows: At<Number>,
    }
}
