//! Runs a scenario on a kernel and judges the recording: once, with several seeds, repeatedly, or again.

mod confirmed;
pub mod debug;
mod debug_error;
mod emulated_cxl;
mod ending;
mod failure;
mod guest_run;
mod host_memory;
mod host_root;
mod last_moment;
mod repeat;
pub mod replay;
mod run_env;
mod run_error;
mod scenario_source;
mod seeds;
mod shard;
mod stop_point;
mod stop_target;
pub mod suite;
mod sweep;
mod unsupported_kernel;

pub use confirmed::{confirmed, only_a_clock_ran_out, remove_recording};
pub use failure::Failure;
pub use guest_run::run;
pub use host_memory::check as check_host;
pub use repeat::repeat;
pub use run_env::RunEnv;
pub use run_error::{KernelRunError, RunError};
pub use scenario_source::ScenarioSource;
pub use seeds::{SeedRange, SeedRangeError};
pub use shard::{Shard, ShardError};
pub use sweep::sweep;
pub use unsupported_kernel::UnsupportedKernel;
