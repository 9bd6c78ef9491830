//! What the run leaves behind: sections as files in memory, then over the virtio-serial port to the host.
//!
//! Every section is sent, an empty one where there is nothing, so that the host can distinguish an empty result from
//! a stream with a missing part. Counts of executed code are sent by a kernel that counts alone.

use super::failure::Failure;
use super::sections::{create, path};
use super::tracing::Instance;
use super::{clock, console, damon, files, gcov};
use damonlab_protocol::kernel_text::kmsg_record;
use damonlab_protocol::plan::RESULTS_PORT;
use damonlab_protocol::record::{GuestReport, section};
use damonlab_protocol::units::Nanos;
use damonlab_protocol::wire::{ACK, Sender};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const PORTS: &str = "/sys/class/virtio-ports";
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
    section::GCOV,
];

/// Fills the sections that are read at the end. What fails is noted in the report; the rest is kept.
pub fn gather(tracer: Option<&Instance>, report: &mut GuestReport) {
    let mut keep = |what: &str, result: Result<(), Failure>| {
        if let Err(error) = result {
            report.errors.push(format!("{what}: {error}"));
        }
    };
    keep("event formats", damon::formats());
    if let Some(tracer) = tracer {
        // In this order: the raw record is taken out of the ring buffer, and its text is not.
        keep("trace", copy_trace(tracer));
        keep("raw trace", copy_raw(tracer));
    }
    keep("kernel log", kernel_log());
    keep("counts of executed code", gcov::copy());
    if let Err(error) = write_report(report) {
        console::error(&format!("cannot keep the report: {error}"));
    }
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
            // The kernel counts nothing: there is no such result, not even an empty one.
            Err(_) if *name == section::GCOV => {}
            Err(_) => sender.section(name, 0, io::empty())?,
        }
    }
    let mut channel = sender.finish()?.into_inner().map_err(|error| error.into_error())?;
    let mut answer = [0; ACK.len()];
    channel
        .read_exact(&mut answer)
        .map_err(|error| format!("the host closed the channel without an acknowledgement: {error}"))?;
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
