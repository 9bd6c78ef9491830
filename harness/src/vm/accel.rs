//! Chooses what runs a guest on the real clock: KVM, if a guest has run to its end under it, else TCG.
//!
//! That `/dev/kvm` opens proves nothing: inside some virtual machines the firmware runs under it and Linux never starts. So
//! a small guest is booted once for each machine and QEMU, and the cache keeps the result. A failure is cached only if the
//! same guest runs under TCG; otherwise it may be the kernel's.

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

/// A guest under working KVM takes a second or two. If KVM does not work, the probe takes this long.
const KVM_LIMIT: Duration = Duration::from_secs(20);

/// Under TCG the same guest takes five seconds, on a busy host more.
const TCG_LIMIT: Duration = Duration::from_secs(60);

/// The memory of the probe guest.
const MEMORY: Bytes = Bytes(256 << 20);

/// The oldest QEMU in which KVM guests survive an access to CXL memory: before, its pages are emulated, and KVM cannot
/// emulate every instruction.
fn cxl_under_kvm() -> Version {
    Version::of(11, 1)
}

/// What decides whether KVM works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct KvmHost {
    cpu: String,
    /// Whether the processor has VMX or SVM: an outer hypervisor may turn it on later.
    virtualization: bool,
    kernel: String,
    /// Device number, mode and owner.
    device: String,
    qemu: String,
}

impl KvmHost {
    fn of(qemu: &str) -> io::Result<KvmHost> {
        let info = fs::read_to_string("/proc/cpuinfo")?;
        let value = |key: &str| {
            let line = info.lines().find(|line| line.split(':').next().is_some_and(|k| k.trim() == key));
            line.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned())).unwrap_or_default()
        };
        let stat = fs::metadata(DEVICE)?;
        Ok(KvmHost {
            cpu: value("model name"),
            virtualization: value("flags").split(' ').any(|flag| flag == "vmx" || flag == "svm"),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            device: format!("{:x} {:o} {}:{}", stat.rdev(), stat.mode(), stat.uid(), stat.gid()),
            qemu: qemu.to_owned(),
        })
    }
}

impl CachedProbe for KvmHost {
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
    if let Some(why) = unusable(Path::new(DEVICE)).or_else(|| cxl_forbids(cxl, &tools.qemu_version)) {
        return Ok(Accelerator::Tcg(why));
    }
    let host = KvmHost::of(&tools.qemu_version)?;
    let _one_at_a_time = Lock::acquire_if_possible(&cache.join("accelerator.lock"), || {})?;
    if let Some(accelerator) = host.cached(cache) {
        return Ok(accelerator);
    }
    progress.say("kvm: booting a small guest to find out whether KVM works");
    let accelerator = match boots(tools, bzimage, &Accelerator::Kvm, KVM_LIMIT)? {
        Ok(()) => Accelerator::Kvm,
        Err(why) => {
            let why = format!("a guest under KVM did not run to its end: {why}");
            let tcg = Accelerator::Tcg(why);
            if boots(tools, bzimage, &tcg, TCG_LIMIT)?.is_err() {
                return Ok(tcg);
            }
            tcg
        }
    };
    // A cache that cannot be written keeps nothing.
    let _ = host.store(cache, &accelerator);
    Ok(accelerator)
}

/// What is known about KVM on this host, for users. It boots nothing.
pub fn kvm_note(cache: &Path, tools: Option<&Tools>) -> String {
    let device = Path::new(DEVICE);
    let host = tools.and_then(|tools| KvmHost::of(&tools.qemu_version).ok());
    let file = host.as_ref().and_then(|host| host.file(cache).ok());
    let again = file.map(|file| format!(" (remove {} to try again)", file.display())).unwrap_or_default();
    let kvm = match (unusable(device), host.and_then(|host| host.cached(cache))) {
        (Some(why), _) => format!("{why}; `clock: real` uses TCG"),
        (None, Some(Accelerator::Kvm)) => {
            "/dev/kvm works: a guest has run under it; `clock: real` uses it".to_owned()
        }
        (None, Some(Accelerator::Tcg(why))) => {
            format!("/dev/kvm can be opened, but {why}{again}; `clock: real` uses TCG")
        }
        (None, None) => "/dev/kvm can be opened, but has not been tried; the first run with `clock: real` \
                         (damonlab run idle --clock real) boots a guest to find out"
            .to_owned(),
    };
    format!("note: {kvm}. The virtual clock, whose runs are repeatable, needs no KVM")
}

/// Why the device cannot be opened.
fn unusable(device: &Path) -> Option<String> {
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

/// Whether a small guest with an empty plan reaches user space and ends, else why not.
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

fn judge(ended: Option<ExitStatus>, console: &str, limit: Duration) -> Result<(), String> {
    let (reached, last) = (probe::has_line(console, READY_MARK), probe::last_line(console));
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

    fn host() -> KvmHost {
        KvmHost {
            cpu: "a processor".into(),
            virtualization: true,
            kernel: "6.1".into(),
            device: "ae8".into(),
            qemu: QEMU.into(),
        }
    }

    #[test]
    fn only_a_guest_that_reached_user_space_and_ended_with_success_proves_that_kvm_works() {
        let (success, aborted) = (ExitStatus::from_raw(0), ExitStatus::from_raw(6));
        let ready = format!("[    0.1] Linux\r\n{READY_MARK}\r\n[    2.0] reboot: Power down\r\n");
        assert_eq!(judge(Some(success), &ready, LIMIT), Ok(()));
        for (ended, console, why) in [
            (None, "", "did not reach user space and did not end within 20 s; its console is empty"),
            (None, ready.as_str(), "reached user space and did not end within 20 s"),
            (
                Some(success),
                "[    0.1] Linux\n",
                "did not reach user space, and QEMU ended with exit status: 0",
            ),
            (
                Some(aborted),
                "x\nqemu: Assertion `a\u{1b}[31m' failed\n\n",
                "the last line of its console: qemu: Assertion `a' failed",
            ),
        ] {
            let reason = judge(ended, console, LIMIT).unwrap_err();
            assert!(reason.contains(why), "{reason}");
        }
    }

    #[test]
    fn a_result_is_cached_with_its_reason_for_this_host_and_qemu_only() {
        let cache = tempfile::tempdir().unwrap();
        let tcg = Accelerator::Tcg("its console is empty".into());
        host().store(cache.path(), &tcg).unwrap();
        assert_eq!(host().cached(cache.path()), Some(tcg));
        let newer = KvmHost { qemu: "QEMU emulator version 11.1.0".into(), ..host() };
        let nested = KvmHost { virtualization: false, ..host() };
        assert_eq!([newer.cached(cache.path()), nested.cached(cache.path())], [None, None]);
    }

    #[test]
    fn cxl_memory_needs_qemu_11_1_under_kvm() {
        let why = cxl_forbids(true, QEMU).unwrap();
        assert_eq!(why, "CXL memory under KVM needs QEMU 11.1, found 10.0.2");
        assert!(cxl_forbids(true, "QEMU, of a kind").unwrap().ends_with("found an unknown version"));
        assert_eq!(cxl_forbids(true, "QEMU emulator version 11.1.3"), None);
        assert_eq!(cxl_forbids(false, QEMU), None);
    }

    #[test]
    fn a_missing_device_needs_no_guest() {
        let why = unusable(Path::new("/nonexistent/kvm")).unwrap();
        assert_eq!(why, "there is no /nonexistent/kvm");
    }
}
