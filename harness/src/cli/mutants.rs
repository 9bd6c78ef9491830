//! `damonlab mutants`: how many bugs the suite catches, and whether it cries wolf.

use super::error::CliError;
use super::machine::fit_qemu;
use super::verbs::{VerbResult, by_name, say, scenarios};
use crate::host::interrupt;
use crate::host::progress::Progress;
use crate::host::slots;
use crate::kernel::Origins;
use crate::mutants::{self, Mutant, MutantRunner, Record, Score, SuiteKey};
use crate::report;
use crate::run::{self, KernelRunError, RunError, ScenarioSource};
use crate::setup::{self, Env};
use crate::vm;
use clap::{Args, ValueEnum};
use std::num::NonZeroUsize;
use std::path::PathBuf;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Human,
    Json,
}

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Patches or config fragments (.config), or folders of them. None: patches/regressions and patches/equivalent. A patch
    /// is a bug that must be caught, unless it lies in a folder named equivalent or says `Kind: equivalent` before its diff.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Only the mutants whose names begin so; may be given again.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// How many guests run at once. None: one a core.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// The seed of every run.
    #[arg(long, default_value_t = 0, value_name = "N")]
    seed: u64,
    /// Run every scenario also after a bug is caught.
    #[arg(long)]
    all_scenarios: bool,
    /// Do not use results that are kept below --out.
    #[arg(long)]
    fresh: bool,
    /// Leave the mutants' kernels in the cache, 6 MB each.
    #[arg(long)]
    keep: bool,
    /// What is printed.
    #[arg(long, default_value = "human", value_name = "human|json")]
    format: Format,
    /// Results, and the recordings of what did not pass, go below this folder.
    #[arg(long, default_value = "results/mutants", value_name = "DIR")]
    out: PathBuf,
}

pub(super) fn mutants(arguments: &Arguments) -> VerbResult {
    let mutants = mutants::only(mutants::find(&arguments.paths)?, &arguments.only)?;
    let loaded = suite()?;
    let slots = slots::count().map_err(RunError::from)?;
    let env = Env::machine()?;
    let tools = setup::tools(&env)?;
    fit_qemu(loaded.iter().map(|one| &one.scenario), &env.cache, &tools)?;
    let origins = Origins::of(env);
    let progress = Progress::stderr();
    let bench = MutantRunner {
        tools,
        origins: &origins,
        agent: vm::AGENT,
        scenarios: &loaded,
        suite: &SuiteKey::of(&loaded, vm::AGENT, arguments.seed, arguments.all_scenarios)?,
        out: std::path::absolute(&arguments.out)?,
        jobs: arguments.jobs.unwrap_or(slots),
        seed: arguments.seed,
        all_scenarios: arguments.all_scenarios,
        fresh: arguments.fresh,
        keep_images: arguments.keep,
        progress: &progress,
    };
    let records = examine(&bench, &mutants, arguments.format)?;
    let score = Score::of(&records);
    say(&match arguments.format {
        Format::Human => report::score(&score),
        Format::Json => report::mutants_json(&records, &score),
    })?;
    Ok(score.exit_code())
}

/// Every scenario of `scenarios/` that the default kernel can run, all of which this host must be able to run.
fn suite() -> Result<Vec<ScenarioSource>, CliError> {
    let all = crate::scenario::all(&scenarios()).map_err(Box::new)?;
    let load = |name: &str| ScenarioSource::from(&by_name(name));
    let all = all.iter().filter(|scenario| !scenario.wants_another_kernel());
    let loaded = all.map(|scenario| load(&scenario.name)).collect::<Result<Vec<_>, _>>()?;
    loaded.iter().try_for_each(|one| run::check_host(&one.scenario))?;
    Ok(loaded)
}

fn examine(bench: &MutantRunner<'_>, mutants: &[Mutant], format: Format) -> Result<Vec<Record>, CliError> {
    // What the user may have to mend comes before what takes an hour.
    mutants.iter().try_for_each(|mutant| bench.check(mutant))?;
    let mut records = Vec::new();
    for mutant in mutants {
        interrupt::check().map_err(|stop| KernelRunError::Run(stop.into()))?;
        let record = bench.examine(mutant)?;
        if format == Format::Human {
            say(&report::mutant(&record))?;
        }
        records.push(record);
    }
    Ok(records)
}
