//! For tests: a small DAMON that writes the trace of a correct kernel, and the means to tamper with a trace.

mod damon_model;
mod tamper;
mod testkit;

pub(crate) use tamper::{edit, found, of_event, replace, rewrite, spoiled, stored};
pub(crate) use testkit::Model;
