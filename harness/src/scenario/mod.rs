//! A scenario: one YAML file that says which machine, which workloads, which DAMON configuration,
//! what happens, and what must come out.
//!
//! [`Scenario`] is what is left once the file has been read and found sound. Every error names its line.

mod added_rules;
mod boot;
mod clocks;
mod definition;
mod draw;
mod error;
mod expect;
mod files;
mod guest_clock;
mod introduces_file;
mod layout;
mod machine;
mod machine_file;
mod place;
mod race;
mod raw;
mod raw_machine;
mod raw_rules;
mod raw_steps;
mod read;
mod resolve;
mod rule;
mod rule_change;
mod rule_file;
pub(crate) mod rule_names;
mod schema;
mod subject;
#[cfg(test)]
mod tests;
pub mod tier;

pub use crate::grammar::Wrong;
pub use boot::Boot;
pub use clocks::Clocks;
pub use definition::{Scenario, SnapshotKind};
pub(crate) use draw::Draw;
pub use error::ScenarioError;
pub use expect::{Bound, Expectation, Over, Quantity, Statistic, Where};
pub use files::paths;
pub(crate) use files::read_part;
pub use guest_clock::{GuestClock, InstructionCost, NoClock};
pub use introduces_file::IntroducesFile;
pub use layout::{below_4g, ranges};
pub use machine::{Across, CxlDevice, CxlWindow, From, MachineSpec, MemorySideCache, NodeSpec};
pub use machine_file::{MachineFile, Machines, NamedMachine, machine_folders, machines, shipped_machines};
pub use place::Places;
pub use read::{all, kdamonds, top_keys};
#[cfg(test)]
pub(crate) use resolve::{machine_of, try_machine_of};
pub use rule::{Form, ScenarioRule, Window};
pub use rule_change::RuleChange;
pub(crate) use rule_change::check_reason;
pub use rule_file::{MOST_RULE_FILES, RuleFile, load_rules};
pub use schema::schema;
pub(crate) use subject::known_since;
pub use subject::{all_needs, export, source_words, unknown_shown, unknown_words};
