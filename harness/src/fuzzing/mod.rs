//! The entry points of the fuzz targets: for each kind of input that others write, one function from bytes to nothing,
//! which panics if something holds no more. `fuzz/` runs them under libFuzzer, `tests/fuzz.rs` on the corpus.

mod counts;
mod inputs;
mod recordings;
mod rules;
mod targets;

pub use targets::{TARGETS, Target};
