//! From the YAML's shape to a [`Scenario`](super::Scenario): names looked up, units turned into the kernel's, and
//! everything refused that could not work or would not mean what it seems to.
//!
//! A check belongs here if its answer needs only the file. What needs a kernel or a machine is
//! checked where that is at hand.

mod assemble;
mod boot;
mod bound;
mod choices;
mod event;
mod expect;
mod header;
mod host;
mod introduces;
mod keywords;
mod kunit;
mod machine;
mod memory;
mod names;
mod needs;
mod quantity;
mod rules;
mod sample;
mod setting;
mod steps;
mod together;
mod trace;
mod workload;

pub(super) use assemble::{Resolved, kdamonds, scenario};
pub(super) use header::{can_name, check_header, check_machine_name, check_rules, machine_file};
pub(super) use introduces::{file as introduces_file, of_scenario as introduced};
pub(super) use keywords::{keywords, limits};
pub(super) use machine::resolve as machine;
#[cfg(test)]
pub(crate) use machine::{machine_of, try_machine_of};
pub(super) use rules::{Around, rules};
