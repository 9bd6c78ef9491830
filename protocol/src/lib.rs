//! The types that the host and the guest of damonlab share.
//!
//! The host writes a [`plan::Plan`]; the guest carries it out and sends back the sections of [`record`] in the frames of
//! [`wire`], or a report alone as a [`report_line`]. The rest serves the two:
//!
//! - [`race`] is what several steps of a plan do at once;
//! - [`damon`] is DAMON's configuration, and the sysfs writes that bring it about;
//! - [`kernel_file`] bounds the other kernel files that a scenario may write;
//! - [`kernel_feature`] names what a scenario may need, [`missing_feature`] what a kernel does not have;
//! - [`machine_view`] compares the machine that the kernel shows with the one that is described;
//! - [`ranges`] and [`kernel_text`] read the kernel's text files;
//! - [`pattern`] decides which pages a workload touches when;
//! - [`watchdog_card`] is how a machine stops itself, [`swap_header`] formats memory as a swap area, [`host_files`] is what a
//!   guest finds that sees the host's files.
//!
//! All of it is pure, but for the readers and writers that a caller passes in.

pub mod damon;
pub mod host_files;
pub mod inventory;
pub mod kernel_feature;
pub mod kernel_file;
pub mod kernel_text;
pub mod machine_view;
pub mod missing_feature;
pub mod pattern;
pub mod plan;
pub mod race;
pub mod ranges;
pub mod record;
mod refusal;
pub mod report_line;
mod step;
pub mod swap_header;
pub mod units;
pub mod watchdog_card;
pub mod wire;
