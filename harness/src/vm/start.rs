//! Starts QEMU: through virtme-ng, or directly with the arguments that virtme-ng composed for an earlier guest.
//!
//! Either way QEMU waits at the console's socket, its last, for a connection, so that everything on the host's side is in
//! place before the guest runs.

use super::error::VmError;
use super::launch::Launch;
use super::log_files::{QEMU_ARGV, VNG_ARGV, VNG_LOG};
use super::qemu_end::Parent;
use super::run_folder::file;
use super::{command, save};
use crate::host::command::command_for;
use crate::host::interrupt;
use crate::host::logged::LoggedGroup;
use crate::host::process::Group;
use crate::machine::Argv;
use fs_err as fs;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// With virtme-ng it takes half a second until QEMU has made its sockets, longer on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);
const STEP: Duration = Duration::from_millis(2);

/// Whether the results port has a connection when QEMU starts.
///
/// It does where the guest will send its results: a connection that comes later interrupts the guest at a time that depends
/// on the host (measured: half a second later, the trace differed).
///
/// It does not where a guest is saved. QEMU takes the handlers of a port away while the machine is stopped, so a restored
/// port begins unconnected. If the saved one was connected, a timer of QEMU's tells the guest of the difference. In QEMU
/// 11.1 the CPU's thread runs it while the state is still being read, and it may meet a queue that is not set up ("Region
/// caches not initialized"): the device is broken from then on, and no results leave.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ResultsPort {
    Connected,
    Unconnected,
}

/// A QEMU that has its connections and continues.
pub(super) struct Started {
    pub process: LoggedGroup,
    /// None with [`ResultsPort::Unconnected`].
    pub results: Option<UnixStream>,
    pub console: UnixStream,
    /// QEMU's process.
    pub pid: i32,
    /// Who started it.
    pub parent: Parent,
    /// QEMU's command line, the program first.
    pub argv: Vec<String>,
}

/// Boots through virtme-ng.
pub(super) fn through_vng(
    launch: &Launch<'_>,
    machine: &Argv,
    folder: &Path,
    port: ResultsPort,
) -> Result<Started, VmError> {
    let arguments = command::arguments(machine, folder, &launch.timing, launch.sandbox)?;
    let lines: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
    fs::write(launch.results.join(VNG_ARGV), lines.join("\n") + "\n")?;
    start(command_for(&launch.tools.vng).args(arguments), launch, folder, Parent::VirtmeNg, port)
}

/// Starts QEMU with the command line of an earlier guest, to restore a checkpoint.
pub(super) fn directly(launch: &Launch<'_>, folder: &Path, argv: &[String]) -> Result<Started, VmError> {
    let arguments = argv.iter().skip(1);
    let mut command = command_for(&launch.tools.qemu);
    let command = command.args(arguments).args(save::INCOMING);
    start(command, launch, folder, Parent::Damonlab, ResultsPort::Connected)
}

/// The arguments for a gdb stub with its own socket.
pub(super) fn gdb_arguments(folder: &Path) -> [String; 4] {
    let socket =
        format!("socket,id=damonlab-gdb,path={}/{},server=on,wait=off", folder.to_string_lossy(), file::GDB);
    ["-chardev".to_owned(), socket, "-gdb".to_owned(), "chardev:damonlab-gdb".to_owned()]
}

fn start(
    command: &mut Command,
    launch: &Launch<'_>,
    folder: &Path,
    parent: Parent,
    port: ResultsPort,
) -> Result<Started, VmError> {
    command
        .current_dir(folder)
        // A private HOME: a user's virtme-ng.conf would override arguments.
        .env_clear()
        .env("PATH", &launch.tools.path)
        .env("HOME", &launch.tools.home)
        .env("TERM", "dumb")
        .env("LANG", "C.UTF-8");
    fs::create_dir_all(&launch.tools.home)?;
    let log = launch.results.join(VNG_LOG);
    let mut process = LoggedGroup::spawn(command, &log)?;
    wait_for_sockets(&mut process.group, folder, &log)?;
    // Before the connection to the console, for which QEMU waits.
    let results = match port {
        ResultsPort::Connected => Some(connect(folder, file::RESULTS, "results")?),
        ResultsPort::Unconnected => None,
    };
    let console = connect(folder, file::CONSOLE, "console")?;
    // The process that listens at the other end.
    let pid = getsockopt(&console, PeerCredentials).map_err(io::Error::from)?.pid();
    let argv = command_line(pid)?;
    fs::write(launch.results.join(QEMU_ARGV), argv.join("\n") + "\n")?;
    Ok(Started { process, results, console, pid, parent, argv })
}

/// The command line of a process.
fn command_line(pid: i32) -> Result<Vec<String>, VmError> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline"))?;
    let arguments = bytes.strip_suffix(b"\0").unwrap_or(&bytes).split(|byte| *byte == 0);
    Ok(arguments.map(|argument| String::from_utf8_lossy(argument).into_owned()).collect())
}

fn wait_for_sockets(group: &mut Group, folder: &Path, log: &Path) -> Result<(), VmError> {
    let until = Instant::now() + PATIENCE;
    let needed = [file::QMP, file::RESULTS, file::CONSOLE];
    while !needed.iter().all(|name| folder.join(name).exists()) {
        interrupt::check()?;
        if group.try_wait()?.is_some() || Instant::now() > until {
            // The threads of the log write what is left.
            std::thread::sleep(Duration::from_millis(200));
            return Err(VmError::NotStarted { log: log.to_owned(), lines: last_lines(log) });
        }
        std::thread::sleep(STEP);
    }
    Ok(())
}

/// The last lines that QEMU and virtme-ng printed.
pub(super) fn last_lines(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    crate::host::text::last_lines(&String::from_utf8_lossy(&text), 10).join("\n")
}

pub(super) fn connect(folder: &Path, socket: &str, name: &'static str) -> Result<UnixStream, VmError> {
    let until = Instant::now() + PATIENCE;
    loop {
        match UnixStream::connect(folder.join(socket)) {
            Ok(stream) => return Ok(stream),
            // The path exists from bind() on, the listener from listen() on.
            Err(cause) if is_early(&cause) && Instant::now() < until => {
                interrupt::check()?;
                std::thread::sleep(STEP);
            }
            Err(cause) => return Err(VmError::Socket { name, cause }),
        }
    }
}

fn is_early(cause: &io::Error) -> bool {
    matches!(cause.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound)
}
