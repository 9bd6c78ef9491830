//! What a scenario sets before its workloads start.

use damonlab_protocol::kernel_file::FileWrite;

/// The kernel's command line and files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Boot {
    /// Parameters for the kernel's command line, after damonlab's own; a later one wins.
    pub parameters: Vec<String>,
    /// Files that are written once all memory is up and before a workload starts, in this order.
    pub writes: Vec<FileWrite>,
}
