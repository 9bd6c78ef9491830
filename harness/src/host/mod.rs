//! The edge to the host: processes that die with us, locks, folders, memory, what the user's keyboard says.
//!
//! Nothing else in the crate starts a process or holds a lock by other means, so what damonlab can
//! leave behind is decided in this folder alone.

pub mod command;
pub mod disk_usage;
pub mod fault;
pub mod git;
pub mod interrupt;
pub mod lock;
pub mod logged;
pub mod memory;
pub mod paths;
pub mod process;
pub mod progress;
pub mod slots;
pub mod text;
