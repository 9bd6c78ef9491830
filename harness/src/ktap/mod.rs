//! KTAP, version 1, as KUnit prints it into the kernel log and kselftest onto its standard output: from text to a
//! tree of tests. Pure, and bounded: the text comes from a guest.
//!
//! What stands before the first version line is not KTAP, and lines of others may stand between. A test that
//! began and has no result, a plan that is not kept and numbers that jump are told, never passed over: they are what
//! is left of a test run that was cut short.

mod line;
mod results;
mod tree;

#[cfg(test)]
mod tests;

pub use line::message;
pub use results::{Ktap, Problem, Said, Test, TestResult, Wrong};
