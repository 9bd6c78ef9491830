//! What the trials share: tools and a kernel, found or built once, or the reason why there are none; and helpers.

use damonlab::check::Verdict;
use damonlab::host::{interrupt, progress::Progress, variables};
use damonlab::judge::Report;
use damonlab::kernel::{self, Origins, Request};
use damonlab::report;
use damonlab::run::{self, RunEnv, ScenarioSource};
use damonlab::scenario::ScenarioError;
use damonlab::setup::{self, Env};
use damonlab::vm;
use damonlab::vm::checkpoint::Store;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{OnceLock, PoisonError, RwLock};
use tempfile::TempDir;

/// Why there are no tools or no kernel.
#[derive(Debug, Clone)]
enum NoRunEnv {
    /// Something is missing, and no variable tells the tests to install or build it.
    Missing(String),
    /// Installing or building failed.
    Failed(String),
}

/// Runs the trials that the command line selects. If all trials were selected, the problems that `afterwards` returns are
/// failures too. Ctrl-C ends guests as it does in the command.
pub fn main(trials: Vec<Trial>, afterwards: impl FnOnce() -> Vec<String>) -> ExitCode {
    let arguments = Arguments::from_args();
    if let Err(error) = variables::check() {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    if let Err(cause) = interrupt::listen() {
        eprintln!("cannot listen for Ctrl-C: {cause}");
        return ExitCode::FAILURE;
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    let problems = if conclusion.num_filtered_out == 0 { afterwards() } else { Vec::new() };
    problems.iter().for_each(|problem| eprintln!("{problem}"));
    if problems.is_empty() { conclusion.exit_code() } else { ExitCode::FAILURE }
}

/// A check, which returns what is wrong.
pub type Check = fn(&RunEnv) -> Result<(), Box<dyn Error>>;

/// Fails with `found` unless `condition` is true.
pub fn ensure(condition: bool, found: impl std::fmt::Debug) -> Result<(), Box<dyn Error>> {
    if condition { Ok(()) } else { Err(format!("{found:?}").into()) }
}

/// `env` with results in a temporary folder, which is removed with the second value.
pub fn with_own_results(env: &RunEnv) -> io::Result<(RunEnv, TempDir)> {
    let out = tempfile::tempdir()?;
    Ok((RunEnv { out: out.path().to_owned(), ..env.clone() }, out))
}

/// A scenario of `scenarios/`.
pub fn shipped(name: &str) -> Result<ScenarioSource, Box<ScenarioError>> {
    ScenarioSource::from(&damonlab::bundled::home().join(format!("scenarios/{name}.yaml")))
}

/// The report of a run with seed 0, which has to pass.
pub fn pass(env: &RunEnv, source: &ScenarioSource) -> Result<Report, Box<dyn Error>> {
    let report = run::run(env, source, 0)?;
    if report.verdict == Verdict::Pass { Ok(report) } else { Err(report::full_text(&report).into()) }
}

/// The trials of a table of names and checks.
pub fn checks(table: &[(&'static str, Check)]) -> Vec<Trial> {
    table.iter().map(check).collect()
}

fn check((name, check): &(&'static str, Check)) -> Trial {
    let check = *check;
    trial(*name, move |env| {
        check(env)?;
        Ok(Completion::Completed)
    })
}

/// Most trials run side by side. A trial that loads the host runs alone.
static HOST: RwLock<()> = RwLock::new(());

/// A trial that needs tools and a kernel. If something is missing, the trial is ignored with the reason.
pub fn trial(
    name: impl Into<String>,
    check: impl FnOnce(&RunEnv) -> Result<Completion, Failed> + Send + 'static,
) -> Trial {
    Trial::ignorable_test(name, move || {
        let _beside_others = HOST.read().unwrap_or_else(PoisonError::into_inner);
        with_env(check)
    })
}

/// The same, while no other trial runs.
pub fn alone(
    name: impl Into<String>,
    check: impl FnOnce(&RunEnv) -> Result<Completion, Failed> + Send + 'static,
) -> Trial {
    Trial::ignorable_test(name, move || {
        let _alone = HOST.write().unwrap_or_else(PoisonError::into_inner);
        with_env(check)
    })
}

fn with_env(trial: impl FnOnce(&RunEnv) -> Result<Completion, Failed>) -> Result<Completion, Failed> {
    match run_env() {
        Ok(env) => trial(env),
        Err(NoRunEnv::Missing(reason)) => ignored(reason.clone()),
        Err(NoRunEnv::Failed(reason)) => Err(Failed::from(reason)),
    }
}

/// The result of a trial that this host cannot run: ignored, or a failure with `DAMONLAB_REQUIRE=vm`.
pub fn ignored(reason: String) -> Result<Completion, Failed> {
    if variables::is(variables::REQUIRE, "vm") {
        Err(Failed::from(reason))
    } else {
        Ok(Completion::ignored_with(reason))
    }
}

/// Tools and kernel, prepared once in a process.
fn run_env() -> Result<&'static RunEnv, &'static NoRunEnv> {
    static ENV: OnceLock<Result<RunEnv, NoRunEnv>> = OnceLock::new();
    ENV.get_or_init(prepare).as_ref()
}

fn prepare() -> Result<RunEnv, NoRunEnv> {
    let env = Env::machine().map_err(failed)?;
    let progress = Progress::stderr();
    let install = variables::is(variables::SETUP, "1");
    if install {
        setup::install(&env, &progress).map_err(failed)?;
    }
    let given = variables::value(variables::KERNEL).map(PathBuf::from);
    let checkpoints = Store::of(&env.cache);
    let origins = Origins::of(env);
    let named = |kernel| Request::parse(kernel, &origins);
    let request = given.as_deref().map_or_else(|| Ok(Request::default()), named).map_err(failed)?;
    let tools = setup::tools(&origins.env, request.work())
        .map_err(|missing| NoRunEnv::Missing(missing.to_string()))?;
    // A build takes minutes, so it needs a variable that requests it.
    let may_build = given.is_some() || may_build();
    let image = match kernel::ready(&request, &origins).map_err(failed)? {
        Some(image) => image,
        None if may_build => kernel::obtain(&request, &origins, &progress).map_err(failed)?,
        None => {
            let command = setup::ourselves("kernel build");
            return Err(NoRunEnv::Missing(format!("no kernel is built; `{command}` builds it")));
        }
    };
    let out = damonlab::bundled::home().join("results");
    Ok(RunEnv { tools, image, agent: vm::AGENT, out, checkpoints: Some(checkpoints) })
}

/// Whether a variable asks for what takes minutes.
pub fn may_build() -> bool {
    variables::is(variables::SETUP, "1") || variables::is(variables::REQUIRE, "vm")
}

fn failed(error: impl std::fmt::Display) -> NoRunEnv {
    NoRunEnv::Failed(error.to_string())
}
