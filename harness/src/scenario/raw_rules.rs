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
        name: At<Scalar>,
        event: At<Scalar>,
        #[serde(default)]
        key: Vec<At<Scalar>>,
        when: Option<At<Scalar>>,
        during: Option<At<RawDuring>>,
        always: Option<At<Scalar>>,
        never: Option<At<Scalar>>,
        each_pair: Option<At<Scalar>>,
        each_window: Option<At<Scalar>>,
        window: Option<At<Scalar>>,
        monotonic: Option<At<Scalar>>,
        follows: Option<At<Scalar>>,
        within: Option<At<Time>>,
        unchanged_by: Option<At<Scalar>>,
        field: Option<At<Scalar>>,
    }

    RawDuring {
        run: At<Number>,
    }
}
