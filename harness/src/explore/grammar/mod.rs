//! The grammar of drawn scenarios: one file for each part of a scenario, and a table with all odds and values.

mod around;
mod edits;
mod filters;
mod focus;
mod machine;
mod monitor;
mod part;
mod quota;
mod race;
mod race_table;
mod refusals;
mod run;
mod scenario;
mod scheme;
mod steps;
mod table;
mod tiering;
mod witness;
mod workloads;
mod world;

pub use focus::Focus;
pub use part::{FocusError, Part};
pub use scenario::scenario;
