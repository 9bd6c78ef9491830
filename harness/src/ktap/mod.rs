//! KTAP, version 1, as KUnit prints it into the kernel log and kselftest onto its standard output: from text to a tree of
//! tests. Pure, and bounded: the text comes from a guest.
//!
//! Text before the first version line is not KTAP, and other lines may stand between. A test without a result, a plan
//! that does not match and a gap in the numbers are always reported: they are the traces of a test run that was cut
//! short.

mod line;
mod results;
mod tree;

#[cfg(test)]
mod tests;

pub use line::message;
pub use results::{Diagnostic, Ktap, Problem, ProblemKind, Test, TestResult};
