//! DAMON as a subject.

pub mod config;
