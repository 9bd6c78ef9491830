//! `damonlab replay`: a recording's run once more.

use super::error::{CliError, VerbResult};
use super::expect_change::ExpectChangeArgs;
use super::kernel_args::BuildArgs;
use super::output::{Closing, Output, OutputArgs, print};
use super::rules_args::RulesArgs;
use super::{exit_status, qemu};
use crate::judge::RuleFileUse;
use crate::kernel::{self, Origins, Request};
use crate::recording::{DIGESTS, RunInputs, Seal};
use crate::report::{self, RunView};
use crate::run::RunEnv;
use crate::run::debug::{self, StopPoint};
use crate::run::replay::{self, Replay, ReplayResult};
use crate::setup::{self, Env, Work};
use crate::vm;
use crate::vm::checkpoint::Store;
use clap::Args;
use std::path::PathBuf;

pub(super) const HELP: &str = "Examples: damonlab replay results/pull-push/0001\n          \
    damonlab replay results/pull-push/0001 --gdb damos_esz:3\n          \
    damonlab replay results/hang/0001 --gdb end\n\n\
    Exit status: 0 if not a byte differs, 1 with the first difference in guest time otherwise. With --rules the verdict of the new run\n\
    counts too.";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A folder with a recording.json.
    #[arg(value_name = "DIR")]
    recording: PathBuf,
    /// Another kernel than the recording's, as for `run`.
    #[arg(long, value_name = "VERSION|DIR|DIR@REF|bzImage")]
    kernel: Option<PathBuf>,
    #[command(flatten)]
    build: BuildArgs,
    #[command(flatten)]
    rules: RulesArgs,
    /// Stop the guest for a debugger: before an event (NAME:NUMBER), at a guest time in seconds, or before the end, which of a
    /// run without results is the last moment that is known: its panic, or when it was found to hang. Nothing is recorded.
    /// gdb cannot step backwards there; an earlier place runs the same instructions up to it.
    #[arg(long, value_name = "EVENT:N|TIME|end", allow_negative_numbers = true)]
    #[arg(conflicts_with_all = ["rules", "out", "quiet", "verbose", "format", "report"])]
    gdb: Option<StopPoint>,
    /// The new recording goes below this folder.
    #[arg(long, default_value = "results", value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn replay(arguments: &Arguments) -> VerbResult {
    let mut output = Output::new("replay", &arguments.output)?;
    let mut inputs = RunInputs::load(&arguments.recording)?;
    let files = arguments.rules.load()?;
    inputs.scenario.add_rules(&files).map_err(Box::new)?;
    let mut rules = RuleFileUse::of(&files);
    let changes = ExpectChangeArgs::default().kept(&inputs.scenario)?;
    can_repeat(&inputs)?;
    if arguments.build.build_in.is_some() && arguments.kernel.is_none() {
        let on = "a replay on the recorded kernel, which is not built".to_owned();
        return Err(CliError::NoEffect { option: "--build-in", on });
    }
    if inputs.seal == Seal::Unsealed {
        let note = format!("replay: the recording is unsealed, made by an older damonlab without {DIGESTS}");
        output.progress().say(&note);
    }
    let env = Env::machine()?;
    let cache = env.cache.clone();
    let progress = output.progress();
    let origins = Origins::of(env);
    let kernel = arguments.kernel.as_deref().map(|word| Request::parse(word, &origins)).transpose()?;
    let kernel = kernel.map(|kernel| arguments.build.request(kernel, &origins)).transpose()?;
    let tools = setup::tools(&origins.env, kernel.as_ref().map_or(Work::Guest, Request::work))?;
    qemu::check([&inputs.scenario], &cache, &tools)?;
    let image = match &kernel {
        Some(request) => kernel::obtain(request, &origins, &progress)?,
        None => replay::image(&inputs, &cache)?,
    };
    // A guest that was booted and one from a checkpoint run differently.
    let checkpoints = (!inputs.meta.booted).then(|| Store::of(&cache));
    let out = std::path::absolute(&arguments.out)?;
    let env = RunEnv { tools, image, agent: vm::AGENT, out, checkpoints };
    let changed = replay::changed_inputs(&inputs, &env);
    changed.iter().for_each(|what| progress.say(&format!("replay: {what}")));
    if let Some(at) = &arguments.gdb {
        return stop(&env, &inputs, at);
    }
    let name = &inputs.meta.scenario;
    output.start(vec![name.to_string()], Some(&env.image.describe))?;
    let line = progress.batch("replay", 1);
    line.begin(name);
    let mut replay = replay::replay(&env, &inputs)?;
    // The new run is judged by what the old one was, and so means to change what that one did.
    replay.report.expect_changes(&changes);
    drop(line);
    output.item(&report::replay(&replay, &inputs.dir, &changed))?;
    rules.add(&replay.report);
    finish(&replay, !arguments.rules.rules.is_empty(), &rules, &mut output)
}

/// Reports the end, and the verdict of the new run where it is `judged`. Gives the exit status.
fn finish(replay: &Replay, judged: bool, rules: &RuleFileUse, output: &mut Output) -> VerbResult {
    if judged {
        output.item(&RunView::of(&replay.report).item())?;
    }
    output.finish(Closing { notes: rules.notes(), ..Closing::default() })?;
    let verdict = exit_status::of_verdict(&replay.report.verdict);
    let compared = match replay.result {
        ReplayResult::Identical(_) | ReplayResult::SameEnd(_) => 0,
        ReplayResult::Different(_) | ReplayResult::OtherEnd { .. } => 1,
        ReplayResult::NoRecording => verdict,
    };
    let status = if judged { verdict.max(compared) } else { compared };
    Ok(exit_status::with_rules(status, rules))
}

/// What ran on the real clock has nothing to be compared with.
fn can_repeat(inputs: &RunInputs) -> Result<(), CliError> {
    match inputs.meta.clock.is_virtual() {
        true => Ok(()),
        false => Err(CliError::NeverRepeats(inputs.meta.scenario.to_string())),
    }
}

/// Stops the guest, prints how to attach to it, and waits until it has ended.
fn stop(env: &RunEnv, inputs: &RunInputs, at: &StopPoint) -> VerbResult {
    let logs = tempfile::tempdir()?;
    let session = debug::debug(env, inputs, at, logs.path())?;
    print(&session.to_string())?;
    session.stopped.wait().map_err(debug::DebugError::Vm)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::super::command::Cli;
    use super::*;
    use crate::check::Verdict;
    use crate::judge::testing::violating;
    use crate::recording::testing;
    use crate::scenario::GuestClock;
    use clap::Parser;
    use std::path::Path;

    #[test]
    fn a_recording_of_the_real_clock_is_refused() {
        let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/pull-push-short");
        let mut inputs = RunInputs::load(&stored).unwrap();
        assert!(can_repeat(&inputs).is_ok());
        inputs.meta.clock = GuestClock::Real;
        let error = can_repeat(&inputs).unwrap_err();
        assert_eq!(error.exit_status(), 2, "{error}");
    }

    #[test]
    fn the_changes_of_the_kept_file_count_for_the_new_run_too() {
        let folder = tempfile::tempdir().unwrap();
        testing::copy("pull-push-short", folder.path());
        let changes = "version: 1\nexpect_changes: {Q2: a new rounding}\n";
        std::fs::write(folder.path().join("introduces.yaml"), changes).unwrap();
        let inputs = RunInputs::load(folder.path()).unwrap();
        let changes = ExpectChangeArgs::default().kept(&inputs.scenario).unwrap();
        let report = violating(&["Q2"]).with_expected_changes(&changes);
        assert_eq!((report.verdict, report.intended.len()), (Verdict::Pass, 1));
    }

    #[test]
    fn a_debugger_leaves_no_recording_and_no_result_to_format() {
        let words = ["damonlab", "replay", "x", "--gdb", "damos_esz:3"];
        assert!(Cli::try_parse_from(words).is_ok());
        for more in [["--out", "y"].as_slice(), &["--format", "json"], &["-v"]] {
            assert!(Cli::try_parse_from(words.iter().chain(more)).is_err(), "{more:?}");
        }
    }
}
