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
use crate::host::slots::{self, Slot};
use crate::judge::{self, Judgement, Report};
use crate::machine::{Argv, Machine};
use crate::recording::{self, AcceleratorName, HostLoad, Meta, RECORDING_VERSION, Recording, RecordingError};
use crate::scenario::Scenario;
use crate::vm::{self, Accelerator, Ended, Ending, Launch, Sandbox, Timing, VmError};
use damonlab_protocol::plan::Plan;
use fs_err as fs;
use std::io;
use std::path::PathBuf;
use std::time::Instant;

/// How often a scenario is run whose host is too busy for the real clock.
const ATTEMPTS: usize = 3;

/// Runs one scenario with one seed; again, if the host was too busy for a verdict.
///
/// # Errors
/// What the user has to fix, or Ctrl-C. A failure of the host or of QEMU is a verdict.
pub fn run(env: &RunEnv, source: &ScenarioSource, seed: u64) -> Result<Report, RunError> {
    let machine = Machine::of(&source.scenario)?;
    let plan = machine.plan(&source.scenario, seed);
    until_stable(|| run_plan(env, source, &machine, &plan))
}

/// Calls `run` until its report is not unstable, [`ATTEMPTS`] times at most. Of unstable runs the last recording stays.
fn until_stable(mut run: impl FnMut() -> Result<Report, RunError>) -> Result<Report, RunError> {
    let mut earlier = Vec::new();
    loop {
        let mut report = run()?;
        match &report.verdict {
            Verdict::Unstable(why) if earlier.len() + 1 < ATTEMPTS => {
                earlier.push(format!("run again, because an attempt was unstable: {why}"));
                fs::remove_dir_all(&report.dir).map_err(RunError::Results)?;
            }
            _ => {
                report.notes.append(&mut earlier);
                return Ok(report);
            }
        }
    }
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
    let accelerator = timing.as_ref().ok().map(Timing::accelerator);
    let launched = timing.and_then(|timing| Ok((timing, env.sandbox()?)));
    let ended = launched.and_then(|(timing, sandbox)| vm::run(&guest.launch(&argv, timing, sandbox)));
    let (verdict, judgement, notes) = guest.judge(ended, accelerator)?;
    Ok(Report {
        scenario: scenario.name.clone(),
        summary: scenario.summary.clone(),
        machine: machine_name(scenario),
        kernel: env.image.describe.clone(),
        qemu: Some(env.tools.qemu_version.clone()),
        clock: scenario.clock,
        accelerator,
        dir: guest.dir,
        verdict,
        judgement,
        intended: Vec::new(),
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
        recording::begin(&dir, scenario, text, plan).map_err(RunError::Results)?;
        Ok(GuestRun { env, source, plan, dir })
    }

    fn launch<'b>(&'b self, argv: &'b Argv, timing: Timing, sandbox: Sandbox) -> Launch<'b> {
        Launch {
            tools: &self.env.tools,
            bzimage: &self.env.image.bzimage,
            system_map: self.env.image.system_map(),
            agent: self.env.agent,
            machine: argv,
            timing,
            sandbox,
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
        accelerator: Option<AcceleratorName>,
    ) -> Result<(Verdict, Option<Judgement>, Vec<String>), RunError> {
        match ended {
            Ok(Ended { ending: Ending::Delivered, notes, booted, load }) => {
                let (verdict, judgement) = self.judge_recording(booted, accelerator, self.shown(load))?;
                Ok((verdict, judgement, notes))
            }
            Ok(Ended { ending, mut notes, booted, load }) => {
                let verdict = ending::verdict(&ending, &self.dir);
                let meta =
                    self.meta(booted, accelerator, self.shown(load), ending::without_results(&verdict));
                // The verdict stands without it.
                if let Err(cause) = meta.and_then(|meta| recording::finish(&self.dir, &meta)) {
                    notes.push(format!(
                        "the run cannot be replayed, as its recording was not completed: {cause}"
                    ));
                }
                Ok((judge::on_busy_host(verdict, self.shown(load).as_ref()), None, notes))
            }
            Err(error) if error.is_interrupt() => {
                fs::remove_dir_all(&self.dir).map_err(RunError::Results)?;
                Err(Interrupted.into())
            }
            Err(error) => Ok((Verdict::Infra(error.to_string()), None, Vec::new())),
        }
    }

    /// The load of the host, on the clock on which a guest feels it.
    fn shown(&self, load: Option<HostLoad>) -> Option<HostLoad> {
        load.filter(|_| !self.source.scenario.clock.is_virtual())
    }

    /// The verdict on a guest that delivered its results.
    fn judge_recording(
        &self,
        booted: bool,
        accelerator: Option<AcceleratorName>,
        load: Option<HostLoad>,
    ) -> Result<(Verdict, Option<Judgement>), RunError> {
        let recording = match self.finish(booted, accelerator, load) {
            // Those of files have another place in the recording than on the command line.
            Ok(mut recording) => {
                recording.scenario.rules.clone_from(&self.source.scenario.rules);
                recording
            }
            Err(RecordingError::Io(cause)) if !ending::is_the_guests(&cause) => {
                return Ok((Verdict::Infra(cause.to_string()), None));
            }
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

    fn finish(
        &self,
        booted: bool,
        accelerator: Option<AcceleratorName>,
        load: Option<HostLoad>,
    ) -> Result<Recording, RecordingError> {
        recording::finish(&self.dir, &self.meta(booted, accelerator, load, None)?)?;
        Recording::load(&self.dir)
    }

    fn meta(
        &self,
        booted: bool,
        accelerator: Option<AcceleratorName>,
        load: Option<HostLoad>,
        without_results: Option<&str>,
    ) -> io::Result<Meta> {
        let GuestRun { env, source: ScenarioSource { scenario, .. }, plan, .. } = self;
        Ok(Meta {
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
            chosen_accelerator: accelerator.filter(|_| !scenario.clock.is_virtual()),
            pace: env.instruction_cost(),
            formulas: env.image.facts.formulas.clone(),
            load,
            without_results: without_results.map(str::to_owned),
        })
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
    Slot::acquire(slots::count(), memory, &scenario.name).map_err(|error| match error {
        LockError::Interrupted(stop) => stop.into(),
        error @ LockError::Io { .. } => RunError::Slot(error),
    })
}

fn machine_name(scenario: &Scenario) -> Option<String> {
    scenario.machine_file.as_ref().map(|file| file.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::rejudge;
    use crate::recording::testing;
    use std::path::Path;

    /// A report of the next run below `out`.
    fn report(out: &Path, verdict: Verdict) -> Report {
        let dir = recording::make_folder(out, "idle").unwrap();
        testing::copy("pull-push-short", &dir);
        Report { verdict, ..rejudge(&dir).unwrap() }
    }

    fn attempts(verdicts: &[Verdict]) -> (Report, usize, usize) {
        let out = tempfile::tempdir().unwrap();
        let mut runs = 0;
        let last = until_stable(|| {
            runs += 1;
            Ok(report(out.path(), verdicts[runs - 1].clone()))
        });
        (last.unwrap(), runs, fs::read_dir(out.path().join("idle")).unwrap().count())
    }

    #[test]
    fn a_run_on_a_busy_host_is_repeated_and_the_report_says_so() {
        let (report, runs, folders) = attempts(&[Verdict::Unstable("busy".into()), Verdict::Pass]);
        assert_eq!((report.verdict, runs, folders), (Verdict::Pass, 2, 1));
        assert_eq!(report.notes, ["run again, because an attempt was unstable: busy"]);
    }

    #[test]
    fn a_host_that_stays_busy_is_reported_after_the_third_run() {
        let busy = Verdict::Unstable("busy".into());
        let (report, runs, folders) = attempts(&[busy.clone(), busy.clone(), busy.clone(), Verdict::Pass]);
        assert_eq!((report.verdict, runs, folders), (busy, 3, 1));
    }

    #[test]
    fn a_failure_is_not_repeated() {
        let fail = Verdict::Fail(Vec::new());
        assert_eq!(attempts(&[fail.clone(), Verdict::Pass]).1, 1);
    }
}
