//! `damonlab replay`: a recording's run once more.

use super::error::CliError;
use super::machine::fit_qemu;
use super::verbs::{VerbResult, say, skips_fail};
use crate::host::progress::Progress;
use crate::kernel::{self, Origins, Request, Source};
use crate::recording::RunInputs;
use crate::report;
use crate::run::RunEnv;
use crate::run::debug::{self, StopPoint};
use crate::run::replay::{self, ReplayResult};
use crate::setup::{self, Env};
use crate::vm;
use crate::vm::checkpoint::Store;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A folder with a recording.json.
    #[arg(value_name = "DIR")]
    recording: PathBuf,
    /// Another kernel than the recording's, as for `run`.
    #[arg(long, value_name = "VERSION|DIR|DIR@REF|bzImage")]
    kernel: Option<PathBuf>,
    /// Stop the guest for a debugger: before an event (NAME:NUMBER), or at a guest time in seconds.
    #[arg(long, value_name = "EVENT:N|TIME")]
    gdb: Option<StopPoint>,
    /// Step backwards, too: not to be had, and this says why.
    #[arg(long, requires = "gdb")]
    reverse: bool,
    /// The new recording goes below this folder.
    #[arg(long, default_value = "results", value_name = "DIR")]
    out: PathBuf,
}

pub(super) fn replay(arguments: &Arguments) -> VerbResult {
    if arguments.reverse {
        return Err(CliError::NoReverse);
    }
    let recipe = RunInputs::load(&arguments.recording)?;
    can_repeat(&recipe)?;
    let env = Env::machine()?;
    let cache = env.cache.clone();
    let progress = Progress::stderr();
    let tools = setup::tools(&env)?;
    fit_qemu([&recipe.scenario], &cache, &tools)?;
    let image = match &arguments.kernel {
        Some(word) => {
            let origins = Origins::of(env);
            kernel::obtain(&Request::of(Source::parse(word, &origins)?), &origins, &progress)?
        }
        None => replay::image(&recipe, &cache)?,
    };
    // A guest that was booted and one from a checkpoint go two ways.
    let checkpoints = (!recipe.meta.booted).then(|| Store::of(&cache));
    let out = std::path::absolute(&arguments.out)?;
    let lab = RunEnv { tools, image, agent: vm::AGENT, out, checkpoints };
    let unlike = replay::changed_inputs(&recipe, &lab);
    for what in &unlike {
        progress.say(&format!("replay: {what}"));
    }
    if let Some(at) = &arguments.gdb {
        return stop(&lab, &recipe, at);
    }
    progress.say(&format!("replay: {} on {}", recipe.meta.scenario, lab.image.describe));
    let replay = replay::replay(&lab, &recipe)?;
    say(&report::replay(&replay, &recipe.dir, &unlike))?;
    Ok(match replay.result {
        ReplayResult::Identical(_) => 0,
        ReplayResult::Different(_) => 1,
        ReplayResult::NoRecording => replay.report.verdict.exit_code(skips_fail()),
    })
}

/// What ran on the real clock has nothing to be compared with.
fn can_repeat(recipe: &RunInputs) -> Result<(), CliError> {
    match recipe.meta.clock.is_virtual() {
        true => Ok(()),
        false => Err(CliError::NeverRepeats(recipe.meta.scenario.clone())),
    }
}

/// Stops the guest, says how to get at it, and stays until it has ended.
fn stop(lab: &RunEnv, recipe: &RunInputs, at: &StopPoint) -> VerbResult {
    let logs = tempfile::tempdir()?;
    let session = debug::debug(lab, recipe, at, logs.path())?;
    say(&session.to_string())?;
    session.stopped.wait().map_err(debug::DebugError::Vm)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::GuestClock;
    use std::path::Path;

    #[test]
    fn a_recording_of_the_real_clock_is_refused() {
        let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/pull-push-short");
        let mut recipe = RunInputs::load(&stored).unwrap();
        assert!(can_repeat(&recipe).is_ok());
        recipe.meta.clock = GuestClock::Real;
        let error = can_repeat(&recipe).unwrap_err();
        assert_eq!(error.exit_status(), 2, "{error}");
    }
}
