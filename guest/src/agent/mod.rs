//! The agent: PID 1 of the guest, and the processes that it starts.
//!
//! [`run`](fn@run) goes from the mounts to the power-off. Everything about DAMON is in [`damon`].

mod clock;
mod console;
mod cxl;
mod damon;
mod dax;
mod failure;
mod files;
mod fw_cfg;
mod gcov;
mod host_root;
mod hotplug;
mod huge_pages;
mod kmemleak;
mod machine;
mod memcg;
mod memory;
mod mounts;
mod needs;
mod randomness;
mod ready_point;
mod results;
mod run;
mod sample;
mod sections;
mod settings;
mod soft_reserved;
mod speed;
mod steps;
mod swap;
mod together;
mod topology;
mod tracing;
mod urgent;
mod vmstat;
pub mod workload;
mod workloads;

pub use run::run;
