//! Samples: the state of memory and of the schemes at one moment, written to a file in memory.

use super::workloads::Running;
use super::{Failure, clock, damon, files, topology};
use damonlab_protocol::damon::Kdamond;
use damonlab_protocol::kernel_text::vmstat;
use damonlab_protocol::plan::Plan;
use damonlab_protocol::record::Sample;
use std::fs::File;
use std::io::Write;

/// Takes one sample and appends it to `out`, a JSON line.
///
/// The statistics come first: bringing them up to date waits for the kdamond, and the rest should be of the
/// moment that the sample names.
pub fn take(plan: &Plan, kdamonds: &[Kdamond], workloads: &[Running], out: &mut File) -> Result<(), Failure> {
    damon::update_stats(kdamonds.len())?;
    let mut sample = Sample { time: clock::now(), schemes: damon::stats(kdamonds), ..Sample::default() };
    sample.cpu = damon::cpu_times(kdamonds.len());
    for node in topology::nodes_with_memory() {
        sample.nodes.insert(node, topology::meminfo(node)?);
    }
    sample.vmstat = vmstat(&files::read("/proc/vmstat")?, &plan.vmstat_prefixes());
    for workload in workloads {
        // A workload that ended has no pages; that it ended is said elsewhere.
        sample.workloads.insert(workload.name.clone(), workload.placement().unwrap_or_default());
    }
    let mut line = serde_json::to_vec(&sample)?;
    line.push(b'\n');
    out.write_all(&line).map_err(|error| format!("cannot keep a sample: {error}"))?;
    Ok(())
}
