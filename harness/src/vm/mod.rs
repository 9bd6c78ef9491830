//! One guest from start to end: virtme-ng in its own process group, the console, the results, and the clocks that limit
//! each phase.
//!
//! [`run`] boots a kernel on a machine, or starts it from a [`checkpoint`], lets the agent carry out a plan, and stores the
//! results in a folder. It judges nothing: [`Ending`] says how the guest ended, the files have the rest. A guest stops
//! itself at its ready point; the first of its kind is saved and ended there, and all runs, the first included, start from
//! what was saved.

mod accel;
mod capability;
pub mod checkpoint;
mod command;
mod console;
mod cxl_mapping;
mod debug;
mod error;
#[doc(hidden)]
pub mod fuzzing;
mod gdb;
mod guest;
mod guest_state;
mod host_time;
mod initramfs;
mod launch;
mod log_files;
mod machine_check;
mod missing_features;
mod monitor;
mod plan;
mod probe;
mod qemu_end;
mod qmp;
mod ram;
mod results;
mod run_folder;
mod sandbox;
mod save;
#[cfg(test)]
mod shell_injection;
mod start;
#[cfg(test)]
pub(crate) mod testkit;
mod timing;
mod watch;

pub use accel::{choose as choose_accelerator, kvm_note};
pub use capability::{Capabilities, MissingQemuFeature, capabilities, machines_note};
pub use cxl_mapping::emulated_windows;
pub use debug::{Stopped, stop_after};
pub use error::VmError;
pub use guest::run;
pub use initramfs::{AGENT, archive as initramfs_archive};
pub use launch::{Ended, Launch};
pub use log_files::{CONSOLE_LOG, GUEST_STATE, QEMU_ARGV, VNG_ARGV, VNG_LOG};
pub use machine_check::{MachineCheck, Refusal, try_machine};
pub use missing_features::{ProbedFeatures, probed_features};
pub use sandbox::Sandbox;
pub use timing::{Accelerator, Timing};
pub use watch::{Clock, Ending};
