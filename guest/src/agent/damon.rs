//! DAMON under way: configured, turned on, asked for statistics, turned off.

use super::{Failure, clock, files, urgent};
use damonlab_protocol::damon::{Kdamond, MODULE, ROOT, Resolve, Write, online_writes, writes};
use damonlab_protocol::kernel_text::number;
use damonlab_protocol::missing_feature::MissingFeature;
use damonlab_protocol::ranges::AddrRange;
use damonlab_protocol::record::{Refusal, SchemeStats};
use damonlab_protocol::units::{Nanos, NodeId};
use nix::errno::Errno;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const STOP_STEP: Nanos = Nanos(10_000_000);
const STOP_LIMIT: Nanos = Nanos(60_000_000_000);

/// Why DAMON does not run.
pub enum ConfigureError {
    /// The kernel does not have what the configuration needs.
    Lacks(MissingFeature),
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

fn kdamond(index: usize) -> PathBuf {
    Path::new(ROOT).join(index.to_string())
}

/// Writes the whole configuration.
pub fn configure(kdamonds: &[Kdamond], names: &Names) -> Result<(), ConfigureError> {
    if !Path::new(ROOT).exists() {
        return Err(ConfigureError::Lacks(MissingFeature::Damon));
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

/// Has a kdamond carry out a command that changes what it runs with, and says when it had answered.
pub fn command(index: usize, command: &str) -> Result<Nanos, ConfigureError> {
    let state = kdamond(index).join("state");
    let (result, answered) = urgent::first(|| (files::write_patiently(&state, command), clock::now()));
    match result {
        Ok(()) => Ok(answered),
        Err(error) => Err(refused(error.errno, &format!("{index}/state"), command)),
    }
}

const MODULES: &str = "/sys/module";

/// A file below [`ROOT`], or `module/NAME/PARAMETER` for one of DAMON's modules.
fn raw_path(file: &str) -> PathBuf {
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
            Err(ConfigureError::Lacks(MissingFeature::File {
                file: write.path.clone(),
                value: write.value.clone(),
            }))
        }
        Err(error) => Err(refused(error.errno, &write.path, &write.value)),
    }
}

fn refused(errno: Errno, file: &str, value: &str) -> ConfigureError {
    let refusal = Refusal { errno: files::errno_name(errno), file: file.to_owned(), value: value.to_owned() };
    MissingFeature::behind(&refusal).map_or(ConfigureError::Refused(refusal), ConfigureError::Lacks)
}

/// Turns every kdamond on, in order, and gives their pids back. The caller turns those off that run when a
/// later one is refused.
pub fn turn_on(count: usize) -> Result<Vec<i32>, ConfigureError> {
    for index in 0..count {
        let state = kdamond(index).join("state");
        if let Err(error) = files::write_patiently(&state, "on") {
            return Err(refused(error.errno, &format!("{index}/state"), "on"));
        }
    }
    (0..count).map(|index| Ok(pid(index)?)).collect()
}

fn pid(index: usize) -> Result<i32, Failure> {
    let path = kdamond(index).join("pid");
    let text = files::read_patiently(&path)?;
    text.parse().map_err(|_| format!("{} says '{text}'", path.display()).into())
}

/// How long each kdamond that runs has had the CPU.
pub fn cpu_times(count: usize) -> BTreeMap<usize, Nanos> {
    (0..count).filter_map(|index| Some((index, clock::of_process(pid(index).ok()?)?))).collect()
}

/// Whether a kdamond runs. One whose state cannot be read does not.
fn runs(index: usize) -> bool {
    files::read_patiently(kdamond(index).join("state")).is_ok_and(|state| state == "on")
}

/// Whether any kdamond runs.
pub fn any_runs(count: usize) -> bool {
    (0..count).any(runs)
}

/// How many kdamonds there are, whoever made them.
pub fn count() -> usize {
    files::names(ROOT).iter().filter(|name| name.parse::<usize>().is_ok()).count()
}

/// Turns every kdamond off that runs, and waits until each is gone.
pub fn turn_off(count: usize) -> Result<(), Failure> {
    for index in (0..count).filter(|index| runs(*index)) {
        files::write_patiently(kdamond(index).join("state"), "off")?;
    }
    for index in 0..count {
        let gone = || (!runs(index) && pid(index).is_ok_and(|pid| pid == -1)).then_some(());
        clock::poll(STOP_STEP, STOP_LIMIT, gone).ok_or_else(|| {
            format!("kdamond {index} is still there {} s after off", STOP_LIMIT.0 / 1_000_000_000)
        })?;
    }
    Ok(())
}

/// Has the kernel bring the statistics in sysfs up to date. Waits for each kdamond's next sampling.
/// A kdamond that does not run keeps what it had.
pub fn update_stats(count: usize) -> Result<(), Failure> {
    for index in (0..count).filter(|index| runs(*index)) {
        for command in ["update_schemes_stats", "update_schemes_effective_quotas"] {
            match files::write_patiently(kdamond(index).join("state"), command) {
                // It may have ended in between: the process that it watched is gone.
                Err(_) if !runs(index) => break,
                result => result?,
            }
        }
    }
    Ok(())
}

/// The statistics of every scheme as sysfs has them now.
pub fn stats(kdamonds: &[Kdamond]) -> Vec<Vec<SchemeStats>> {
    let schemes = |index: usize| kdamond(index).join("contexts/0/schemes");
    kdamonds
        .iter()
        .enumerate()
        .map(|(index, one)| {
            (0..one.context.schemes.len())
                .map(|scheme| scheme_stats(&schemes(index).join(scheme.to_string())))
                .collect()
        })
        .collect()
}

/// A counter that the kernel does not have is 0.
fn scheme_stats(scheme: &Path) -> SchemeStats {
    let value = |file: &str| files::read(scheme.join(file)).ok().and_then(|text| number(&text)).unwrap_or(0);
    SchemeStats {
        nr_tried: value("stats/nr_tried"),
        sz_tried: value("stats/sz_tried"),
        nr_applied: value("stats/nr_applied"),
        sz_applied: value("stats/sz_applied"),
        sz_ops_filter_passed: value("stats/sz_ops_filter_passed"),
        qt_exceeds: value("stats/qt_exceeds"),
        nr_snapshots: value("stats/nr_snapshots"),
        effective_bytes: value("quotas/effective_bytes"),
    }
}
