//! What the host and the guest of damonlab both have to agree on.
//!
//! The host writes a [`plan::Plan`]; the guest carries it out and sends back the sections of
//! [`record`] in the frames of [`wire`]. [`damon`] is the configuration of DAMON itself, and the
//! sysfs writes that bring it about. [`ranges`] and [`kernel_text`] read what the kernel shows of
//! itself, [`machine_view`] compares the machine it shows with the one described, [`pattern`] decides what a workload touches when, [`missing_feature`] names what a kernel does not have and [`kernel_feature`] what a scenario may ask of it,
//! [`report_line`] carries the report over the console,
//! [`watchdog_card`] is how a machine stops itself, [`swap_header`] makes memory a place to swap to. Everything here is pure but for the readers
//! and writers that a caller hands in; the agent that does the work is the binary beside this library.

pub mod damon;
pub mod host_files;
pub mod kernel_feature;
pub mod kernel_file;
pub mod kernel_text;
pub mod machine_view;
pub mod missing_feature;
pub mod pattern;
pub mod plan;
pub mod ranges;
pub mod record;
mod refusal;
pub mod report_line;
pub mod swap_header;
pub mod units;
pub mod watchdog_card;
pub mod wire;
