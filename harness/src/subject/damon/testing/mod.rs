//! For tests: a model of DAMON that makes recordings, and functions that tamper with them.

mod damon_model;
mod tamper;
mod testkit;

pub(crate) use tamper::{edit, found, of_event, replace, rewrite, stored, tampered, with_accesses};
pub(crate) use testkit::Model;
