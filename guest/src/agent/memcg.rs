//! Memory cgroups: made by the agent, entered by a workload before it has memory.

use super::failure::Failure;
use super::files;
use std::fs;
use std::path::PathBuf;

const ROOT: &str = "/sys/fs/cgroup";

fn folder(path: &str) -> PathBuf {
    PathBuf::from(format!("{ROOT}{path}"))
}

/// Makes the cgroup `/NAME` with a memory controller, if it is not there.
pub fn make(path: &str) -> Result<(), Failure> {
    files::write(format!("{ROOT}/cgroup.subtree_control"), "+memory")?;
    fs::create_dir_all(folder(path))
        .map_err(|error| format!("cannot make the memory cgroup {path}: {error}"))?;
    Ok(())
}

/// Moves this process there.
pub fn enter(path: &str) -> Result<(), files::FileError> {
    files::write(folder(path).join("cgroup.procs"), "0")
}
