//! One guest from start to end: virtme-ng in its own process group, the console, the results, and
//! clocks with names.
//!
//! [`run`] boots a kernel on a machine, lets the agent carry out a plan, and leaves what came back in
//! a folder. It judges nothing: [`Ending`] says how the guest ended, and the files say the rest.

mod command;
mod console;
mod folder;
mod initramfs;
mod qmp;
mod results;
mod watch;

pub use initramfs::{AGENT, archive as initramfs_archive};
pub use watch::{Clock, Ending};

use crate::host::interrupt::Interrupted;
use crate::host::lock::LockError;
use crate::host::process::Group;
use crate::machine::Argv;
use crate::scenario::Clocks;
use crate::setup::Tools;
use command::file;
use damonlab_guest::plan::Plan;
use folder::RunFolder;
use fs_err as fs;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The console's whole text, in the recording.
pub const CONSOLE_LOG: &str = "console.txt";
/// What virtme-ng and QEMU said; it names host paths, so nothing compares it.
pub const VNG_LOG: &str = "vng.log";
/// virtme-ng's command line, a word a line.
pub const VNG_ARGV: &str = "vng.argv";

/// virtme-ng and QEMU say little; a guest can make hvc0 say much.
const VNG_LOG_LIMIT: u64 = 4 << 20;

/// virtme-ng needs half a second until QEMU has made its sockets; a loaded machine more.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// What one guest is made of.
#[derive(Debug)]
pub struct Launch<'a> {
    /// QEMU, virtme-ng and their environment.
    pub tools: &'a Tools,
    /// The kernel.
    pub bzimage: &'a Path,
    /// The guest's `/init`; [`AGENT`] but in tests of guests that fail.
    pub agent: &'a [u8],
    /// The machine.
    pub machine: &'a Argv,
    /// What the guest does.
    pub plan: &'a Plan,
    /// How long it may take, in wall time.
    pub clocks: &'a Clocks,
    /// Where logs and results go.
    pub results: &'a Path,
}

/// Why no guest ran to an [`Ending`]. None of these is the kernel's fault.
#[derive(Debug, thiserror::Error)]
pub enum VmError {
    /// The user asked to stop; nothing is left running.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// The run folder's path cannot go through virtme-ng's shell line.
    #[error(
        "the path {path} has characters that virtme-ng's shell line does not survive; set TMPDIR to a folder with a plain name",
        path = .path.display()
    )]
    Path {
        /// The path.
        path: PathBuf,
    },
    /// The folder for run folders is not usable.
    #[error("cannot use the folder {path}: {cause}", path = .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A socket of QEMU's could not be used.
    #[error("cannot use QEMU's {name} socket: {cause}")]
    Socket {
        /// Which.
        name: &'static str,
        /// Why.
        cause: io::Error,
    },
    /// QEMU ended before it had its sockets, or never made them.
    #[error("QEMU did not start; the last words of {log} are:\n{words}", log = .log.display())]
    NotStarted {
        /// virtme-ng's log.
        log: PathBuf,
        /// Its last lines.
        words: String,
    },
    /// Another run's lock could not be had.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The host refused a file or a process.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Runs one guest to its end. Whatever happens, no process of it is left.
pub fn run(launch: &Launch<'_>) -> Result<Ending, VmError> {
    let folder = RunFolder::new()?;
    prepare(launch, folder.path())?;
    let started = Instant::now();
    let (mut group, drains) = start(launch, folder.path())?;
    let log = launch.results.join(VNG_LOG);
    wait_for_sockets(&mut group, folder.path(), &log)?;
    // Before the console lets QEMU go on: the port's open event would reach the guest at a moment
    // that the host chooses (measured: connecting half a second late changed the trace).
    let port = connect(folder.path(), file::RESULTS, "results")?;
    let qmp = folder.path().join(file::QMP);
    let (heard, hearing) = mpsc::channel();
    let console = console::listen(
        connect(folder.path(), file::CONSOLE, "console")?,
        &launch.results.join(CONSOLE_LOG),
        launch.clocks.hard() * 2,
        heard,
    )?;
    let (told, telling) = mpsc::channel();
    let place = launch.results.to_owned();
    let receiver = std::thread::spawn(move || {
        // The main loop may be gone already; then nobody needs to know.
        let _ = told.send(results::receive(port, &place));
    });
    let ending =
        watch::Watch { group: &mut group, hearing, telling, qmp, clocks: launch.clocks, started }.run();
    group.kill()?;
    // With QEMU gone all channels are at their ends, and so are the threads.
    for drain in drains {
        let _ = drain.join();
    }
    let _ = console.join();
    let _ = receiver.join();
    ending
}

fn prepare(launch: &Launch<'_>, folder: &Path) -> Result<(), VmError> {
    fs::write(folder.join(file::INITRD), initramfs::archive(launch.agent)?)?;
    fs::write(folder.join(file::PLAN), serde_json::to_vec(launch.plan).map_err(io::Error::other)?)?;
    // A link, so that the kernel's own path may have any name.
    fs::os::unix::fs::symlink(fs::canonicalize(launch.bzimage)?, folder.join("bzImage"))?;
    Ok(())
}

fn start(launch: &Launch<'_>, folder: &Path) -> Result<(Group, Vec<JoinHandle<()>>), VmError> {
    let arguments = command::arguments(launch.machine, &folder.join("bzImage"), folder)?;
    let words: Vec<String> = arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    fs::write(launch.results.join(VNG_ARGV), words.join("\n") + "\n")?;
    let home = &launch.tools.home;
    fs::create_dir_all(home)?;
    let mut command = Command::new(&launch.tools.vng);
    command
        .args(arguments)
        .current_dir(folder)
        // A private HOME: a user's virtme-ng.conf would be laid over these arguments.
        .env_clear()
        .env("PATH", &launch.tools.path)
        .env("HOME", home)
        .env("TERM", "dumb")
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut group = Group::spawn(&mut command)?;
    let log = fs::File::create(launch.results.join(VNG_LOG))?;
    let leader = group.leader();
    let mut drains = Vec::new();
    if let Some(out) = leader.stdout.take() {
        drains.push(drain(out, log.try_clone()?));
    }
    if let Some(err) = leader.stderr.take() {
        drains.push(drain(err, log));
    }
    Ok((group, drains))
}

/// Copies a pipe into the log, and goes on reading past the limit: a full pipe would stop the guest.
fn drain(mut pipe: impl Read + Send + 'static, mut log: fs::File) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut chunk = [0; 8192];
        let mut left = VNG_LOG_LIMIT;
        while let Ok(read) = pipe.read(&mut chunk) {
            if read == 0 {
                return;
            }
            let keep = read.min(usize::try_from(left).unwrap_or(usize::MAX));
            left -= keep as u64;
            // A log that cannot be written must not end the run.
            let _ = log.write_all(&chunk[..keep]);
        }
    })
}

/// QEMU stops at the console's socket, its last, until we connect there.
fn wait_for_sockets(group: &mut Group, folder: &Path, log: &Path) -> Result<(), VmError> {
    let until = Instant::now() + START_PATIENCE;
    let needed = [file::QMP, file::RESULTS, file::CONSOLE];
    while !needed.iter().all(|name| folder.join(name).exists()) {
        crate::host::interrupt::check()?;
        if group.try_wait()?.is_some() || Instant::now() > until {
            // Let the pipes' threads write what is left.
            std::thread::sleep(Duration::from_millis(200));
            let text = fs::read(log).unwrap_or_default();
            let words = crate::host::text::last_lines(&String::from_utf8_lossy(&text), 10);
            return Err(VmError::NotStarted { log: log.to_owned(), words: words.join("\n") });
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn connect(folder: &Path, socket: &str, name: &'static str) -> Result<UnixStream, VmError> {
    let until = Instant::now() + START_PATIENCE;
    loop {
        match UnixStream::connect(folder.join(socket)) {
            Ok(stream) => return Ok(stream),
            // The path is there from bind() on, the listener from listen() on.
            Err(cause) if cause.kind() == io::ErrorKind::ConnectionRefused && Instant::now() < until => {
                crate::host::interrupt::check()?;
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(cause) => return Err(VmError::Socket { name, cause }),
        }
    }
}
