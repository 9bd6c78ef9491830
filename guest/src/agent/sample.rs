//! Samples: the state of memory and of DAMON at one moment, written to a file in memory.

use super::damon::Damon;
use super::failure::Failure;
use super::workloads::Running;
use super::{files, topology};
use damonlab_protocol::kernel_text::vmstat;
use damonlab_protocol::plan::Plan;
use std::fs::File;
use std::io::Write;

/// Takes one sample and appends it to `out`, a JSON line.
pub fn take(plan: &Plan, damon: &Damon, workloads: &[Running], out: &mut File) -> Result<(), Failure> {
    let mut sample = damon.sample()?;
    for node in topology::nodes_with_memory() {
        sample.nodes.insert(node, topology::meminfo(node)?);
    }
    sample.vmstat = vmstat(&files::read("/proc/vmstat")?, &plan.vmstat_prefixes());
    for workload in workloads {
        // A workload that ended has no pages; that it ended is reported elsewhere.
        sample.workloads.insert(workload.name.clone(), workload.placement().unwrap_or_default());
    }
    let mut line = serde_json::to_vec(&sample)?;
    line.push(b'\n');
    out.write_all(&line).map_err(|error| format!("cannot keep a sample: {error}"))?;
    Ok(())
}
