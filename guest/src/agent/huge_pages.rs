//! Huge pages for the workloads that ask for them. The kernel switches them off for all of a machine that boots with less
//! than 512 MiB (`hugepage_init`), also where more memory comes online later.

use super::failure::Failure;
use super::files;
use damonlab_protocol::plan::Workload;

const FOLDER: &str = "/sys/kernel/mm/transparent_hugepage";

/// As `enabled` reads where the kernel gives none to anybody.
const OFF: &str = "[never]";

/// Has the kernel give huge pages to those who ask for them, if a workload does.
pub fn allow(workloads: &[Workload]) -> Result<(), Failure> {
    if !workloads.iter().any(|workload| workload.huge_pages) {
        return Ok(());
    }
    for name in ["enabled", "defrag"] {
        let file = format!("{FOLDER}/{name}");
        if files::read(&file)?.contains(OFF) {
            files::write(&file, "madvise")?;
        }
    }
    Ok(())
}
