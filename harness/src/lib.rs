//! damonlab: deterministic simulation testing for DAMON, the Linux kernel's data access monitor.
//!
//! A [`scenario`] describes a machine, workloads and a DAMON configuration. [`kernel`] builds the
//! kernel, [`vm`] boots it under QEMU through virtme-ng, the guest of `damonlab-guest` runs the
//! scenario, and what comes back is a [`recording`]. Everything that reads one ([`check`], [`subject`],
//! [`judge`], [`snapshot`]) needs no machine. Modules import only from those above them in this list; so
//! what judges cannot import what boots.

#![warn(clippy::print_stderr)]

pub mod host;

pub mod bundled;
pub mod figure;

pub mod trace;

pub mod ktap;

pub mod docs;

mod grammar;

pub mod expression;

pub mod scenario;

pub mod machine;

pub mod recording;

pub mod check;

pub mod subject;

pub mod judge;

pub mod setup;

pub mod series;

pub mod kernel;

pub mod vm;

pub mod snapshot;

pub mod run;

pub mod line_coverage;

pub mod explore;

pub mod authoring;

pub mod mutants;

pub mod compare;

pub mod bisect;

pub mod export;

pub mod report;

pub mod shards;

pub mod cli;

#[doc(hidden)]
pub mod fuzzing;
