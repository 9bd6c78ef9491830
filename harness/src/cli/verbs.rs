//! What each verb does: a few calls into the library, and its answer on standard output.

use super::error::CliError;
use super::{KernelArgs, Run};
use crate::host::paths;
use crate::host::progress::Progress;
use crate::host::slots;
use crate::kernel::{self, Origins, Request, Source};
use crate::report;
use crate::run::{self, Lab, Loaded, Report, suite};
use crate::setup::{self, Env};
use crate::vm;
use crate::vm::checkpoint::{self, Store};
use damonlab_guest::units::Bytes;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub(super) type Answer = Result<u8, CliError>;

/// The scenario of the README.
const FIRST: &str = "pull-push";

pub(super) fn run(arguments: &Run) -> Answer {
    // Everything that the user may have to mend comes before what takes minutes.
    let scenarios = scenario_paths(arguments)?;
    let mut loaded = scenarios.iter().map(|path| Loaded::from(path)).collect::<Result<Vec<_>, _>>()?;
    if let Some(clock) = arguments.clock {
        loaded.iter_mut().for_each(|loaded| loaded.scenario.clock = clock);
        let cpus = |loaded: &&Loaded| loaded.scenario.machine.cpus();
        if let Some(many) = loaded.iter().find(|loaded| clock.is_virtual() && cpus(loaded) > 1) {
            return Err(CliError::ManyCpus(many.scenario.name.clone()));
        }
    }
    let request = request(&arguments.kernel)?;
    let env = Env::machine()?;
    let progress = Progress::stderr();
    if arguments.setup {
        setup::install(&env, &progress)?;
    }
    let tools = setup::tools(&env)?;
    let origins = Origins::of(env);
    let image = kernel::obtain(&request, &origins, &progress)?;
    let out = std::path::absolute(&arguments.out)?;
    let checkpoints = (!arguments.no_checkpoint).then(|| Store::of(&origins.env.cache));
    let lab = Lab { tools, image, agent: vm::AGENT, out, checkpoints };
    let jobs = arguments.jobs.unwrap_or_else(slots::count);
    let mut reports = Vec::new();
    let one = |loaded: &Loaded| {
        progress.say(&format!(
            "run: {}: {:.0} guest seconds on {}",
            loaded.scenario.name,
            std::time::Duration::from(loaded.scenario.guest_time()).as_secs_f64(),
            lab.image.describe
        ));
        run::repeat(&lab, loaded, arguments.seed, arguments.repeat, &progress)
    };
    suite::ordered(&loaded, jobs, one, |_, report| {
        let report = report?;
        say(&report::human(&report))?;
        reports.push(report);
        Ok::<(), CliError>(())
    })?;
    conclude(&reports)
}

pub(super) fn setup() -> Answer {
    let env = Env::machine()?;
    setup::install(&env, &Progress::stderr())?;
    say("everything damonlab needs is here\n")?;
    Ok(0)
}

pub(super) fn doctor() -> Answer {
    let env = Env::machine()?;
    let rows = setup::doctor(&env);
    say(&setup::render(&rows))?;
    say(&format!("{}\n", vm::kvm_note(&env.cache, setup::tools(&env).ok().as_ref())))?;
    Ok(if rows.iter().any(setup::Row::blocks) { 3 } else { 0 })
}

pub(super) fn check(recordings: &[PathBuf]) -> Answer {
    let mut reports = Vec::new();
    for dir in recordings {
        let report = run::again(dir)?;
        say(&report::human(&report))?;
        reports.push(report);
    }
    conclude(&reports)
}

pub(super) fn list() -> Answer {
    let mut text = String::from("scenarios:\n");
    for scenario in crate::scenario::all(&scenarios()).map_err(Box::new)? {
        text.push_str(&format!("  {:<20}  {}\n", scenario.name, scenario.summary));
    }
    say(&text)?;
    kernel_list()?;
    let all = checkpoint::list(&Store::of(&paths::cache()?));
    let mut text = format!("checkpoints (at most {}):\n", checkpoint::limit());
    for one in all {
        text.push_str(&format!("  {}  {:>4} MiB  {}\n", one.key, one.size.0 / Bytes::MIB.0, one.describe));
    }
    say(&text)?;
    Ok(0)
}

pub(super) fn kernel_build(arguments: &KernelArgs) -> Answer {
    let request = request(arguments)?;
    let image = kernel::obtain(&request, &Origins::of(Env::machine()?), &Progress::stderr())?;
    say(&format!("{}  {}\n{}\n", image.key, image.describe, image.bzimage.display()))?;
    Ok(0)
}

pub(super) fn kernel_list() -> Answer {
    let images = kernel::list(&paths::cache()?);
    let mut text = String::from(if images.is_empty() { "no kernels in the cache\n" } else { "kernels:\n" });
    for image in images {
        text.push_str(&format!("  {}  {}\n", image.key, image.describe));
    }
    say(&text)?;
    Ok(0)
}

pub(super) fn kernel_rm(name: &str) -> Answer {
    let removed = kernel::remove(&paths::cache()?, name, &Progress::stderr())?;
    if removed.is_empty() {
        return Err(CliError::NoKernel(name.to_owned()));
    }
    for folder in removed {
        say(&format!("removed {}\n", folder.display()))?;
    }
    Ok(0)
}

fn request(arguments: &KernelArgs) -> Result<Request, CliError> {
    let source = match &arguments.kernel {
        None => Source::Default,
        Some(path) => Source::of_path(path)?,
    };
    let mut request = Request::of(source);
    request.patches = arguments.patches.clone();
    request.fragments = arguments.fragments.clone();
    Ok(request)
}

fn scenarios() -> PathBuf {
    paths::project().join("scenarios")
}

fn scenario_paths(arguments: &Run) -> Result<Vec<PathBuf>, CliError> {
    if arguments.all {
        let all = crate::scenario::all(&scenarios()).map_err(Box::new)?;
        return Ok(all.iter().map(|scenario| by_name(&scenario.name)).collect());
    }
    if arguments.scenarios.is_empty() {
        return Ok(vec![by_name(FIRST)]);
    }
    arguments.scenarios.iter().map(|word| scenario_path(word)).collect()
}

fn by_name(name: &str) -> PathBuf {
    scenarios().join(format!("{name}.yaml"))
}

/// A word with a slash or an ending is a file; anything else a name from `scenarios/`.
fn scenario_path(word: &str) -> Result<PathBuf, CliError> {
    let is_file = word.contains('/') || Path::new(word).extension().is_some();
    if is_file {
        return Ok(PathBuf::from(word));
    }
    let path = by_name(word);
    if path.is_file() {
        return Ok(path);
    }
    let known = crate::scenario::all(&scenarios()).map_err(Box::new)?;
    let known = known.iter().map(|scenario| scenario.name.as_str()).collect::<Vec<_>>().join(", ");
    Err(CliError::NoScenario { name: word.to_owned(), known })
}

/// The worst of the verdicts decides; no answer is worse than a bad one.
fn conclude(reports: &[Report]) -> Answer {
    if reports.len() > 1 {
        say(&format!("{}\n", report::tally(reports)))?;
    }
    Ok(reports.iter().map(|report| report.verdict.exit_code(skips_fail())).max().unwrap_or(0))
}

/// Whether nothing may be skipped.
pub(super) fn skips_fail() -> bool {
    std::env::var_os("DAMONLAB_REQUIRE").is_some_and(|what| what == "vm")
}

/// Standard output, where a closed pipe is an error and not a panic.
pub(super) fn say(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}
