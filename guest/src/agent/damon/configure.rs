//! DAMON's configuration on its way into sysfs.

use crate::agent::failure::Failure;
use crate::agent::files;
use damonlab_protocol::damon::{Kdamond, MODULE, ROOT, Resolve, Write, online_writes, writes};
use damonlab_protocol::kernel_file::FileWrite;
use damonlab_protocol::missing_feature::MissingFeature;
use damonlab_protocol::ranges::AddrRange;
use damonlab_protocol::record::Refusal;
use damonlab_protocol::units::NodeId;
use nix::errno::Errno;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Why DAMON does not run.
pub enum ConfigureError {
    /// The kernel does not have what the configuration needs.
    Missing(MissingFeature),
    /// The kernel refused a write.
    Refused(Refusal),
    /// Something else is wrong.
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for ConfigureError {
    fn from(error: E) -> Self {
        ConfigureError::Failed(error.into())
    }
}

/// What the names in a configuration stand for in this guest.
pub struct Names<'a> {
    pub ranges: &'a BTreeMap<NodeId, Vec<AddrRange>>,
    pub pids: &'a BTreeMap<String, i32>,
}

impl Resolve for Names<'_> {
    fn node_ranges(&self, node: NodeId) -> Vec<AddrRange> {
        self.ranges.get(&node).cloned().unwrap_or_default()
    }

    fn workload_pid(&self, name: &str) -> Option<i32> {
        self.pids.get(name).copied()
    }
}

/// Writes the whole configuration.
pub fn configure(kdamonds: &[Kdamond], names: &Names) -> Result<(), ConfigureError> {
    if !Path::new(ROOT).exists() {
        return Err(ConfigureError::Missing(MissingFeature::Damon));
    }
    for write in writes(kdamonds, names)? {
        put(&write)?;
    }
    Ok(())
}

/// Writes the whole configuration of kdamonds that run.
pub fn reconfigure(kdamonds: &[Kdamond], names: &Names) -> Result<(), ConfigureError> {
    online_writes(kdamonds, names)?.iter().try_for_each(put)
}

const MODULES: &str = "/sys/module";

/// A file below [`ROOT`], or `module/NAME/PARAMETER` for one of DAMON's modules.
pub fn raw_path(file: &str) -> PathBuf {
    match file.strip_prefix(MODULE).and_then(|rest| rest.split_once('/')) {
        Some((module, parameter)) => Path::new(MODULES).join(module).join("parameters").join(parameter),
        None => Path::new(ROOT).join(file),
    }
}

/// Puts a value into one file. A file that is not there refuses it too.
pub fn put_raw(file: &str, value: &str) -> Result<(), ConfigureError> {
    files::write_patiently(raw_path(file), value).map_err(|error| {
        let errno = files::errno_name(error.errno);
        ConfigureError::Refused(Refusal { errno, file: file.to_owned(), value: value.to_owned() })
    })
}

/// One write of a configuration.
pub fn put(write: &Write) -> Result<(), ConfigureError> {
    let path = Path::new(ROOT).join(&write.path);
    match files::write_patiently(&path, &write.value) {
        Ok(()) => Ok(()),
        Err(error) if error.errno == Errno::ENOENT && !path.exists() => {
            if write.is_default {
                return Ok(());
            }
            Err(ConfigureError::Missing(MissingFeature::File {
                file: write.path.clone(),
                value: write.value.clone(),
            }))
        }
        Err(error) if error.errno == Errno::EINVAL && write.is_keyword => {
            Err(ConfigureError::Missing(MissingFeature::Keyword {
                file: write.path.clone(),
                value: write.value.clone(),
            }))
        }
        Err(error) => Err(refused(error.errno, &write.path, &write.value)),
    }
}

/// What the files that the scenario names itself have now.
pub fn read_back(kdamonds: &[Kdamond]) -> Vec<FileWrite> {
    let named = kdamonds
        .iter()
        .enumerate()
        .flat_map(|(index, kdamond)| kdamond.sysfs.iter().map(move |file| format!("{index}/{}", file.path)));
    let mut paths: Vec<String> = Vec::new();
    for path in named {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    paths.into_iter().filter_map(|path| files::read_back(&raw_path(&path), &path)).collect()
}

/// What a file of DAMON's has now, if it can be read.
pub fn read_back_raw(file: &str) -> Option<FileWrite> {
    files::read_back(&raw_path(file), file)
}

/// What a refused write means: a keyword that the kernel does not know is a missing feature.
pub fn refused(errno: Errno, file: &str, value: &str) -> ConfigureError {
    let refusal = Refusal { errno: files::errno_name(errno), file: file.to_owned(), value: value.to_owned() };
    MissingFeature::behind(&refusal).map_or(ConfigureError::Refused(refusal), ConfigureError::Missing)
}
