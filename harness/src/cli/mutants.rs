//! `damonlab mutants`: how many bugs the suite catches, and how often it raises a false alarm.

use super::error::{CliError, VerbResult};
use super::expect_change::ExpectChangeArgs;
use super::kernel_args::BuildArgs;
use super::output::{Closing, Output, OutputArgs};
use super::{qemu, scenarios, values};
use crate::host::interrupt;
use crate::host::progress::Progress;
use crate::host::slots;
use crate::judge;
use crate::kernel::Origins;
use crate::mutants::{self, Mutant, MutantRunner, Record, Score, SuiteKey};
use crate::report::{self, ItemResult};
use crate::run::KernelRunError;
use crate::setup::{self, Env, Work};
use crate::vm;
use clap::Args;
use std::num::NonZeroUsize;
use std::path::PathBuf;

pub(super) const HELP: &str = "Examples: damonlab mutants --only 01 --only 16\n          damonlab mutants my-bug.patch\n\n\
    Finished results are kept below --out: a second call goes on with what is missing.\n\n\
    A mutant is one patch on the release, judged by the scenarios that ship. They use no words of a series, so there is no \
    --introduces; --expect-change names the rules that a patch means to change.\n\n\
    Exit status: 0 if every bug is caught and nothing else is, 1 if not, 2 for a file that is no patch, 3 if \
    the host or QEMU failed.";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Patches or config fragments (.config), or folders of them [default: patches/regressions and patches/equivalent].
    /// A patch is a bug that must be caught, unless it lies in a folder named equivalent or says `Kind: equivalent`
    /// before its diff: such a mutant changes nothing, and must not be noticed.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Only the mutants whose names begin with this. May be given more than once.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// How many guests run at once at most [default: one a core].
    #[arg(long, value_name = "N", value_parser = values::guests, allow_negative_numbers = true)]
    jobs: Option<NonZeroUsize>,
    /// The seed of every run.
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = values::seed, allow_negative_numbers = true)]
    seed: u64,
    /// Run every scenario, even after a bug is caught.
    #[arg(long)]
    all_scenarios: bool,
    /// Do not use results that are kept below --out.
    #[arg(long)]
    fresh: bool,
    #[command(flatten)]
    expect_change: ExpectChangeArgs,
    #[command(flatten)]
    build: BuildArgs,
    /// Leave the mutants' kernels in the cache, 6 MB each.
    #[arg(long)]
    keep: bool,
    /// Results, and the recordings of what did not pass, go below this folder.
    #[arg(long, default_value = "results/mutants", value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn mutants(arguments: &Arguments) -> VerbResult {
    let mut output = Output::new("mutants", &arguments.output)?;
    let mutants = mutants::only(mutants::find(&arguments.paths)?, &arguments.only)?;
    let sources = scenarios::suite()?;
    let changes = arguments.expect_change.of_sources(&sources)?;
    let slots = slots::count();
    let env = Env::machine()?;
    let tools = setup::tools(&env, Work::Kernel)?;
    qemu::check(sources.iter().map(|one| &one.scenario), &env.cache, &tools)?;
    let origins = Origins::of(env);
    arguments.build.check(&origins)?;
    let progress = output.progress();
    let runner = MutantRunner {
        tools,
        origins: &origins,
        agent: vm::AGENT,
        scenarios: &sources,
        suite: &SuiteKey::of(&sources, vm::AGENT, arguments.seed, arguments.all_scenarios, &changes)?,
        changes: &changes,
        out: std::path::absolute(&arguments.out)?,
        jobs: arguments.jobs.unwrap_or(slots),
        seed: arguments.seed,
        all_scenarios: arguments.all_scenarios,
        fresh: arguments.fresh,
        keep_images: arguments.keep,
        build_in: arguments.build.build_in.unwrap_or_default(),
        progress: &progress,
    };
    let score = Score::of(&examine(&runner, &mutants, &progress, &mut output)?);
    let (answer, data) = (report::score(&score), report::score_data(&score));
    let notes = judge::seen_and_not(&changes);
    output.finish(Closing { answer, notes, data })?;
    Ok(score.exit_code())
}

fn examine(
    runner: &MutantRunner<'_>,
    mutants: &[Mutant],
    progress: &Progress,
    output: &mut Output,
) -> Result<Vec<Record>, CliError> {
    // What the user may have to fix comes before what takes an hour.
    mutants.iter().try_for_each(|mutant| runner.check(mutant))?;
    output.start(mutants.iter().map(|mutant| mutant.name.clone()).collect(), None)?;
    let line = progress.batch("mutants", mutants.len());
    let mut records = Vec::new();
    for mutant in mutants {
        interrupt::check().map_err(|stop| KernelRunError::Run(stop.into()))?;
        line.begin(&mutant.name);
        let record = runner.examine(mutant)?;
        let item = report::mutant(&record);
        line.end(&mutant.name, item.status.outcome != ItemResult::Passed);
        output.item(&item)?;
        records.push(record);
    }
    Ok(records)
}
