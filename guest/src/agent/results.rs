//! What the run leaves behind: sections as files in memory, then over the virtio-serial port to the host.
//!
//! Every section is sent, an empty one where there is nothing, so that the host can tell a guest that had
//! nothing to say from a stream that lacks a part.

use super::tracing::{Instance, damon_formats};
use super::{Failure, clock, files};
use damonlab_protocol::kernel_text::{event_format, kmsg_record};
use damonlab_protocol::plan::RESULTS_PORT;
use damonlab_protocol::record::{GuestReport, section};
use damonlab_protocol::units::Nanos;
use damonlab_protocol::wire::{ACK, Sender};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Where sections are kept until they are sent.
const FOLDER: &str = "/run/damonlab";
const PORTS: &str = "/sys/class/virtio-ports";
const DAMON: &str = "/sys/kernel/mm/damon";
const STEP: Nanos = Nanos(20_000_000);
const LIMIT: Nanos = Nanos(10_000_000_000);

/// The order in which sections leave.
const SECTIONS: &[&str] = &[
    section::REPORT,
    section::FORMATS,
    section::SYSFS,
    section::DMESG,
    section::SAMPLES,
    section::TRACE,
    section::RAW,
    section::TESTS,
];

/// Where one section is kept.
fn path(section: &str) -> PathBuf {
    Path::new(FOLDER).join(section)
}

/// Makes the file of a section, empty.
pub fn create(section: &str) -> Result<File, Failure> {
    fs::create_dir_all(FOLDER)?;
    let path = path(section);
    File::create(&path).map_err(|error| files::FileError::new("make", &path, &error).into())
}

/// Lists the tree under `/sys/kernel/mm/damon`: mode and path a line, sorted by path.
pub fn list_sysfs() -> Result<(), Failure> {
    let mut lines = Vec::new();
    walk(Path::new(DAMON), "", &mut lines);
    lines.sort();
    let mut out = create(section::SYSFS)?;
    for (path, mode) in lines {
        writeln!(out, "{mode} {path}")?;
    }
    Ok(())
}

fn walk(folder: &Path, prefix: &str, lines: &mut Vec<(String, String)>) {
    for name in files::names(folder) {
        let full = folder.join(&name);
        let Ok(meta) = fs::symlink_metadata(&full) else { continue };
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        lines.push((path.clone(), mode_text(meta.is_dir(), meta.permissions().mode())));
        if meta.is_dir() {
            walk(&full, &path, lines);
        }
    }
}

/// `-rw-------`, as `ls -l` has it.
fn mode_text(is_dir: bool, mode: u32) -> String {
    let mut text = String::from(if is_dir { "d" } else { "-" });
    for (bit, letter) in (0..9).rev().zip("rwxrwxrwx".chars()) {
        text.push(if mode & (1 << bit) != 0 { letter } else { '-' });
    }
    text
}

/// Fills the sections that are read at the end. What fails is said in the report; the rest is kept.
pub fn gather(tracer: Option<&Instance>, report: &mut GuestReport) {
    let mut keep = |what: &str, result: Result<(), Failure>| {
        if let Err(error) = result {
            report.errors.push(format!("{what}: {error}"));
        }
    };
    keep("event formats", formats());
    if let Some(tracer) = tracer {
        // In this order: the raw record is taken out of the ring buffer, and its text is not.
        keep("trace", copy_trace(tracer));
        keep("raw trace", copy_raw(tracer));
    }
    keep("kernel log", kernel_log());
    if let Err(error) = write_report(report) {
        super::console::error(&format!("cannot keep the report: {error}"));
    }
}

fn formats() -> Result<(), Failure> {
    let mut out = create(section::FORMATS)?;
    for path in damon_formats() {
        out.write_all(event_format(&files::read(path)?).as_bytes())?;
    }
    Ok(())
}

fn copy_trace(tracer: &Instance) -> Result<(), Failure> {
    let mut out = create(section::TRACE)?;
    let mut text = File::open(tracer.text())?;
    io::copy(&mut text, &mut out)?;
    Ok(())
}

fn copy_raw(tracer: &Instance) -> Result<(), Failure> {
    let mut out = io::BufWriter::new(create(section::RAW)?);
    tracer.copy_raw(&mut out)?;
    Ok(out.flush()?)
}

/// Every record that the kernel still has, from boot on.
fn kernel_log() -> Result<(), Failure> {
    let mut out = io::BufWriter::new(create(section::DMESG)?);
    let mut log = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open("/dev/kmsg")?;
    // `PRINTK_MESSAGE_MAX`: a smaller buffer is refused with EINVAL.
    let mut buffer = [0; 2048 + 8192];
    loop {
        match log.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => {
                if let Some(line) = kmsg_record(&String::from_utf8_lossy(&buffer[..length])) {
                    writeln!(out, "{line}")?;
                }
            }
            Err(error) => match files::errno_of(&error) {
                Errno::EAGAIN => break,
                // Overwritten while we read; the next read goes on with the oldest that is left.
                Errno::EPIPE | Errno::EINTR => {}
                _ => return Err(error.into()),
            },
        }
    }
    Ok(out.flush()?)
}

fn write_report(report: &GuestReport) -> Result<(), Failure> {
    let mut out = create(section::REPORT)?;
    out.write_all(&serde_json::to_vec_pretty(report)?)?;
    Ok(out.write_all(b"\n")?)
}

/// Sends every section and waits for the host's acknowledgement.
///
/// There is no bound of guest time on the host: with nothing to do, virtual time flies while the host works.
pub fn send() -> Result<(), Failure> {
    let port = clock::poll(STEP, LIMIT, find_port).ok_or_else(|| {
        format!("no virtio-serial port is named {RESULTS_PORT} under {PORTS} (CONFIG_VIRTIO_CONSOLE=y, -device virtserialport)")
    })?;
    let channel = OpenOptions::new()
        .read(true)
        .write(true)
        .open(&port)
        .map_err(|error| files::FileError::new("open", &port, &error))?;
    let mut sender = Sender::new(io::BufWriter::with_capacity(128 << 10, channel))?;
    for name in SECTIONS {
        let path = path(name);
        match File::open(&path) {
            Ok(file) => sender.section(name, file.metadata()?.len(), file)?,
            Err(_) => sender.section(name, 0, io::empty())?,
        }
    }
    let mut channel = sender.finish()?.into_inner().map_err(|error| error.into_error())?;
    let mut answer = [0; ACK.len()];
    channel
        .read_exact(&mut answer)
        .map_err(|error| format!("the host hung up without an acknowledgement: {error}"))?;
    if &answer != ACK {
        return Err(format!("the host answered {answer:02x?}, which is no acknowledgement").into());
    }
    Ok(())
}

fn find_port() -> Option<PathBuf> {
    let entry = files::names(PORTS).into_iter().find(|entry| {
        files::read_line(Path::new(PORTS).join(entry).join("name")).is_ok_and(|name| name == RESULTS_PORT)
    })?;
    let device = Path::new("/dev").join(entry);
    device.exists().then_some(device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_look_as_ls_has_them() {
        assert_eq!(mode_text(false, 0o100_600), "-rw-------");
        assert_eq!(mode_text(true, 0o40_755), "drwxr-xr-x");
        assert_eq!(mode_text(false, 0o100_400), "-r--------");
    }
}
