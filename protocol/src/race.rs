//! Steps that are carried out at once: their least priority, and how each of them went.
//!
//! The guest has one processor and its time is its own instructions, so when a task begins and which priority it has
//! decide where it interrupts the others, to the instruction.

use crate::units::Nanos;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The least priority of a task. The agent itself has 1 meanwhile, and ordinary processes have none.
pub const LEAST_PRIORITY: u8 = 2;

/// How one task went.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskRecord {
    /// CLOCK_MONOTONIC when it began.
    pub begin: Nanos,
    /// CLOCK_MONOTONIC when it had ended.
    pub end: Nanos,
    /// How often the kernel took all of it.
    pub done: u32,
    /// How often the kernel refused a part of it, by the errno's name. Each of them is legitimate.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<String, u32>,
}
