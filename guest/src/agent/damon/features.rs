//! Whether the kernel's DAMON has a feature: found out by looking at, and writing into, a kdamond that is made for it.

use super::listings::has_event;
use crate::agent::failure::Failure;
use crate::agent::files;
use damonlab_protocol::damon::{DamonProbe, ROOT};
use nix::errno::Errno;
use std::path::Path;

/// Folders that are made for the probes, in this order; a kernel need not have them all.
const FOLDERS: &[&str] = &[
    "0/contexts/nr_contexts",
    "0/contexts/0/schemes/nr_schemes",
    "0/contexts/0/schemes/0/quotas/goals/nr_goals",
    "0/contexts/0/schemes/0/filters/nr_filters",
    "0/contexts/0/schemes/0/core_filters/nr_filters",
    "0/contexts/0/schemes/0/ops_filters/nr_filters",
    "0/contexts/0/schemes/0/dests/nr_dests",
    "0/contexts/0/monitoring_attrs/probes/nr_probes",
    "0/contexts/0/monitoring_attrs/probes/0/filters/nr_filters",
    "0/contexts/0/monitoring_attrs/probes/0/preps/nr_preps",
    "0/contexts/0/targets/nr_targets",
    "0/contexts/0/targets/0/regions/nr_regions",
];

/// How the names of files begin that make folders.
const COUNT: &str = "nr_";

/// A kdamond with one folder of each kind, for [`has`].
pub struct Scratch(());

impl Scratch {
    /// Makes it; none in a kernel without DAMON.
    pub fn make() -> Result<Option<Scratch>, Failure> {
        let root = Path::new(ROOT);
        if !root.exists() {
            return Ok(None);
        }
        files::write_patiently(root.join("nr_kdamonds"), "1")?;
        for count in FOLDERS.iter().map(|file| root.join(file)).filter(|file| file.exists()) {
            files::write_patiently(count, "1")?;
        }
        Ok(Some(Scratch(())))
    }

    /// Leaves DAMON's folder as it was found.
    pub fn remove(self) -> Result<(), Failure> {
        Ok(files::write_patiently(Path::new(ROOT).join("nr_kdamonds"), "0")?)
    }
}

/// Whether the kernel has the feature. There has to be a [`Scratch`].
pub fn has(probe: &DamonProbe<'_>) -> Result<bool, Failure> {
    let kdamond = Path::new(ROOT).join("0");
    match probe {
        DamonProbe::Event(name) => Ok(has_event(name)),
        DamonProbe::File(file) => Ok(is_there(&kdamond.join(file))),
        DamonProbe::Keyword { file, keyword } => match files::write_patiently(kdamond.join(file), keyword) {
            Ok(()) => Ok(true),
            Err(error) if matches!(error.errno, Errno::EINVAL | Errno::ENOENT) => Ok(false),
            Err(error) => Err(error.into()),
        },
    }
}

/// Whether a file is there. One that makes folders, and has made none, makes one for what is looked for after it.
fn is_there(file: &Path) -> bool {
    if !file.exists() {
        return false;
    }
    let makes_folders = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(COUNT));
    if makes_folders && files::read_patiently(file).is_ok_and(|count| count == "0") {
        // What the folder would have is then missing, and reported.
        let _ = files::write_patiently(file, "1");
    }
    true
}
