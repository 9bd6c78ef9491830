//! Chooses what runs a guest on the real clock: KVM, if a guest has run to its end under it, else TCG.
//!
//! That `/dev/kvm` opens proves nothing: inside some virtual machines the firmware runs under it and Linux never starts. So
//! a small guest is booted once for each machine and QEMU, and the cache keeps the result. A failure is cached only if the
//! same guest runs under TCG; otherwise it may be the kernel's.

use super::error::VmError;
use super::probe::{self, Limits, Probe};
use super::timing::Accelerator;
use crate::host::lock::Lock;
use crate::host::probe_cache::CachedProbe;
use crate::host::progress::Progress;
use crate::host::text::shown;
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

/// A guest under working KVM takes a second or two; under a nested KVM on a busy host its boot takes a minute, but it never
/// stops printing. If KVM does not work, the probe takes this long.
const KVM_LIMITS: Limits = Limits { silence: Duration::from_secs(20), total: Duration::from_secs(180) };

/// Under TCG the same guest takes five seconds, on a busy host more.
const TCG_LIMITS: Limits = Limits { silence: Duration::from_secs(60), total: Duration::from_secs(180) };

/// The version of this probe: the cached result of an older one is not used.
const PROBE: u32 = 2;

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
    /// [`PROBE`].
    #[serde(default)]
    probe: u32,
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
            probe: PROBE,
        })
    }
}

/// What a process waits for while another one probes.
const WAITS_FOR: &str = "another damonlab to find out whether KVM works";

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
    let _one_at_a_time = Lock::acquire_if_possible(&cache.join("accelerator.lock"), WAITS_FOR)?;
    if let Some(accelerator) = host.cached(cache) {
        return Ok(accelerator);
    }
    progress.say("kvm: booting a small guest to find out whether KVM works");
    let accelerator = match boots(cache, tools, bzimage, &Accelerator::Kvm, KVM_LIMITS)? {
        Ok(()) => Accelerator::Kvm,
        Err(why) => {
            let tcg = Accelerator::Tcg(format!("KVM does not work here: {why}"));
            if boots(cache, tools, bzimage, &tcg, TCG_LIMITS)?.is_err() {
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
    let again = file.map(|file| format!(" (remove {} to try again)", shown(&file))).unwrap_or_default();
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
        io::ErrorKind::NotFound => format!("there is no {}", shown(device)),
        io::ErrorKind::PermissionDenied => format!("this user may not open {}", shown(device)),
        _ => format!("{} cannot be opened: {cause}", shown(device)),
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
    cache: &Path,
    tools: &Tools,
    bzimage: &Path,
    accelerator: &Accelerator,
    limits: Limits,
) -> Result<Result<(), String>, VmError> {
    let mut probe =
        Probe::start(cache, tools, bzimage, accelerator, &Argv::plain(MEMORY), &Plan::empty("probe"))?;
    let ended = probe.wait_for_end(limits)?;
    Ok(judge(ended, &probe.end()?))
}

fn judge(ended: Option<ExitStatus>, console: &str) -> Result<(), String> {
    let (reached, last) = (probe::has_line(console, READY_MARK), probe::last_line(console));
    let moment = if reached { "after the guest had reached" } else { "before the guest reached" };
    match ended {
        Some(status) if status.success() && reached => Ok(()),
        Some(status) => Err(format!("QEMU ended {} {moment} user space; {last}", probe::ended(status))),
        None => Err(format!("the guest hung {} user space; {last}", if reached { "in" } else { "before" })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    const QEMU: &str = "QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)";

    fn host() -> KvmHost {
        KvmHost {
            cpu: "a processor".into(),
            virtualization: true,
            kernel: "6.1".into(),
            device: "ae8".into(),
            qemu: QEMU.into(),
            probe: PROBE,
        }
    }

    #[test]
    fn only_a_guest_that_reached_user_space_and_ended_with_success_proves_that_kvm_works() {
        let (success, aborted) = (ExitStatus::from_raw(0), ExitStatus::from_raw(6));
        let ready = format!("[    0.1] Linux\r\n{READY_MARK}\r\n[    2.0] reboot: Power down\r\n");
        assert_eq!(judge(Some(success), &ready), Ok(()));
        for (ended, console, why) in [
            (None, "", "the guest hung before user space; it printed nothing"),
            (
                None,
                ready.as_str(),
                "the guest hung in user space; its last line: [    2.0] reboot: Power down",
            ),
            (
                Some(success),
                "[    0.1] Linux\n",
                "QEMU ended with status 0 before the guest reached user space; ",
            ),
            (
                Some(aborted),
                "x\nqemu: Assertion `a\u{1b}[31m' failed\n\n",
                "QEMU ended by signal 6 (SIGABRT) before the guest reached user space; its last line: \
                 qemu: Assertion `a' failed",
            ),
        ] {
            let reason = judge(ended, console).unwrap_err();
            assert!(reason.starts_with(why), "{reason}");
        }
    }

    #[test]
    fn the_result_of_an_older_probe_is_not_used() {
        let cache = tempfile::tempdir().unwrap();
        KvmHost { probe: PROBE - 1, ..host() }.store(cache.path(), &Accelerator::Kvm).unwrap();
        assert_eq!(host().cached(cache.path()), None);
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
