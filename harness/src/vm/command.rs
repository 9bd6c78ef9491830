//! The command line of virtme-ng: pure text from a machine, a kernel and a run folder.
//!
//! virtme-ng composes QEMU's line and appends `--qemu-opts` at its end, where later options win.
//! It joins everything into one line for a shell, so no word here may need quoting, but for the kernel's,
//! which are constants; the run folder's path is checked for that.

use super::error::VmError;
use super::run_folder::file;
use super::timing::Timing;
use crate::machine::Argv;
use crate::scenario::InstructionCost;
use damonlab_protocol::plan::{FW_CFG_NAME, RESULTS_PORT};
use std::ffi::OsString;
use std::path::Path;

/// The virtual clock: an instruction takes 8 ns of guest time, or what else the pace says, idle time takes none of ours, and the
/// guest's calendar begins on a fixed day.
///
/// The CPU has no fast string instructions: with them the kernel copies and clears memory by `rep movsb`, and
/// under icount QEMU goes through its main loop for every byte. Without them it takes eight bytes at a time.
///
/// `rr=record` is there for the lock that comes with it, not for the record. Without it QEMU's main loop
/// may look at the clock between the moment when a virtual CPU halts and the one when its last
/// instructions are added to the clock (QEMU 10.0.2, `rr_cpu_thread_fn`: `icount_process_data` runs before
/// `bql_lock`; `icount_start_warp_timer` needs the BQL alone). It then jumps too far ahead, by
/// microseconds that the host's load decides. In record mode `icount_prepare_for_run` holds the replay
/// mutex until `icount_process_data` lets go of it, and the main loop waits for that mutex. Measured on two
/// loaded cores: three runs, three traces without it; ten runs, one trace with it, for 6 % of wall time.
fn virtual_clock(pace: InstructionCost) -> [String; 6] {
    [
        "-icount".to_owned(),
        format!("shift={},sleep=off,rr=record,rrfile=/dev/null", pace.shift()),
        "-rtc".to_owned(),
        "base=2026-01-01T00:00:00,clock=vm".to_owned(),
        "-cpu".to_owned(),
        "max,-rdrand,-rdseed,-erms,-fsrm,-fzrm,-fsrs,-fsrc".to_owned(),
    ]
}

/// All that the kernel is told. virtme-ng's own words speak of a root and a shell that are not used, and
/// hand on the host's `fs.nr_open`: with them another host would have another trace. (Past some length they
/// move into a file with a random name, too, and that name onto the command line.)
///
/// - `console=ttyS1`: ttyS0 is virtme-ng's standard output; ours carries nothing else.
/// - `pti=on`: the TLB rule (qemu.md section 0); without it DAMON sees what QEMU's TLB hides.
/// - `panic=-1`: with `-no-reboot`, a panic ends QEMU at once.
/// - `oops=panic`: a kdamond that is gone keeps its stop waiting for ever; the scenario's clock would run out.
/// - `damon_stat.enabled=N`: DAMON_STAT holds the only kdamond that may run.
/// - `numa_balancing=disable`: it migrates pages too, and would be taken for DAMOS.
/// - `random.trust_cpu=0 tsc=reliable nokaslr norandmaps`: nothing of the host's gets in.
pub(super) const KERNEL_WORDS: &[&str] = &[
    "console=ttyS1,115200",
    "loglevel=6",
    "panic=-1",
    "oops=panic",
    "nokaslr",
    "norandmaps",
    "pti=on",
    "damon_stat.enabled=N",
    "numa_balancing=disable",
    "random.trust_cpu=0",
    "tsc=reliable",
];

/// The arguments of `vng` that boot the kernel of `folder` on `machine`, with everything of the run there.
pub fn arguments(machine: &Argv, folder: &Path, timing: &Timing) -> Result<Vec<OsString>, VmError> {
    let place = shell_safe(folder)?;
    let mut words: Vec<OsString> = ["--run".into(), format!("{place}/{}", file::KERNEL).into()].into();
    words.extend(["--root".into(), format!("{place}/{}", file::ROOT).into()]);
    // Always --disable-kvm: else virtme-ng chooses the accelerator by whether /dev/kvm opens.
    let fixed = ["--disable-kvm", "--force-9p", "--disable-monitor", "--skip-modules", "--disable-microvm"];
    words.extend(fixed.iter().map(OsString::from));
    words.extend(["--user", "root"].iter().map(OsString::from));
    words.extend(machine.vng().into_iter().map(OsString::from));
    words.push(format!("--qemu-opts={}", qemu(machine, place, timing).join(" ")).into());
    Ok(words)
}

/// What the kernel is told on this machine.
fn kernel_words(machine: &Argv) -> Vec<&str> {
    KERNEL_WORDS.iter().copied().chain(machine.kernel.iter().map(String::as_str)).collect()
}

fn qemu(machine: &Argv, place: &str, timing: &Timing) -> Vec<String> {
    let socket = |id: &str, name: &str| format!("socket,id={id},path={place}/{name},server=on,wait=off");
    let mut words: Vec<String> = match timing {
        Timing::Virtual(pace) => virtual_clock(*pace).into(),
        Timing::Real(accelerator) => accelerator.words().map(str::to_owned).into(),
    };
    words.extend(machine.qemu.iter().cloned());
    let own = [
        "-no-reboot".to_owned(),
        // The guest's ready point (the agent's ready_point.rs): virtme-ng's watchdog card stops the machine.
        "-action".to_owned(),
        "watchdog=pause".to_owned(),
        // The kernel's first tick would come from it, and QEMU's timer goes on a hundred times a second after
        // the kernel has turned to the local APIC; each time wakes the main loop and the CPU.
        "-machine".to_owned(),
        "hpet=off".to_owned(),
        // No CD-ROM, no floppy: nothing that the guest did not ask for.
        "-nodefaults".to_owned(),
        // With an ioeventfd QEMU's main loop serves a device, hvc0 among them, at the host's pace while the
        // kernel spins for it. Record mode turns them off too; said here for a clock without it.
        "-global".to_owned(),
        "virtio-pci.ioeventfd=off".to_owned(),
        "-initrd".to_owned(),
        format!("{place}/{}", file::INITRD),
        // The last -append is the one that counts. One word to QEMU: the shell takes the quotes away.
        "-append".to_owned(),
        format!("'{}'", kernel_words(machine).join(" ")),
        "-fw_cfg".to_owned(),
        format!("name={FW_CFG_NAME},file={place}/{}", file::PLAN),
        "-qmp".to_owned(),
        format!("unix:{place}/{},server=on,wait=off", file::QMP),
        "-chardev".to_owned(),
        socket("damonlab-results", file::RESULTS),
        // QEMU makes its sockets in this order, and stops at the first that waits.
        // The console waits for us: a kernel that dies in its first millisecond is heard too.
        "-chardev".to_owned(),
        format!("socket,id=damonlab-console,path={place}/{},server=on,wait=on", file::CONSOLE),
        "-serial".to_owned(),
        "chardev:damonlab-console".to_owned(),
        // bus=pcie.0: after a pxb-cxl the default bus would be the CXL host bridge.
        "-device".to_owned(),
        "virtio-serial-pci,id=damonlab,bus=pcie.0".to_owned(),
        "-device".to_owned(),
        format!("virtserialport,bus=damonlab.0,chardev=damonlab-results,name={RESULTS_PORT}"),
    ];
    words.extend(own);
    words
}

/// The path as text, if a shell and QEMU's comma-separated options take it as it is.
pub(super) fn shell_safe(path: &Path) -> Result<&str, VmError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "/._-+~".contains(c);
    path.to_str().filter(|text| text.chars().all(fits)).ok_or_else(|| VmError::Path { path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::timing::Accelerator;
    use damonlab_protocol::units::Bytes;

    fn machine() -> Argv {
        Argv::plain(Bytes(1 << 30))
    }

    #[test]
    fn no_word_needs_a_shell_quote_but_the_kernels_that_have_theirs() {
        let words =
            arguments(&machine(), Path::new("/tmp/run"), &Timing::Virtual(InstructionCost::Plain)).unwrap();
        for word in words {
            let word = word.into_string().unwrap().replace(&format!("'{}'", KERNEL_WORDS.join(" ")), "");
            assert!(
                !word.contains(['$', ';', '(', ')', '\'', '"', '`', '&', '|', '<', '>', '*', '?']),
                "{word}"
            );
        }
    }

    #[test]
    fn a_path_that_a_shell_would_split_is_refused_with_its_name() {
        let error =
            arguments(&machine(), Path::new("/tmp/my runs/1"), &Timing::Virtual(InstructionCost::Plain))
                .unwrap_err();
        assert!(error.to_string().contains("/tmp/my runs/1"), "{error}");
    }

    #[test]
    fn on_the_real_clock_no_instruction_is_counted_and_the_accelerator_is_the_chosen_one() {
        let tcg = Accelerator::Tcg("for this test".into());
        for (accelerator, word) in [(Accelerator::Kvm, "-accel kvm "), (tcg, "-accel tcg,thread=multi ")] {
            let words = qemu(&machine(), "/tmp/run", &Timing::Real(accelerator)).join(" ") + " ";
            assert!(words.contains(word) && !words.contains("icount"), "{words}");
        }
    }
}
