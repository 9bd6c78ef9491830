//! The private tracing instance: made, filled by the plan's events, accounted for, read.
//!
//! It keeps the oldest events and counts what it drops, since a trace with a hole at its end can be told
//! from a whole one, and one without its beginning cannot.

use super::{Failure, files};
use damonlab_guest::kernel_text::trace_stats;
use damonlab_guest::plan::Trace;
use damonlab_guest::record::TraceStats;
use std::fs;
use std::path::{Path, PathBuf};

const INSTANCE: &str = "/sys/kernel/tracing/instances/damonlab";

/// `file` -> `value`, all relative to the instance. `mono` is the clock of the samples too.
const SETTINGS: &[(&str, &str)] = &[
    ("tracing_on", "0"),
    ("current_tracer", "nop"),
    ("trace_clock", "mono"),
    ("options/overwrite", "0"),
    // Only the top instance has this one, and every other follows it.
    ("../../options/record-cmd", "1"),
    ("options/irq-info", "1"),
];

/// The instance, switched off until [`Instance::record`].
pub struct Instance {
    folder: PathBuf,
}

impl Instance {
    /// Makes the instance and enables the plan's events. Gives back those that the kernel does not have.
    pub fn new(plan: &Trace) -> Result<(Self, Vec<String>), Failure> {
        let folder = PathBuf::from(INSTANCE);
        fs::create_dir(&folder).map_err(|error| files::FileError::new("make", &folder, &error))?;
        for (file, value) in SETTINGS {
            files::write(folder.join(file), value)?;
        }
        let kilobytes = plan.buffer.0.div_ceil(1024).max(1);
        files::write(folder.join("buffer_size_kb"), &kilobytes.to_string())?;
        let instance = Instance { folder };
        let mut missing = Vec::new();
        for event in &plan.events {
            if !instance.enable(event)? {
                missing.push(event.clone());
            }
        }
        Ok((instance, missing))
    }

    /// `system:event` or `system:*`; false where the kernel does not have it.
    fn enable(&self, event: &str) -> Result<bool, Failure> {
        let (system, name) = event.split_once(':').ok_or_else(|| format!("'{event}' is no system:event"))?;
        if [system, name].iter().any(|part| part.is_empty() || part.contains(['/', '.'])) {
            return Err(format!("'{event}' is no system:event").into());
        }
        let mut folder = self.folder.join("events").join(system);
        if name != "*" {
            folder.push(name);
        }
        let enable = folder.join("enable");
        if !enable.exists() {
            return Ok(false);
        }
        files::write(enable, "1")?;
        Ok(true)
    }

    /// Starts to record.
    pub fn record(&self) -> Result<(), Failure> {
        Ok(files::write(self.folder.join("tracing_on"), "1")?)
    }

    /// Stops recording.
    pub fn stop(&self) -> Result<(), Failure> {
        Ok(files::write(self.folder.join("tracing_on"), "0")?)
    }

    /// What each CPU's buffer holds and lost.
    pub fn stats(&self) -> Result<Vec<TraceStats>, Failure> {
        let folder = self.folder.join("per_cpu");
        files::numbered(&folder, "cpu")
            .into_iter()
            .map(|cpu| Ok(trace_stats(u32::from(cpu), &files::read(folder.join(format!("cpu{cpu}/stats")))?)))
            .collect()
    }

    /// The file with the trace as text.
    pub fn text(&self) -> PathBuf {
        self.folder.join("trace")
    }
}

/// The `format` files of the `damon` system, by event name.
pub fn damon_formats() -> Vec<PathBuf> {
    let folder = Path::new("/sys/kernel/tracing/events/damon");
    files::names(folder)
        .iter()
        .map(|name| folder.join(name).join("format"))
        .filter(|path| path.exists())
        .collect()
}
