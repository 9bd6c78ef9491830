//! Runs the guest of a recording again, stops it where the user wants to look, and lets a debugger attach.

pub use super::debug_error::DebugError;
use super::guest_run::run_plan;
use super::run_env::RunEnv;
use super::scenario_source::ScenarioSource;
pub use super::stop_point::{ParseStopPointError, StopPoint};
use super::stop_target::{self, Target};
use crate::host::paths::quoted;
use crate::host::text::shown;
use crate::machine::Machine;
use crate::recording::{Recording, RunInputs};
use crate::vm::{self, Launch, Stopped, Timing};
use damonlab_protocol::plan::Plan;
use damonlab_protocol::units::Nanos;
use std::fmt;
use std::path::Path;

/// A stopped guest, and the commands that attach a debugger.
pub struct Session {
    /// The guest, which ends when this is dropped.
    pub stopped: Stopped,
    target: Target,
    vmlinux: Option<String>,
    function: Option<String>,
}

/// Runs the guest of a recording up to a stop point.
///
/// # Errors
/// The recording does not repeat, or has no such stop point; QEMU failed; the user asked to stop.
pub fn debug(env: &RunEnv, inputs: &RunInputs, at: &StopPoint, logs: &Path) -> Result<Session, DebugError> {
    let (false, true, Some(store)) = (inputs.meta.booted, inputs.meta.clock.is_virtual(), &env.checkpoints)
    else {
        let why = "its guest was booted, or ran on the real clock, and did not start from a checkpoint";
        return Err(DebugError::DoesNotRepeat { recording: shown(&inputs.dir).to_string(), why });
    };
    let target = match &inputs.meta.without_results {
        None => stop_target::of_recording(&Recording::load(&inputs.dir)?, at)?,
        Some(how) => stop_target::without_results(inputs, how, at, || ready_point(env, inputs))?,
    };
    let machine = Machine::of(&inputs.scenario)?;
    let launch = Launch {
        tools: &env.tools,
        bzimage: &env.image.bzimage,
        system_map: env.image.system_map(),
        agent: env.agent,
        machine: &machine.argv,
        timing: Timing::Virtual(env.instruction_cost()),
        sandbox: env.sandbox().map_err(DebugError::Vm)?,
        plan: &inputs.plan,
        clocks: &inputs.scenario.clocks,
        results: logs,
        checkpoints: Some(store),
        describe: &env.image.describe,
    };
    let stopped = vm::stop_after(&launch, store, target.after)?;
    let map = env.image.system_map();
    let symbols = map.and_then(|map| std::fs::read_to_string(map).ok()).unwrap_or_default();
    let function = target.break_at.as_ref().and_then(|at| at.function(&symbols));
    let vmlinux = env.image.vmlinux.as_ref().map(|path| quoted(&path.to_string_lossy()));
    Ok(Session { stopped, target, vmlinux, function })
}

/// The ready point of the recording's guest. It is one of the checkpoint's, so a guest without a step has the same.
fn ready_point(env: &RunEnv, inputs: &RunInputs) -> Result<Nanos, DebugError> {
    let out = tempfile::tempdir()?;
    let env = RunEnv { out: out.path().to_owned(), ..env.clone() };
    let RunInputs { scenario, scenario_text, .. } = inputs;
    let source = ScenarioSource { scenario: scenario.clone(), text: scenario_text.clone() };
    let machine = Machine::of(&source.scenario)?;
    let report = run_plan(&env, &source, &machine, &Plan::empty(&scenario.name))?;
    let no = |why: String| DebugError::NoReadyPoint(why);
    if report.judgement.is_none() {
        return Err(no(format!("a guest without a step ended with {}", report.verdict)));
    }
    let ready = Recording::load(&report.dir)?.report.ready_point;
    ready.ok_or_else(|| no("its guest did not say it".to_owned()))
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "STOPPED  before {}", self.target.what)?;
        match &self.vmlinux {
            Some(vmlinux) => writeln!(f, "  symbols   {vmlinux}")?,
            None => writeln!(f, "  symbols   none: the build folder of this kernel now has another kernel")?,
        }
        let mut command = "  attach    gdb".to_owned();
        command.extend(self.vmlinux.iter().map(|vmlinux| format!(" {vmlinux}")));
        command.push_str(&format!(" -ex 'target remote {}'", shown(self.stopped.socket())));
        if let Some(function) = self.function.as_ref().filter(|_| self.vmlinux.is_some()) {
            command.push_str(&format!(" -ex 'break {function}' -ex continue"));
        }
        writeln!(f, "{command}")?;
        if self.target.before > 0 {
            let before = self.target.before;
            writeln!(
                f,
                "  before it {before} events of the same name: `continue` past them (each stop costs some guest time)"
            )?;
        }
        if self.target.hangs {
            writeln!(f, "  hang      `continue`, then Ctrl-C in gdb, stops it later, where it hangs")?;
        }
        writeln!(f, "  end       `kill` in gdb, or Ctrl-C here")
    }
}
