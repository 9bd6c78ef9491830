//! A small guest that finds something out about this host, its QEMU or a kernel: booted directly under QEMU, on the real
//! clock, with a console and no results port.

use super::command::{KERNEL_ARGUMENTS, ON_THE_REAL_CLOCK, shell_safe};
use super::error::VmError;
use super::initramfs;
use super::qmp::Qmp;
use super::run_folder::{RunFolder, file};
use super::sandbox::Sandbox;
use super::timing::Accelerator;
use crate::host::command::command_for;
use crate::host::logged::LoggedGroup;
use crate::host::{interrupt, text};
use crate::machine::Argv;
use crate::setup::Tools;
use damonlab_protocol::plan::{FW_CFG_NAME, Plan};
use fs_err as fs;
use nix::sys::signal::Signal;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

const LOG: &str = "probe.log";
const STEP: Duration = Duration::from_millis(20);

/// How long a guest may take to its end. A guest that hangs is silent, one on a busy host is slow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Without a new character on its console.
    pub silence: Duration,
    /// From its start.
    pub total: Duration,
}

/// A running probe guest, which ends when this is dropped.
pub(super) struct Probe {
    process: LoggedGroup,
    started: Instant,
    log: PathBuf,
    folder: RunFolder,
}

impl Probe {
    /// Starts a guest with this machine and this plan. `cache` has what is known about QEMU.
    pub(super) fn start(
        cache: &Path,
        tools: &Tools,
        bzimage: &Path,
        accelerator: &Accelerator,
        machine: &Argv,
        plan: &Plan,
    ) -> Result<Probe, VmError> {
        let folder = RunFolder::new()?;
        let place = shell_safe(folder.path())?;
        fs::write(folder.path().join(file::INITRD), initramfs::archive(initramfs::AGENT)?)?;
        fs::write(folder.path().join(file::PLAN), serde_json::to_vec(plan).map_err(io::Error::other)?)?;
        let kernel_arguments = KERNEL_ARGUMENTS
            .iter()
            .copied()
            .chain([ON_THE_REAL_CLOCK])
            .chain(machine.kernel.iter().map(String::as_str));
        let mut command = command_for(&tools.qemu);
        command
            .args(["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"])
            .args(accelerator.arguments())
            .args(["-m", &machine.memory_word(), "-smp", &machine.cpus.to_string()])
            .args(&machine.qemu)
            .args(Sandbox::of(cache, tools)?.arguments())
            .arg("-kernel")
            .arg(fs::canonicalize(bzimage)?)
            .args(["-initrd", &format!("{place}/{}", file::INITRD)])
            .args(["-fw_cfg", &format!("name={FW_CFG_NAME},file={place}/{}", file::PLAN)])
            .args(["-append", &kernel_arguments.collect::<Vec<_>>().join(" ")])
            .args(["-qmp", &format!("unix:{place}/{},server=on,wait=off", file::QMP)])
            // The kernel's console is ttyS1.
            .args(["-serial", "null", "-serial", "stdio"])
            .current_dir(folder.path())
            .env_clear()
            .env("PATH", &tools.path);
        let log = folder.path().join(LOG);
        let process = LoggedGroup::spawn(&mut command, &log)?;
        Ok(Probe { process, started: Instant::now(), log, folder })
    }

    /// Waits until the guest has printed `line`, has ended, or `limit` has passed since its start. Returns whether it printed
    /// the line, and its exit status if it ended.
    pub(super) fn wait_for(
        &mut self,
        line: &str,
        limit: Duration,
    ) -> Result<(bool, Option<ExitStatus>), VmError> {
        loop {
            interrupt::check()?;
            let ended = self.process.group.try_wait()?;
            let printed = has_line(&self.console()?, line);
            if printed || ended.is_some() || self.started.elapsed() > limit {
                return Ok((printed, ended));
            }
            std::thread::sleep(STEP);
        }
    }

    /// Waits until the guest has ended or a limit has passed.
    pub(super) fn wait_for_end(&mut self, limits: Limits) -> Result<Option<ExitStatus>, VmError> {
        let (mut printed, mut last) = (0, Instant::now());
        loop {
            interrupt::check()?;
            let ended = self.process.group.try_wait()?;
            let length = fs::metadata(&self.log)?.len();
            if length > printed {
                (printed, last) = (length, Instant::now());
            }
            if ended.is_some() || last.elapsed() > limits.silence || self.started.elapsed() > limits.total {
                return Ok(ended);
            }
            std::thread::sleep(STEP);
        }
    }

    /// QEMU's monitor.
    pub(super) fn monitor(&self) -> Result<Qmp, VmError> {
        Qmp::connect(&self.folder.path().join(file::QMP))
            .map_err(|cause| VmError::Socket { name: "monitor", cause })
    }

    /// The console's output so far.
    pub(super) fn console(&self) -> Result<String, VmError> {
        Ok(String::from_utf8_lossy(&fs::read(&self.log)?).into_owned())
    }

    /// Ends the guest and returns the console's whole output.
    pub(super) fn end(mut self) -> Result<String, VmError> {
        self.process.end()?;
        self.console()
    }
}

/// Whether `console` has the line `line`.
pub(super) fn has_line(console: &str, line: &str) -> bool {
    console.lines().any(|found| found.trim_end() == line)
}

/// The last line of a console, for messages.
pub(super) fn last_line(console: &str) -> String {
    let last = console.lines().rev().map(text::excerpt).find(|line| !line.is_empty());
    last.map_or_else(|| "it printed nothing".to_owned(), |line| format!("its last line: {line}"))
}

/// How a program ended, for messages: `by signal 6 (SIGABRT)`.
pub(super) fn ended(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(number), _) => {
            let name = Signal::try_from(number).map(|signal| format!(" ({signal})"));
            format!("by signal {number}{}", name.unwrap_or_default())
        }
        (None, Some(code)) => format!("with status {code}"),
        (None, None) => "for an unknown reason".to_owned(),
    }
}
