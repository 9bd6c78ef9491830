//! What runs a guest on the real clock: KVM, where a guest was seen to run to its end under it, or TCG.
//!
//! That `/dev/kvm` opens proves nothing: inside some virtual machines the firmware runs under it and
//! Linux never starts. So a small guest is booted once for each machine and QEMU, and the answer is kept
//! in the cache. A no is kept only if the same guest does run under TCG; else it may be the kernel's.

use super::error::VmError;
use super::probe::{self, Probe};
use super::probe_cache::CachedProbe;
use super::timing::Accelerator;
use crate::host::lock::Lock;
use crate::host::progress::Progress;
use crate::machine::Argv;
use crate::setup::{Tools, Version};
use damonlab_protocol::plan::{Plan, READY_MARK};
use damonlab_protocol::units::Bytes;
use fs_err as fs;
use serde::{Deserialize, Serialize};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

const DEVICE: &str = "/dev/kvm";

/// A guest under working KVM takes a second or two; where it does not work this is what the answer costs.
const KVM_LIMIT: Duration = Duration::from_secs(20);

/// Under TCG the same guest takes five seconds, on a busy host more.
const TCG_LIMIT: Duration = Duration::from_secs(60);

/// What the guest gets.
const MEMORY: Bytes = Bytes(256 << 20);

/// Below it, KVM guests die when they touch CXL memory: its pages are emulated, and KVM cannot emulate
/// every instruction.
fn cxl_under_kvm() -> Version {
    Version::of(11, 1)
}

/// What decides whether KVM works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Machine {
    cpu: String,
    /// The processor offers VMX or SVM: a hypervisor above may have turned it on since.
    virtualization: bool,
    kernel: String,
    /// Device number, mode and owner.
    device: String,
    qemu: String,
}

impl Machine {
    fn of(qemu: &str) -> io::Result<Machine> {
        let info = fs::read_to_string("/proc/cpuinfo")?;
        let value = |key: &str| {
            let line = info.lines().find(|line| line.split(':').next().is_some_and(|k| k.trim() == key));
            line.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned())).unwrap_or_default()
        };
        let stat = fs::metadata(DEVICE)?;
        Ok(Machine {
            cpu: value("model name"),
            virtualization: value("flags").split(' ').any(|flag| flag == "vmx" || flag == "svm"),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            device: format!("{:x} {:o} {}:{}", stat.rdev(), stat.mode(), stat.uid(), stat.gid()),
            qemu: qemu.to_owned(),
        })
    }
}

impl CachedProbe for Machine {
    type Output = Accelerator;
    const FOLDER: &'static str = "accelerator";
}

/// The accelerator for a guest on the real clock. Boots up to two guests the first time.
///
/// # Errors
/// QEMU could not be started, or the user asked to stop. A KVM that does not work is no error.
pub fn choose(
    cache: &Path,
    tools: &Tools,
    bzimage: &Path,
    cxl: bool,
    progress: &Progress,
) -> Result<Accelerator, VmError> {
    if let Some(why) = closed(Path::new(DEVICE)).or_else(|| cxl_forbids(cxl, &tools.qemu_version)) {
        return Ok(Accelerator::Tcg(why));
    }
    let machine = Machine::of(&tools.qemu_version)?;
    let _one_at_a_time = Lock::acquire(&cache.join("accelerator.lock"), || {})?;
    if let Some(answer) = machine.known(cache) {
        return Ok(answer);
    }
    progress.say("kvm: booting a small guest to see whether KVM works here");
    let answer = match boots(tools, bzimage, &Accelerator::Kvm, KVM_LIMIT)? {
        Ok(()) => Accelerator::Kvm,
        Err(why) => {
            let why = format!("a guest under KVM did not come to its end: {why}");
            let tcg = Accelerator::Tcg(why);
            if boots(tools, bzimage, &tcg, TCG_LIMIT)?.is_err() {
                return Ok(tcg);
            }
            tcg
        }
    };
    machine.keep(cache, &answer)?;
    Ok(answer)
}

/// What is known about KVM here, for people. Boots nothing.
pub fn kvm_note(cache: &Path, tools: Option<&Tools>) -> String {
    let device = Path::new(DEVICE);
    let machine = tools.and_then(|tools| Machine::of(&tools.qemu_version).ok());
    let file = machine.as_ref().and_then(|machine| machine.file(cache).ok());
    let again = file.map(|file| format!(" (remove {} to try again)", file.display())).unwrap_or_default();
    let kvm = match (closed(device), machine.and_then(|machine| machine.known(cache))) {
        (Some(why), _) => format!("{why}; `clock: real` uses TCG"),
        (None, Some(Accelerator::Kvm)) => {
            "/dev/kvm runs Linux, as a guest has shown; `clock: real` uses it".to_owned()
        }
        (None, Some(Accelerator::Tcg(why))) => {
            format!("/dev/kvm can be opened, but {why}{again}; `clock: real` uses TCG")
        }
        (None, None) => "/dev/kvm can be opened, which proves nothing; the first run with `clock: real` \
                         (damonlab run idle --clock real) boots a guest to see"
            .to_owned(),
    };
    format!("note: {kvm}. The virtual clock, whose runs repeat, needs no KVM")
}

/// Why the device cannot be used at all.
fn closed(device: &Path) -> Option<String> {
    let opened = std::fs::OpenOptions::new().read(true).write(true).open(device);
    opened.err().map(|cause| match cause.kind() {
        io::ErrorKind::NotFound => format!("there is no {}", device.display()),
        io::ErrorKind::PermissionDenied => format!("this user may not open {}", device.display()),
        _ => format!("{} cannot be opened: {cause}", device.display()),
    })
}

fn cxl_forbids(cxl: bool, qemu: &str) -> Option<String> {
    let found = Version::find(qemu);
    let fits = found.as_ref().is_some_and(|found| *found >= cxl_under_kvm());
    let found = found.map_or_else(|| "an unknown version".to_owned(), |found| found.to_string());
    (cxl && !fits).then(|| format!("CXL memory under KVM needs QEMU {}, found {found}", cxl_under_kvm()))
}

/// Whether a small guest reaches user space and ends; else why not. Its plan has no step.
fn boots(
    tools: &Tools,
    bzimage: &Path,
    accelerator: &Accelerator,
    limit: Duration,
) -> Result<Result<(), String>, VmError> {
    let mut probe = Probe::start(tools, bzimage, accelerator, &Argv::plain(MEMORY), &Plan::empty("probe"))?;
    let ended = probe.wait_for_end(limit)?;
    Ok(judge(ended, &probe.end()?, limit))
}

fn judge(ended: Option<ExitStatus>, said: &str, limit: Duration) -> Result<(), String> {
    let (reached, last) = (probe::says(said, READY_MARK), probe::last_words(said));
    let space = if reached { "reached user space" } else { "did not reach user space" };
    match ended {
        Some(status) if status.success() && reached => Ok(()),
        Some(status) => Err(format!("it {space}, and QEMU ended with {status}; {last}")),
        None => Err(format!("it {space} and did not end within {} s; {last}", limit.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    const LIMIT: Duration = Duration::from_secs(20);
    const QEMU: &str = "QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)";

    fn machine() -> Machine {
        Machine {
            cpu: "a processor".into(),
            virtualization: true,
            kernel: "6.1".into(),
            device: "ae8".into(),
            qemu: QEMU.into(),
        }
    }

    #[test]
    fn only_a_guest_that_reached_user_space_and_ended_well_shows_that_it_works() {
        let (well, aborted) = (ExitStatus::from_raw(0), ExitStatus::from_raw(6));
        let ready = format!("[    0.1] Linux\r\n{READY_MARK}\r\n[    2.0] reboot: Power down\r\n");
        assert_eq!(judge(Some(well), &ready, LIMIT), Ok(()));
        for (ended, said, why) in [
            (None, "", "did not reach user space and did not end within 20 s; it said nothing"),
            (None, ready.as_str(), "reached user space and did not end within 20 s"),
            (Some(well), "[    0.1] Linux\n", "did not reach user space, and QEMU ended with exit status: 0"),
            (
                Some(aborted),
                "x\nqemu: Assertion `a\u{1b}[31m' failed\n\n",
                "last words: qemu: Assertion `a' failed",
            ),
        ] {
            let reason = judge(ended, said, LIMIT).unwrap_err();
            assert!(reason.contains(why), "{reason}");
        }
    }

    #[test]
    fn an_answer_is_kept_with_its_reason_for_this_machine_and_qemu_alone() {
        let cache = tempfile::tempdir().unwrap();
        let no = Accelerator::Tcg("it said nothing".into());
        machine().keep(cache.path(), &no).unwrap();
        assert_eq!(machine().known(cache.path()), Some(no));
        let newer = Machine { qemu: "QEMU emulator version 11.1.0".into(), ..machine() };
        let nested = Machine { virtualization: false, ..machine() };
        assert_eq!([newer.known(cache.path()), nested.known(cache.path())], [None, None]);
    }

    #[test]
    fn cxl_memory_is_never_given_to_kvm_below_qemu_11_1() {
        let why = cxl_forbids(true, QEMU).unwrap();
        assert_eq!(why, "CXL memory under KVM needs QEMU 11.1, found 10.0.2");
        assert!(cxl_forbids(true, "QEMU, of a kind").unwrap().ends_with("found an unknown version"));
        assert_eq!(cxl_forbids(true, "QEMU emulator version 11.1.3"), None);
        assert_eq!(cxl_forbids(false, QEMU), None);
    }

    #[test]
    fn a_device_that_is_not_there_is_a_no_without_a_guest() {
        let why = closed(Path::new("/nonexistent/kvm")).unwrap();
        assert_eq!(why, "there is no /nonexistent/kvm");
    }
}
