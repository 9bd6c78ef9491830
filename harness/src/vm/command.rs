//! The command line of virtme-ng, composed from a machine, a kernel and a run folder. Pure.
//!
//! virtme-ng composes QEMU's command line and appends `--qemu-opts` at its end, where later options win. It joins everything
//! into one line for a shell, so no argument here may need quoting, except those of the kernel, which are constants. The
//! path of the run folder is checked for that.

use super::error::VmError;
use super::run_folder::file;
use super::sandbox::Sandbox;
use super::timing::Timing;
use crate::machine::Argv;
use crate::scenario::InstructionCost;
use damonlab_protocol::plan::{FW_CFG_NAME, RESULTS_PORT};
use std::ffi::OsString;
use std::path::Path;

/// The arguments of the virtual clock: an instruction takes 8 ns of guest time, or the `cost` that the scenario sets, idle
/// time takes no wall time, and the guest's calendar begins on a fixed day.
///
/// The CPU has no fast string instructions: with them the kernel copies and clears memory by `rep movsb`, and under icount
/// QEMU goes through its main loop for every byte. Without them it moves eight bytes at a time.
///
/// `rr=record` is there for its lock, not for the record. Without it QEMU's main loop may read the clock after a virtual CPU
/// halts and before its last instructions are added to the clock (QEMU 10.0.2, `rr_cpu_thread_fn`: `icount_process_data`
/// runs before `bql_lock`; `icount_start_warp_timer` needs the BQL only). The clock then jumps too far ahead, by
/// microseconds that depend on the host's load. In record mode the CPU has the replay mutex from `icount_prepare_for_run`
/// to `icount_process_data`, and the main loop waits for it. Measured on two loaded cores: three runs without it gave
/// three traces, ten runs with it gave one, for 6 % of wall time.
///
/// `ioeventfd=off`: otherwise QEMU's main loop serves the queues of virtio devices, at the host's pace. Record mode turns
/// ioeventfds off too. On the real clock they stay on: without one the CPU's thread serves the queue, and nothing wakes the
/// main loop, which has to read the host's answer.
fn virtual_clock(cost: InstructionCost) -> [String; 8] {
    [
        "-icount".to_owned(),
        format!("shift={},sleep=off,rr=record,rrfile=/dev/null", cost.shift()),
        "-rtc".to_owned(),
        "base=2026-01-01T00:00:00,clock=vm".to_owned(),
        "-cpu".to_owned(),
        "max,-rdrand,-rdseed,-erms,-fsrm,-fzrm,-fsrs,-fsrc".to_owned(),
        "-global".to_owned(),
        "virtio-pci.ioeventfd=off".to_owned(),
    ]
}

/// The kernel's command line, which replaces virtme-ng's. That is about a root and a shell that are not used, and passes on
/// the host's `fs.nr_open`, with which the trace would depend on the host. (Beyond some length virtme-ng moves it into a
/// file with a random name, which it puts onto the command line.)
///
/// - `console=ttyS1`: ttyS0 is virtme-ng's standard output; ttyS1 carries the console only.
/// - `pti=on`: the TLB rule. Without page-table isolation QEMU's TLB hides accesses from DAMON.
/// - `panic=-1`: with `-no-reboot`, a panic ends QEMU at once.
/// - `oops=panic`: to stop a kdamond that has died would wait forever, until the scenario's clock runs out.
/// - `damon_stat.enabled=N`: DAMON_STAT would occupy the only kdamond that may run.
/// - `numa_balancing=disable`: it migrates pages too, which would be attributed to DAMOS.
/// - `random.trust_cpu=0 tsc=reliable nokaslr norandmaps`: no randomness and no clock of the host.
pub(super) const KERNEL_ARGUMENTS: &[&str] = &[
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

/// The kernel's further argument on the real clock. At boot it waits ten ticks by a count of loop passes for the timer, and
/// panics without: "IO-APIC + timer doesn't work!", where a host of load 40 had not run QEMU in between (measured, twice in
/// two runs). KVM guests leave the check out by themselves (`check_timer` and `no_timer_check`, arch/x86/kernel).
pub(super) const ON_THE_REAL_CLOCK: &str = "no_timer_check";

/// The arguments of `vng` that boot the kernel of `folder` on `machine`, with everything of the run there.
pub fn arguments(
    machine: &Argv,
    folder: &Path,
    timing: &Timing,
    sandbox: Sandbox,
) -> Result<Vec<OsString>, VmError> {
    let place = shell_safe(folder)?;
    let mut arguments: Vec<OsString> = ["--run".into(), format!("{place}/{}", file::KERNEL).into()].into();
    arguments.extend(["--root".into(), format!("{place}/{}", file::ROOT).into()]);
    // Without --disable-kvm, virtme-ng chooses the accelerator by whether /dev/kvm opens.
    let fixed = ["--disable-kvm", "--force-9p", "--disable-monitor", "--skip-modules", "--disable-microvm"];
    arguments.extend(fixed.iter().map(OsString::from));
    arguments.extend(["--user", "root"].iter().map(OsString::from));
    arguments.extend(machine.vng().into_iter().map(OsString::from));
    arguments.push(format!("--qemu-opts={}", qemu(machine, place, timing, sandbox).join(" ")).into());
    Ok(arguments)
}

/// The kernel's command line on this machine.
fn kernel_arguments<'a>(machine: &'a Argv, timing: &Timing) -> Vec<&'a str> {
    let real = matches!(timing, Timing::Real(_)).then_some(ON_THE_REAL_CLOCK);
    KERNEL_ARGUMENTS.iter().copied().chain(real).chain(machine.kernel.iter().map(String::as_str)).collect()
}

fn qemu(machine: &Argv, place: &str, timing: &Timing, sandbox: Sandbox) -> Vec<String> {
    let socket = |id: &str, name: &str| format!("socket,id={id},path={place}/{name},server=on,wait=off");
    let mut arguments: Vec<String> = match timing {
        Timing::Virtual(cost) => virtual_clock(*cost).into(),
        Timing::Real(accelerator) => accelerator.arguments().map(str::to_owned).into(),
    };
    arguments.extend(machine.qemu.iter().cloned());
    arguments.extend(sandbox.arguments().iter().map(|argument| (*argument).to_owned()));
    arguments.extend([
        "-no-reboot".to_owned(),
        // The guest's ready point (ready_point.rs of the agent): virtme-ng's watchdog card stops the machine.
        "-action".to_owned(),
        "watchdog=pause".to_owned(),
        // The kernel's first tick would come from the HPET, and QEMU's timer continues a hundred times a second after the
        // kernel has switched to the local APIC; each expiry wakes the main loop and the CPU.
        "-machine".to_owned(),
        "hpet=off".to_owned(),
        // No CD-ROM and no floppy.
        "-nodefaults".to_owned(),
        "-initrd".to_owned(),
        format!("{place}/{}", file::INITRD),
        // The last -append wins. It is one argument for QEMU: the shell removes the quotes.
        "-append".to_owned(),
        format!("'{}'", kernel_arguments(machine, timing).join(" ")),
        "-fw_cfg".to_owned(),
        format!("name={FW_CFG_NAME},file={place}/{}", file::PLAN),
        "-qmp".to_owned(),
        format!("unix:{place}/{},server=on,wait=off", file::QMP),
        "-chardev".to_owned(),
        socket("damonlab-results", file::RESULTS),
        // QEMU makes its sockets in this order, and stops at the first with wait=on. The console is last and waits, so that
        // even a kernel that dies in its first millisecond is recorded.
        "-chardev".to_owned(),
        format!("socket,id=damonlab-console,path={place}/{},server=on,wait=on", file::CONSOLE),
        "-serial".to_owned(),
        "chardev:damonlab-console".to_owned(),
        // After a pxb-cxl the default bus would be the CXL host bridge.
        "-device".to_owned(),
        "virtio-serial-pci,id=damonlab,bus=pcie.0".to_owned(),
        "-device".to_owned(),
        format!("virtserialport,bus=damonlab.0,chardev=damonlab-results,name={RESULTS_PORT}"),
    ]);
    arguments
}

/// The path as text, if it is plain to a shell and to QEMU's comma-separated options.
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
    fn no_argument_needs_quotes_but_those_of_the_kernel_which_have_them() {
        let all = arguments(
            &machine(),
            Path::new("/tmp/run"),
            &Timing::Virtual(InstructionCost::Plain),
            Sandbox::On,
        )
        .unwrap();
        for argument in all {
            let argument =
                argument.into_string().unwrap().replace(&format!("'{}'", KERNEL_ARGUMENTS.join(" ")), "");
            assert!(
                !argument.contains(['$', ';', '(', ')', '\'', '"', '`', '&', '|', '<', '>', '*', '?']),
                "{argument}"
            );
        }
    }

    #[test]
    fn a_path_that_a_shell_would_split_is_refused_with_its_name() {
        let error = arguments(
            &machine(),
            Path::new("/tmp/my runs/1"),
            &Timing::Virtual(InstructionCost::Plain),
            Sandbox::On,
        )
        .unwrap_err();
        assert!(error.to_string().contains("/tmp/my runs/1"), "{error}");
    }

    #[test]
    fn on_the_real_clock_no_instruction_is_counted_and_the_chosen_accelerator_is_used() {
        let tcg = Accelerator::Tcg("for this test".into());
        for (accelerator, expected) in [(Accelerator::Kvm, "-accel kvm "), (tcg, "-accel tcg,thread=multi ")]
        {
            let line = qemu(&machine(), "/tmp/run", &Timing::Real(accelerator), Sandbox::On).join(" ") + " ";
            assert!(line.contains(expected) && !line.contains("icount"), "{line}");
        }
    }

    #[test]
    fn only_the_real_clock_leaves_the_check_of_the_timer_out() {
        for (timing, out) in
            [(Timing::Virtual(InstructionCost::Plain), false), (Timing::Real(Accelerator::Kvm), true)]
        {
            let line = qemu(&machine(), "/tmp/run", &timing, Sandbox::On).join(" ");
            assert_eq!(line.contains(" no_timer_check"), out, "{line}");
        }
    }

    #[test]
    fn only_the_virtual_clock_turns_ioeventfds_off() {
        for (timing, off) in
            [(Timing::Virtual(InstructionCost::Plain), true), (Timing::Real(Accelerator::Kvm), false)]
        {
            let line = qemu(&machine(), "/tmp/run", &timing, Sandbox::On).join(" ");
            assert_eq!(line.contains("-global virtio-pci.ioeventfd=off"), off, "{line}");
        }
    }
}
