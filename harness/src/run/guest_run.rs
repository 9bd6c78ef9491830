//! One guest: its slot on this host, its folder, its recording, and the verdict on it.

use super::host_root::HostRoot;
use super::run_env::RunEnv;
use super::run_error::RunError;
use super::scenario_source::ScenarioSource;
use super::unsupported_kernel::UnsupportedKernel;
use super::{emulated_cxl, ending, host_memory};
use crate::check::Verdict;
use crate::host::fault::Faulty;
use crate::host::interrupt::Interrupted;
use crate::host::lock::LockError;
use crate::host::names::EntryName;
use crate::host::paths;
use crate::host::progress::Progress;
use crate::host::slots::{self, Full, Slot};
use crate::judge::{self, Judgement, Report};
use crate::machine::{Argv, Machine};
use crate::recording::{self, Meta, RECORDING_VERSION, Recording, RecordingError};
use crate::scenario::Scenario;
use crate::vm::{self, Accelerator, Ended, Ending, Launch, Timing, VmError};
use damonlab_protocol::plan::Plan;
use fs_err as fs;
use std::io;
use std::path::PathBuf;
use std::time::Instant;

/// Runs one scenario with one seed.
///
/// # Errors
/// What the user has to fix, or Ctrl-C. A failure of the host or of QEMU is a verdict.
pub fn run(env: &RunEnv, source: &ScenarioSource, seed: u64) -> Result<Report, RunError> {
    let machine = Machine::of(&source.scenario)?;
    run_plan(env, source, &machine, &machine.plan(&source.scenario, seed))
}

/// Runs one scenario with a plan that was made from it, now or for an earlier run.
pub(super) fn run_plan(
    env: &RunEnv,
    source: &ScenarioSource,
    machine: &Machine,
    plan: &Plan,
) -> Result<Report, RunError> {
    let scenario = &source.scenario;
    host_memory::check(scenario)?;
    let _slot = slot(scenario)?;
    emulated_cxl::check(env, scenario, machine)?;
    let timing = timing(env, scenario);
    let started = Instant::now();
    let guest = GuestRun::begin(env, source, plan)?;
    let host_root = scenario.host_root.then(|| HostRoot::new(&env.image, &env.tools)).transpose();
    let host_root = host_root.map_err(RunError::Results)?;
    let mut argv = machine.argv.clone();
    argv.qemu.extend(host_root.iter().flat_map(HostRoot::arguments));
    let ended = timing.and_then(|timing| vm::run(&guest.launch(&argv, timing)));
    let (verdict, judgement, notes) = guest.judge(ended)?;
    Ok(Report {
        scenario: scenario.name.clone(),
        summary: scenario.summary.clone(),
        machine: machine_name(scenario),
        kernel: env.image.describe.clone(),
        dir: guest.dir,
        verdict,
        judgement,
        notes,
        guest_time: scenario.guest_time().into(),
        wall_time: Some(started.elapsed()),
        repeated: None,
    })
}

/// What a guest is started from, and the folder of its recording.
struct GuestRun<'a> {
    env: &'a RunEnv,
    source: &'a ScenarioSource,
    plan: &'a Plan,
    dir: PathBuf,
}

impl<'a> GuestRun<'a> {
    fn begin(env: &'a RunEnv, source: &'a ScenarioSource, plan: &'a Plan) -> Result<GuestRun<'a>, RunError> {
        let ScenarioSource { scenario, text } = source;
        let dir = recording::make_folder(&env.out, &scenario.name).map_err(RunError::Results)?;
        recording::begin(&dir, text, scenario.machine_file.as_ref(), plan).map_err(RunError::Results)?;
        Ok(GuestRun { env, source, plan, dir })
    }

    fn launch<'b>(&'b self, argv: &'b Argv, timing: Timing) -> Launch<'b> {
        Launch {
            tools: &self.env.tools,
            bzimage: &self.env.image.bzimage,
            agent: self.env.agent,
            machine: argv,
            timing,
            plan: self.plan,
            clocks: &self.source.scenario.clocks,
            results: &self.dir,
            checkpoints: self.env.checkpoints.as_ref(),
            describe: &self.env.image.describe,
        }
    }

    /// The verdict on a guest that ended, and the notes about it.
    fn judge(
        &self,
        ended: Result<Ended, VmError>,
    ) -> Result<(Verdict, Option<Judgement>, Vec<String>), RunError> {
        match ended {
            Ok(Ended { ending: Ending::Delivered, notes, booted }) => {
                let (verdict, judgement) = self.judge_recording(booted)?;
                Ok((verdict, judgement, notes))
            }
            Ok(Ended { ending, notes, .. }) => Ok((ending::verdict(&ending, &self.dir), None, notes)),
            Err(error) if error.is_interrupt() => {
                fs::remove_dir_all(&self.dir).map_err(RunError::Results)?;
                Err(Interrupted.into())
            }
            Err(error) => Ok((Verdict::Infra(error.to_string()), None, Vec::new())),
        }
    }

    /// The verdict on a guest that delivered its results.
    fn judge_recording(&self, booted: bool) -> Result<(Verdict, Option<Judgement>), RunError> {
        let recording = match self.finish(booted) {
            Ok(recording) => recording,
            // The disk of the host failed. Any other error is about what the guest sent.
            Err(RecordingError::Io(cause)) => return Ok((Verdict::Infra(cause.to_string()), None)),
            // Which results there are is up to the scenario.
            Err(error @ RecordingError::TooMuch { .. }) => {
                return Ok((Verdict::Infra(error.to_string()), None));
            }
            Err(error) => return Ok((Verdict::Fail(vec![ending::unreadable(&error)]), None)),
        };
        let (scenario, kernel) = (&self.source.scenario.name, &self.env.image.describe);
        if let Some(error) = UnsupportedKernel::of(&recording.report, scenario, kernel) {
            fs::remove_dir_all(&self.dir).map_err(RunError::Results)?;
            return Err(error.into());
        }
        Ok(judge::verdict(&recording))
    }

    fn finish(&self, booted: bool) -> Result<Recording, RecordingError> {
        let GuestRun { env, source: ScenarioSource { scenario, .. }, plan, dir } = self;
        let meta = Meta {
            version: RECORDING_VERSION,
            scenario: EntryName::new(&*scenario.name).map_err(io::Error::other)?,
            machine: machine_name(scenario),
            kernel: env.image.describe.clone(),
            kernel_key: env.image.key.clone(),
            qemu: env.tools.qemu_version.clone(),
            seed: plan.seed,
            booted,
            agent: Some(recording::agent_digest(env.agent)),
            sealed: true,
            clock: scenario.clock,
            pace: env.instruction_cost(),
        };
        recording::finish(dir, &meta)?;
        Recording::load(dir)
    }
}

/// What drives guest time. On the real clock, the accelerator is also reported.
fn timing(env: &RunEnv, scenario: &Scenario) -> Result<Timing, VmError> {
    if scenario.clock.is_virtual() {
        return Ok(Timing::Virtual(env.instruction_cost()));
    }
    let cxl = !scenario.machine.cxl.is_empty();
    let progress = Progress::stderr();
    let accelerator =
        vm::choose_accelerator(&paths::cache()?, &env.tools, &env.image.bzimage, cxl, &progress)?;
    let name = match &accelerator {
        Accelerator::Kvm => "KVM".to_owned(),
        Accelerator::Tcg(why) => format!("TCG: {why}"),
    };
    progress.say(&format!("run: {}: on the real clock, under {name}", scenario.name));
    Ok(Timing::Real(accelerator))
}

/// One of the slots of this host, to be kept until the guest ends. Its memory includes that of CXL devices, which QEMU
/// allocates besides `-m`.
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
