//! The command line: one file a verb, with its arguments and a few calls into the library.
//!
//! [`command`] lists the verbs, [`main()`] runs one. Exit status: 0 pass or skip (a skip is 1 with
//! `DAMONLAB_REQUIRE=vm`), 1 fail, 2 bad input, 3 the host or QEMU failed, 130 interrupted,
//! 141 whoever read the output is gone.

mod batch;
mod bisect;
mod check;
mod command;
mod compare;
mod complete;
mod completions;
mod coverage;
mod doctor;
mod error;
mod error_text;
mod exit_status;
mod expect_change;
mod explain;
mod explore;
mod explore_args;
mod explore_env;
mod export;
mod export_data;
mod fit;
mod fmt;
mod follow;
mod git_bisect;
mod help;
#[cfg(test)]
mod hostile_tests;
mod introduces_args;
mod kernel;
mod kernel_args;
mod list;
mod machine;
mod main;
mod merge;
mod mutants;
mod new;
mod output;
mod plots_args;
mod qemu;
mod replay;
mod report;
mod repro_command;
mod rule;
mod rules_args;
mod run;
mod scenarios;
mod schema;
mod series;
mod setup;
mod shard_file;
mod show;
mod shrink;
mod sinks;
mod usage;
mod values;

pub use command::command;
pub use main::main;
