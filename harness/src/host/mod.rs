//! The boundary to the host: child processes, locks, folders, memory and signals.
//!
//! No other module starts a process or takes a lock by other means (clippy.toml forbids it), so this folder alone
//! decides what damonlab can leave behind.

pub mod budget;
pub mod command;
pub(crate) mod deep_stack;
pub mod disk_usage;
pub mod fault;
pub mod file_state;
pub mod full_disk;
pub mod git;
#[cfg(test)]
pub(crate) mod hostile;
pub mod interrupt;
mod limits;
pub mod lock;
pub mod logged;
pub mod memory;
mod moving_lines;
pub mod names;
pub mod pager;
pub mod paths;
mod pipes;
pub mod probe_cache;
pub mod process;
pub mod processor_time;
pub mod program_version;
pub mod progress;
pub mod regular_file;
mod run_error;
pub mod slots;
mod supervised;
pub mod terminal;
pub mod text;
pub mod variables;
mod waiting;
mod watchdog;
