//! What the trials share: tools and a kernel, found or made once, or the reason why there are none.

use damonlab::host::{interrupt, paths, progress::Progress};
use damonlab::kernel::{self, Origins, Request, Source};
use damonlab::run::RunEnv;
use damonlab::setup::{self, Env};
use damonlab::vm;
use damonlab::vm::checkpoint::Store;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{OnceLock, PoisonError, RwLock};

/// Why there are no tools or no kernel.
#[derive(Debug, Clone)]
enum NoRunEnv {
    /// Something is not there, and nobody has asked for it.
    Missing(String),
    /// What was asked for could not be done.
    Failed(String),
}

/// Runs the trials that the command line asks for; what `afterwards` complains of is a failure too. Ctrl-C ends
/// guests as it does in the command.
pub fn main(trials: Vec<Trial>, afterwards: impl FnOnce() -> Vec<String>) -> ExitCode {
    let arguments = Arguments::from_args();
    if let Err(cause) = interrupt::listen() {
        eprintln!("cannot listen for Ctrl-C: {cause}");
        return ExitCode::FAILURE;
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    let complaints = if conclusion.num_filtered_out == 0 { afterwards() } else { Vec::new() };
    complaints.iter().for_each(|complaint| eprintln!("{complaint}"));
    if complaints.is_empty() { conclusion.exit_code() } else { ExitCode::FAILURE }
}

/// What a check finds wrong.
pub type Check = fn(&RunEnv) -> Result<(), Box<dyn Error>>;

/// Fails with `else_what` unless `holds`.
pub fn ensure(holds: bool, else_what: impl std::fmt::Debug) -> Result<(), Box<dyn Error>> {
    if holds { Ok(()) } else { Err(format!("{else_what:?}").into()) }
}

/// A table of names and checks as trials.
pub fn checks(table: &[(&'static str, Check)]) -> Vec<Trial> {
    table.iter().map(check).collect()
}

/// A trial of a name and a check.
fn check((name, check): &(&'static str, Check)) -> Trial {
    let check = *check;
    trial(*name, move |lab| {
        check(lab)?;
        Ok(Completion::Completed)
    })
}

/// Guests of most trials run side by side; one that loads the host runs while no other does.
static HOST: RwLock<()> = RwLock::new(());

/// A trial that needs tools and a kernel. Where something is missing it is ignored with the reason.
pub fn trial(
    name: impl Into<String>,
    check: impl FnOnce(&RunEnv) -> Result<Completion, Failed> + Send + 'static,
) -> Trial {
    Trial::ignorable_test(name, move || {
        let _beside_others = HOST.read().unwrap_or_else(PoisonError::into_inner);
        with_env(check)
    })
}

/// The same, while no other trial has a guest.
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

/// The end of a trial that cannot be carried out here; `DAMONLAB_REQUIRE=vm` makes it a failure.
pub fn ignored(reason: String) -> Result<Completion, Failed> {
    if is_set("DAMONLAB_REQUIRE", "vm") {
        Err(Failed::from(reason))
    } else {
        Ok(Completion::ignored_with(reason))
    }
}

/// Tools and kernel, once a process.
fn run_env() -> Result<&'static RunEnv, &'static NoRunEnv> {
    static ENV: OnceLock<Result<RunEnv, NoRunEnv>> = OnceLock::new();
    ENV.get_or_init(prepare).as_ref()
}

fn prepare() -> Result<RunEnv, NoRunEnv> {
    let env = Env::machine().map_err(failed)?;
    let progress = Progress::stderr();
    let install = is_set("DAMONLAB_SETUP", "1");
    if install {
        setup::install(&env, &progress).map_err(failed)?;
    }
    let tools = setup::tools(&env).map_err(|missing| NoRunEnv::Missing(missing.to_string()))?;
    let given = std::env::var_os("DAMONLAB_KERNEL").map(PathBuf::from);
    let checkpoints = Store::of(&env.cache);
    let origins = Origins::of(env);
    let of_word = |word| Source::parse(word, &origins);
    let source = given.as_deref().map_or_else(|| Ok(Source::default()), of_word).map_err(failed)?;
    let request = Request::of(source);
    // A build takes minutes: only for who asked for it.
    let may_build = install || given.is_some() || is_set("DAMONLAB_REQUIRE", "vm");
    let image = match kernel::ready(&request, &origins).map_err(failed)? {
        Some(image) => image,
        None if may_build => kernel::obtain(&request, &origins, &progress).map_err(failed)?,
        None => {
            let command = setup::ourselves("kernel build");
            return Err(NoRunEnv::Missing(format!("no kernel is built; `{command}` builds it")));
        }
    };
    let out = paths::project().join("results");
    Ok(RunEnv { tools, image, agent: vm::AGENT, out, checkpoints: Some(checkpoints) })
}

fn failed(error: impl std::fmt::Display) -> NoRunEnv {
    NoRunEnv::Failed(error.to_string())
}

fn is_set(variable: &str, value: &str) -> bool {
    std::env::var_os(variable).is_some_and(|found| found == value)
}
