//! The shape of rules in YAML, and of the run that a rule or an expectation is about.

use crate::grammar::{At, Number, Scalar, Time, shapes};

shapes! {
    /// A file of `--rules`.
    RawRules {
        version: At<Number>,
        summary: At<Scalar>,
        rules: At<Vec<At<RawRule>>>,
    }

    /// One rule. Which keys go together is judged later, with better messages than serde's.
    RawRule {
        /// Two words or more in lower case, joined by `-`.
        name: At<Scalar>,
        /// The tracepoint whose events it is about.
        event: At<Scalar>,
        /// Fields whose values tell the sequences of events apart.
        #[serde(default)]
        key: Vec<At<Scalar>>,
        /// An expression: events for which it is false do not count.
        when: Option<At<Scalar>>,
        /// Limits the rule to one `run` step.
        during: Option<At<RawDuring>>,
        /// An expression that must be true for each event.
        always: Option<At<Scalar>>,
        /// An expression that must be false for each event.
        never: Option<At<Scalar>>,
        /// An expression about an event (`after.FIELD`) and the one before it (`before.FIELD`).
        each_pair: Option<At<Scalar>>,
        /// An expression about the events of a window: `count`, `sum.FIELD`, `first.FIELD` and so on.
        each_window: Option<At<Scalar>>,
        /// Of `each_window`: a time, or an event that ends each window.
        window: Option<At<Scalar>>,
        /// A field that never becomes smaller.
        monotonic: Option<At<Scalar>>,
        /// An event after which each of these comes.
        follows: Option<At<Scalar>>,
        /// Of `follows`: how long after.
        within: Option<At<Time>>,
        /// A kind of step that must not change `field`.
        unchanged_by: Option<At<Scalar>>,
        /// Of `unchanged_by`: the field.
        field: Option<At<Scalar>>,
    }

    RawDuring {
        /// Which `run` step, counted from 1.
        run: At<Number>,
    }
}
