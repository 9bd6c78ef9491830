//! The private tracing instance: made, filled by the plan's events, accounted for, read.
//!
//! It keeps the oldest events and counts what it drops, since a trace that ends early is recognisable, and one
//! without its beginning is not.

use super::failure::Failure;
use super::files;
use damonlab_protocol::kernel_text::trace_stats;
use damonlab_protocol::plan::Trace;
use damonlab_protocol::record::{RAW_LIMIT, SUB_BUFFER, TraceStats};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const INSTANCE: &str = "/sys/kernel/tracing/instances/damonlab";

const HEADER_PAGE: &str = "events/header_page";

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
    /// The folders of the enabled events, relative to the instance.
    events: Vec<String>,
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
        let mut instance = Instance { folder, events: Vec::new() };
        let mut missing = Vec::new();
        for event in &plan.events {
            if !instance.enable(event)? {
                missing.push(event.clone());
            }
        }
        Ok((instance, missing))
    }

    /// `system:event` or `system:*`; false where the kernel does not have it.
    fn enable(&mut self, event: &str) -> Result<bool, Failure> {
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
        let names = if name == "*" {
            files::names(self.folder.join("events").join(system))
        } else {
            vec![name.to_owned()]
        };
        self.events.extend(names.into_iter().map(|name| format!("events/{system}/{name}")));
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
        files::numbered::<u32>(&folder, "cpu")
            .into_iter()
            .map(|cpu| Ok(trace_stats(cpu, &files::read(folder.join(format!("cpu{cpu}/stats")))?)))
            .collect()
    }

    /// Copies what [`section::RAW`](damonlab_protocol::record::section::RAW) is made of. Reading the ring buffer
    /// takes the events out of it: nothing can be read as text afterwards.
    pub fn copy_raw(&self, out: &mut impl Write) -> Result<(), Failure> {
        let mut formats: Vec<String> = self.events.iter().map(|event| format!("{event}/format")).collect();
        formats.sort();
        formats.dedup();
        block(out, HEADER_PAGE, &in_one_read(&self.folder.join(HEADER_PAGE))?)?;
        for path in formats.iter().filter(|path| self.folder.join(path).exists()) {
            block(out, path, files::read(self.folder.join(path))?.as_bytes())?;
        }
        for cpu in files::numbered::<u32>(self.folder.join("per_cpu"), "cpu") {
            let path = format!("per_cpu/cpu{cpu}/trace_pipe_raw");
            block(out, &path, &sub_buffers(&self.folder.join(&path))?)?;
        }
        Ok(())
    }

    /// The file with the trace as text.
    pub fn text(&self) -> PathBuf {
        self.folder.join("trace")
    }
}

fn block(out: &mut impl Write, path: &str, bytes: &[u8]) -> io::Result<()> {
    writeln!(out, "{path} {}", bytes.len())?;
    out.write_all(bytes)
}

/// A file that gives nothing to a second read.
fn in_one_read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; SUB_BUFFER];
    let length = fs::File::open(path)?.read(&mut bytes)?;
    bytes.truncate(length);
    Ok(bytes)
}

/// Every sub-buffer of one CPU, up to the limit. One read gives one.
fn sub_buffers(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut pipe = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?;
    let mut bytes = Vec::new();
    let mut page = [0; SUB_BUFFER];
    while bytes.len() < RAW_LIMIT {
        match pipe.read(&mut page) {
            Ok(SUB_BUFFER) => bytes.extend_from_slice(&page),
            Ok(0) => break,
            Ok(length) => {
                return Err(format!(
                    "{}: a sub-buffer of {length} bytes, not of {SUB_BUFFER}",
                    path.display()
                )
                .into());
            }
            Err(error) if files::errno_of(&error) == Errno::EAGAIN => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(bytes)
}
