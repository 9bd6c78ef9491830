//! PID 1 of a damonlab guest, and the workloads that it starts.

#![expect(clippy::disallowed_methods, reason = "PID 1 outlives what it starts")]

mod agent;

use std::env;
use std::process::{self, ExitCode};

fn main() -> ExitCode {
    if process::id() == 1 {
        agent::run();
    }
    let arguments: Vec<String> = env::args().collect();
    match arguments.as_slice() {
        [_, role, order] if role == agent::workload::WORKLOAD => {
            process::exit(agent::workload::main(order));
        }
        _ => {
            eprintln!("damonlab-guest is the /init of a damonlab guest and does nothing elsewhere");
            ExitCode::from(2)
        }
    }
}
