//! A small guest that is there to answer a question about this host and its QEMU: booted straight under QEMU,
//! on the real clock, with a console and no results' port.

use super::command::{KERNEL_WORDS, shell_safe};
use super::error::VmError;
use super::initramfs;
use super::qmp::Qmp;
use super::run_folder::{RunFolder, file};
use super::timing::Accelerator;
use crate::host::logged::LoggedGroup;
use crate::host::{interrupt, text};
use crate::machine::Argv;
use crate::setup::Tools;
use damonlab_protocol::plan::{FW_CFG_NAME, Plan};
use fs_err as fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

const LOG: &str = "probe.log";
const STEP: Duration = Duration::from_millis(20);

/// A guest that lives until this is dropped, at the longest.
pub(super) struct Probe {
    process: LoggedGroup,
    started: Instant,
    log: PathBuf,
    folder: RunFolder,
}

impl Probe {
    /// Starts a guest with this machine and this plan.
    pub(super) fn start(
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
        let kernel_words = KERNEL_WORDS.iter().copied().chain(machine.kernel.iter().map(String::as_str));
        let mut command = Command::new(&tools.qemu);
        command
            .args(["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"])
            .args(accelerator.words())
            .args(["-m", &machine.memory_word(), "-smp", &machine.cpus.to_string()])
            .args(&machine.qemu)
            .arg("-kernel")
            .arg(fs::canonicalize(bzimage)?)
            .args(["-initrd", &format!("{place}/{}", file::INITRD)])
            .args(["-fw_cfg", &format!("name={FW_CFG_NAME},file={place}/{}", file::PLAN)])
            .args(["-append", &kernel_words.collect::<Vec<_>>().join(" ")])
            .args(["-qmp", &format!("unix:{place}/{},server=on,wait=off", file::QMP)])
            // The kernel's words name ttyS1.
            .args(["-serial", "null", "-serial", "stdio"])
            .current_dir(folder.path())
            .env_clear()
            .env("PATH", &tools.path);
        let log = folder.path().join(LOG);
        let process = LoggedGroup::spawn(&mut command, &log)?;
        Ok(Probe { process, started: Instant::now(), log, folder })
    }

    /// Waits until the guest has said this line, or has ended, or `limit` has gone by since its start: whether
    /// it said it, and how it ended, if it did.
    pub(super) fn wait_for(
        &mut self,
        line: &str,
        limit: Duration,
    ) -> Result<(bool, Option<ExitStatus>), VmError> {
        loop {
            interrupt::check()?;
            let ended = self.process.group.try_wait()?;
            let said = says(&self.said()?, line);
            if said || ended.is_some() || self.started.elapsed() > limit {
                return Ok((said, ended));
            }
            std::thread::sleep(STEP);
        }
    }

    /// Waits until the guest has ended, `limit` at the longest.
    pub(super) fn wait_for_end(&mut self, limit: Duration) -> Result<Option<ExitStatus>, VmError> {
        Ok(self.process.group.wait_for(limit)?)
    }

    /// QEMU's monitor.
    pub(super) fn monitor(&self) -> Result<Qmp, VmError> {
        Qmp::connect(&self.folder.path().join(file::QMP))
            .map_err(|cause| VmError::Socket { name: "monitor", cause })
    }

    /// What it has said so far.
    pub(super) fn said(&self) -> Result<String, VmError> {
        Ok(String::from_utf8_lossy(&fs::read(&self.log)?).into_owned())
    }

    /// Ends it: all that it has said.
    pub(super) fn end(mut self) -> Result<String, VmError> {
        self.process.end()?;
        self.said()
    }
}

/// Whether `line` is among what a guest has said.
pub(super) fn says(said: &str, line: &str) -> bool {
    said.lines().any(|found| found.trim_end() == line)
}

/// The last words of a guest, for people.
pub(super) fn last_words(said: &str) -> String {
    let last = said.lines().rev().map(|line| text::printable(line.trim())).find(|line| !line.is_empty());
    last.map_or_else(|| "it said nothing".to_owned(), |line| format!("its last words: {line}"))
}
