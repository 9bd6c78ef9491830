//! One scenario on one kernel: the folder, the guest, the recording, the verdict.

pub mod debug;
mod emulated_cxl;
mod ending;
mod host_memory;
mod host_root;
mod repeat;
pub mod replay;
mod run_env;
mod seeds;
pub mod stored;
pub mod suite;
mod sweep;
mod unsupported_kernel;

pub use repeat::{Repeated, repeat};
pub use run_env::RunEnv;
pub use seeds::{SeedRange, SeedRangeError};
pub use sweep::{Sweep, sweep};
pub use unsupported_kernel::UnsupportedKernel;

use crate::check::{self, Judgement, Verdict};
use crate::host::fault::Faulty;
use crate::host::interrupt::Interrupted;
use crate::host::lock::LockError;
use crate::host::paths;
use crate::host::progress::Progress;
use crate::host::slots::{self, BadCount, Full, Slot};
use crate::machine::{Machine, MachineError};
use crate::recording::{self, Meta, RECORDING_VERSION, Recording, RecordingError};
use crate::scenario::{Machines, Scenario, ScenarioError};
use crate::vm::{self, Accelerator, CONSOLE_LOG, Ended, Ending, Launch, Timing, VmError};
use damonlab_protocol::plan::Plan;
use fs_err as fs;
use host_root::HostRoot;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A scenario and the text it was read from.
#[derive(Debug, Clone)]
pub struct ScenarioSource {
    /// What the text says.
    pub scenario: Scenario,
    /// The text, for the recording.
    pub text: String,
}

impl ScenarioSource {
    /// Reads a scenario's file.
    pub fn from(path: &Path) -> Result<ScenarioSource, Box<ScenarioError>> {
        ScenarioSource::on(path, None)
    }

    /// Reads a scenario's file, to run on a machine that may be another than its own: a name, or a path. Whether
    /// the machine goes with the clock is for the caller, who may overrule that as well.
    pub fn on(path: &Path, machine: Option<&str>) -> Result<ScenarioSource, Box<ScenarioError>> {
        let mut machines = Machines::beside(path);
        if let Some(word) = machine {
            let machine = machines.pick(word)?;
            machines = machines.overruled_by(machine);
        }
        let scenario = Scenario::load_with(path, &machines)?;
        let text = std::fs::read_to_string(path)
            .map_err(|source| ScenarioError::Unreadable { path: path.to_owned(), source })?;
        Ok(ScenarioSource { scenario, text })
    }
}

/// A run that came to a verdict.
#[derive(Debug)]
pub struct Report {
    /// The scenario's name.
    pub scenario: String,
    /// Its summary.
    pub summary: String,
    /// The machine's name, where it has one.
    pub machine: Option<String>,
    /// The kernel, for people.
    pub kernel: String,
    /// The folder with everything.
    pub dir: PathBuf,
    /// The verdict.
    pub verdict: Verdict,
    /// All that was checked, where a recording came.
    pub judgement: Option<Judgement>,
    /// What went another way than usual and made no difference.
    pub notes: Vec<String>,
    /// How much guest time the scenario asks for.
    pub guest_time: Duration,
    /// How long it took; none for a recording that was judged again.
    pub wall_time: Option<Duration>,
    /// What came of repeating it, where that was asked for.
    pub repeated: Option<Repeated>,
}

/// Why there is no verdict, not even [`Verdict::Infra`]: the user's input, or the user's Ctrl-C.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RunError {
    /// The user asked to stop; the unfinished results are gone.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// The machine cannot be put into words.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// The kernel has no DAMON; nothing of the run is kept.
    #[error(transparent)]
    #[diagnostic(transparent)]
    UnsupportedKernel(#[from] UnsupportedKernel),
    /// The scenario asks for what this host, or this QEMU, cannot give.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Scenario(#[from] Box<ScenarioError>),
    /// A small guest that was to show what this QEMU does.
    #[error(transparent)]
    Probe(VmError),
    /// The host does not say how much memory it has.
    #[error("cannot find out how much memory this host has: {0}")]
    Memory(io::Error),
    /// The results folder.
    #[error("cannot write results: {0}")]
    Results(io::Error),
    /// How many slots there are is not to be understood.
    #[error(transparent)]
    Slots(#[from] BadCount),
    /// The host's slots for guests.
    #[error("cannot get a slot for a guest: {0}")]
    Slot(LockError),
}

impl From<VmError> for RunError {
    fn from(error: VmError) -> RunError {
        if error.is_interrupt() { Interrupted.into() } else { RunError::Probe(error) }
    }
}

/// Runs one scenario with one seed.
///
/// # Errors
/// Only what the user has to mend or asked for; a failure of the host or of QEMU is a verdict.
pub fn run(lab: &RunEnv, loaded: &ScenarioSource, seed: u64) -> Result<Report, RunError> {
    let machine = Machine::new(&loaded.scenario.machine)?;
    run_plan(lab, loaded, &machine, &machine.plan(&loaded.scenario, seed))
}

/// Refuses a scenario whose machine this host can never hold.
///
/// # Errors
/// [`RunError::Scenario`] with its line.
pub fn check_host(scenario: &Scenario) -> Result<(), RunError> {
    Ok(host_memory::check(scenario).map_err(RunError::Memory)??)
}

/// Runs one scenario with a plan that was made of it, now or earlier.
fn run_plan(
    lab: &RunEnv,
    loaded: &ScenarioSource,
    machine: &Machine,
    plan: &Plan,
) -> Result<Report, RunError> {
    let scenario = &loaded.scenario;
    check_host(scenario)?;
    let _slot = slot(scenario)?;
    emulated_cxl::check(lab, scenario, machine)?;
    let timing = timing(lab, scenario);
    let started = Instant::now();
    let dir = recording::make_folder(&lab.out, &scenario.name).map_err(RunError::Results)?;
    recording::begin(&dir, &loaded.text, scenario.machine_file.as_ref(), plan).map_err(RunError::Results)?;
    let host_root = scenario.host_root.then(|| HostRoot::new(&lab.image, &lab.tools)).transpose();
    let host_root = host_root.map_err(RunError::Results)?;
    let mut argv = machine.argv.clone();
    argv.qemu.extend(host_root.iter().flat_map(HostRoot::words));
    let launch = |timing| Launch {
        tools: &lab.tools,
        bzimage: &lab.image.bzimage,
        agent: lab.agent,
        machine: &argv,
        timing,
        plan,
        clocks: &scenario.clocks,
        results: &dir,
        checkpoints: lab.checkpoints.as_ref(),
        describe: &lab.image.describe,
    };
    let mut notes = Vec::new();
    let (verdict, judgement) = match timing.and_then(|timing| vm::run(&launch(timing))) {
        Ok(Ended { ending: Ending::Delivered, notes: told, booted }) => {
            notes = told;
            delivered(lab, loaded, plan.seed, booted, &dir)?
        }
        Ok(Ended { ending, notes: told, .. }) => {
            notes = told;
            (ending::verdict(&ending, &dir), None)
        }
        Err(error) if error.is_interrupt() => {
            // Half a recording is of no use to anybody.
            fs::remove_dir_all(&dir).map_err(RunError::Results)?;
            return Err(Interrupted.into());
        }
        Err(error) => (Verdict::Infra(error.to_string()), None),
    };
    Ok(Report {
        scenario: scenario.name.clone(),
        summary: scenario.summary.clone(),
        machine: machine_name(scenario),
        kernel: lab.image.describe.clone(),
        dir,
        verdict,
        judgement,
        notes,
        guest_time: scenario.guest_time().into(),
        wall_time: Some(started.elapsed()),
        repeated: None,
    })
}

/// The verdict on a guest that handed over its results.
fn delivered(
    lab: &RunEnv,
    loaded: &ScenarioSource,
    seed: u64,
    booted: bool,
    dir: &Path,
) -> Result<(Verdict, Option<Judgement>), RunError> {
    match complete(lab, loaded, seed, booted, dir) {
        Ok(recording) => {
            if let Some(unfit) =
                UnsupportedKernel::of(&recording.report, &loaded.scenario.name, &lab.image.describe)
            {
                fs::remove_dir_all(dir).map_err(RunError::Results)?;
                return Err(unfit.into());
            }
            Ok(verdict(&recording))
        }
        // Our own disk, or what the guest sent.
        Err(RecordingError::Io(cause)) => Ok((Verdict::Infra(cause.to_string()), None)),
        Err(error) => Ok((Verdict::Fail(vec![ending::unreadable(&error)]), None)),
    }
}

/// What makes time pass, and on the real clock a word about what runs the guest.
fn timing(lab: &RunEnv, scenario: &Scenario) -> Result<Timing, VmError> {
    if scenario.clock.is_virtual() {
        return Ok(Timing::Virtual(lab.instruction_cost()));
    }
    let cxl = !scenario.machine.cxl.is_empty();
    let progress = Progress::stderr();
    let accelerator =
        vm::choose_accelerator(&paths::cache()?, &lab.tools, &lab.image.bzimage, cxl, &progress)?;
    let what = match &accelerator {
        Accelerator::Kvm => "KVM".to_owned(),
        Accelerator::Tcg(why) => format!("TCG: {why}"),
    };
    progress.say(&format!("run: {}: on the real clock, under {what}", scenario.name));
    Ok(Timing::Real(accelerator))
}

/// One of the host's slots, for as long as the guest lives. CXL memory is QEMU's too, and not in `-m`.
fn slot(scenario: &Scenario) -> Result<Slot, RunError> {
    let memory = scenario.machine.memory();
    let waiting = |full: &Full| Progress::stderr().say(&format!("run: {} waits: {full}", scenario.name));
    Slot::acquire(slots::count()?, memory, waiting).map_err(|error| match error {
        LockError::Interrupted(stop) => stop.into(),
        error @ LockError::Io { .. } => RunError::Slot(error),
    })
}

fn machine_name(scenario: &Scenario) -> Option<String> {
    scenario.machine_file.as_ref().map(|file| file.name.clone())
}

/// Judges a stored recording with today's rules.
pub fn rejudge(dir: &Path) -> Result<Report, RecordingError> {
    let recording = Recording::load(dir)?;
    let (verdict, judgement) = verdict(&recording);
    Ok(Report {
        scenario: recording.meta.scenario.clone(),
        summary: recording.scenario.summary.clone(),
        machine: recording.meta.machine.clone(),
        kernel: recording.meta.kernel.clone(),
        dir: dir.to_owned(),
        verdict,
        judgement,
        notes: Vec::new(),
        guest_time: recording.scenario.guest_time().into(),
        wall_time: None,
        repeated: None,
    })
}

fn complete(
    lab: &RunEnv,
    loaded: &ScenarioSource,
    seed: u64,
    booted: bool,
    dir: &Path,
) -> Result<Recording, RecordingError> {
    let meta = Meta {
        version: RECORDING_VERSION,
        scenario: loaded.scenario.name.clone(),
        machine: machine_name(&loaded.scenario),
        kernel: lab.image.describe.clone(),
        kernel_key: lab.image.key.clone(),
        qemu: lab.tools.qemu_version.clone(),
        seed,
        booted,
        agent: Some(recording::agent_digest(lab.agent)),
        clock: loaded.scenario.clock,
        pace: lab.instruction_cost(),
    };
    recording::finish(dir, &meta)?;
    Recording::load(dir)
}

/// The verdict on a recording; nothing is judged of a machine that is another than the one described, or of a
/// kernel that lacks what the scenario needs.
fn verdict(recording: &Recording) -> (Verdict, Option<Judgement>) {
    if let Some(verdict) = check::other_machine(&recording.report.differences) {
        return (check::known_machine(recording).unwrap_or(verdict), None);
    }
    if let Some(verdict) = unsupported_kernel::lacking(&recording.report, &recording.scenario) {
        return (verdict, None);
    }
    let judgement = judge(recording);
    let verdict = check::known_bugs(recording, &judgement).unwrap_or_else(|| Verdict::of(&judgement));
    (verdict, Some(judgement))
}

/// All checks, and the console's last words: what a kernel prints after the agent has read the log.
fn judge(recording: &Recording) -> Judgement {
    let mut judgement = check::judge(recording);
    let console = std::fs::read(recording.dir.join(CONSOLE_LOG)).unwrap_or_default();
    let mut late = check::kernel_log::scan(CONSOLE_LOG, &String::from_utf8_lossy(&console));
    // The console repeats what the log has; the headline tells whether it is the same report.
    late.retain(|finding| !judgement.findings.iter().any(|known| known.seen == finding.seen));
    late.retain(|finding| !judgement.skipped.iter().any(|(id, _)| *id == finding.id));
    judgement.findings.extend(late);
    judgement
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_of_another_machine_is_no_answer_about_the_kernel() {
        let mut recording = check::testkit::Model::pull_push().recording();
        recording.report.errors.push("which would be a finding".to_owned());
        assert!(matches!(verdict(&recording).0, Verdict::Fail(_)));
        recording.report.differences.push(damonlab_protocol::machine_view::Difference {
            what: "memory tier of node 1".to_owned(),
            wanted: "27".to_owned(),
            seen: "4".to_owned(),
        });
        let (Verdict::Infra(why), None) = verdict(&recording) else { panic!("it is infra, and not judged") };
        assert!(why.ends_with("memory tier of node 1: described 27, seen 4"), "{why}");
    }

    #[test]
    fn a_warning_in_the_log_does_not_hide_a_later_panic_on_the_console() {
        let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/pull-push-short");
        let copy = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(&stored).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
        }
        assert_eq!(rejudge(copy.path()).unwrap().verdict, Verdict::Pass);
        let warning = "WARNING: mm/damon/core.c:1 at damon_test+0x1/0x2, CPU#0: kdamond.0/50";
        let log = copy.path().join("dmesg.txt");
        let text = fs::read_to_string(&log).unwrap();
        fs::write(&log, format!("{text}4,9000000;{warning}\n")).unwrap();
        let console = format!("[    9.000000] {warning}\r\n[    9.5] Kernel panic - not syncing: late\r\n");
        fs::write(copy.path().join(CONSOLE_LOG), console).unwrap();
        let Verdict::Fail(findings) = rejudge(copy.path()).unwrap().verdict else { panic!("it must fail") };
        let files: Vec<_> = findings.iter().map(|finding| finding.evidence[0].file).collect();
        assert!(files.contains(&"dmesg.txt") && files.contains(&CONSOLE_LOG), "{findings:?}");
    }
}
