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
pub mod suite;
mod sweep;
mod unsupported_kernel;

pub use repeat::repeat;
pub use run_env::RunEnv;
pub use seeds::{SeedRange, SeedRangeError};
pub use sweep::sweep;
pub use unsupported_kernel::UnsupportedKernel;

use crate::check::Verdict;
use crate::host::fault::Faulty;
use crate::host::interrupt::Interrupted;
use crate::host::lock::LockError;
use crate::host::paths;
use crate::host::progress::Progress;
use crate::host::slots::{self, BadCount, Full, Slot};
use crate::judge::{self, Judgement, Report};
use crate::machine::{Machine, MachineError};
use crate::recording::{self, Meta, RECORDING_VERSION, Recording, RecordingError};
use crate::scenario::{Machines, Scenario, ScenarioError};
use crate::vm::{self, Accelerator, Ended, Ending, Launch, Timing, VmError};
use damonlab_protocol::plan::Plan;
use fs_err as fs;
use host_root::HostRoot;
use std::io;
use std::path::Path;
use std::time::Instant;

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
    let machine = Machine::of(&loaded.scenario)?;
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
            Ok(judge::verdict(&recording))
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
