//! `damonlab mutants`: how many bugs the suite catches, and how often it raises a false alarm.

use super::error::{CliError, VerbResult};
use super::expect_change::ExpectChangeArgs;
use super::fit::Fit;
use super::kernel_args::{BuildArgs, ConfigArgs, KernelArgs};
use super::output::{Closing, Output, OutputArgs};
use super::{explore_env, qemu, scenarios, shard_file, values};
use crate::host::interrupt;
use crate::host::slots;
use crate::judge::ChangesSeen;
use crate::kernel::Origins;
use crate::mutants::{self, Generator, Mutant, MutantRunner, Record, Score, SuiteKey};
use crate::report::{self, Item, ItemResult, Place};
use crate::run::{KernelRunError, ScenarioSource, SeedRange, Shard};
use crate::setup::{self, Env, Work};
use crate::shards::{Call, MutantsTotals, Totals, digest, digest_of_files};
use crate::vm;
use clap::Args;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

pub(super) const HELP: &str = "Examples: damonlab mutants --only 01 --only 16\n          damonlab mutants my-bug.patch\n          \
    damonlab mutants --only 12 --seeds 0..10\n          damonlab mutants --only 12 --explore 60 --no-suite\n\n\
    Finished results are kept below --out: a second call goes on with what is missing.\n\n\
    A mutant is one patch on the release, judged by the scenarios that ship. They use no words of a series, so there is no \
    --introduces; --expect-change names the rules that a patch means to change.\n\n\
    Exit status: 0 if every bug is caught and nothing else is, 1 if not (generated scenarios count for bugs only with --no-suite), 2 for a file that is no patch, 3 if \
    the host or QEMU failed.";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Patches or config fragments (.config), or folders of them [default: patches/regressions and patches/equivalent].
    /// A patch is a bug that must be caught, unless it lies in a folder named equivalent or says `Kind: equivalent`
    /// before its diff: such a mutant changes nothing, and must not be noticed.
    #[arg(value_name = "PATH", value_parser = values::path())]
    paths: Vec<PathBuf>,
    /// Only the mutants whose names begin with this. May be given more than once.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Examine the K-th of N parts of the mutants only; `damonlab merge` reports the parts together.
    #[arg(long, value_name = "K/N")]
    shard: Option<Shard>,
    /// How many guests run at once at most [default: one a core].
    #[arg(long, value_name = "N", value_parser = values::guests, allow_negative_numbers = true)]
    jobs: Option<NonZeroUsize>,
    /// The seed of every run of the suite, and of the scenarios of --explore.
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = values::seed, allow_negative_numbers = true)]
    seed: u64,
    /// Say how many of the seeds from A to B-1 (A..=B: to B) catch each bug: of the scenario that caught it, or of the best
    /// one that its patch names. Below 8 of 10 the catch is weak. The suite itself runs with seed A.
    #[arg(long, value_name = "A..B", conflicts_with = "seed")]
    seeds: Option<SeedRange>,
    /// Run every scenario, even after a bug is caught.
    #[arg(long)]
    all_scenarios: bool,
    /// Also run generated scenarios on each mutant, until one catches it, and say how many that took: the first N that
    /// `damonlab explore` draws from the same --seed. What also fails without the mutant is no catch.
    #[arg(long, value_name = "N", value_parser = values::generated, allow_negative_numbers = true)]
    explore: Option<NonZeroU64>,
    /// Run the generated scenarios of --explore alone.
    #[arg(long, requires = "explore", conflicts_with_all = ["seeds", "all_scenarios"])]
    no_suite: bool,
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
    let mut output = Output::new("mutants", &arguments.output)?.keeping(arguments.shard.is_some());
    let all = mutants::only(mutants::find(&arguments.paths)?, &arguments.only)?;
    let mutants = Shard::part(arguments.shard, all.clone());
    let sources = scenarios::suite()?;
    let changes = arguments.expect_change.of_sources(&sources)?;
    let slots = slots::count();
    let env = Env::machine()?;
    let tools = setup::tools(&env, Work::Kernel)?;
    qemu::check(sources.iter().map(|one| &one.scenario), &env.cache, &tools)?;
    let origins = Origins::of(env);
    arguments.build.check(&origins)?;
    let progress = output.progress();
    let seed = arguments.seeds.map_or(arguments.seed, |seeds| *seeds.iter().start());
    let fit = Fit::of(&origins.env.cache, &tools)?;
    let unfit = |source: &ScenarioSource| fit.why_not(source);
    let generator =
        arguments.explore.map(|count| Generator::new(seed, count.get(), vm::AGENT, &changes, &unfit));
    let runner = MutantRunner {
        tools,
        origins: &origins,
        agent: vm::AGENT,
        scenarios: &sources,
        suite: &SuiteKey::of(&sources, vm::AGENT, seed, arguments.all_scenarios, &changes)?,
        changes: &changes,
        out: std::path::absolute(&arguments.out)?,
        jobs: arguments.jobs.unwrap_or(slots),
        seed,
        without_suite: arguments.no_suite,
        seeds: arguments.seeds,
        generator: generator.as_ref(),
        all_scenarios: arguments.all_scenarios,
        fresh: arguments.fresh,
        keep_images: arguments.keep,
        build_in: arguments.build.build_in.unwrap_or_default(),
        progress: &progress,
    };
    let records = examine(&runner, arguments, &mutants, &mut output)?;
    let totals = MutantsTotals { records, changes: ChangesSeen::of(&changes) };
    let (call, kept) = (|| call(arguments, &all, &sources), output.kept());
    let note = shard_file::store(arguments.shard, call, kept, &Totals::Mutants(totals.clone()), &runner.out)?;
    finish(totals, note.into_iter().collect(), &mut output)
}

/// What the shards of one call have in common.
fn call(arguments: &Arguments, all: &[Mutant], sources: &[ScenarioSource]) -> Result<Call, CliError> {
    let mutants: Vec<PathBuf> = all.iter().map(|mutant| mutant.path.clone()).collect();
    let changes: Vec<String> = arguments.expect_change.arguments().collect();
    let scenarios = sources.iter().map(|one| (one.scenario.name.as_ref(), one.text.as_bytes()));
    let options = shard_file::options([
        ("--all-scenarios", shard_file::flag(arguments.all_scenarios)),
        ("--explore", arguments.explore.map(|count| count.to_string())),
        ("--no-suite", shard_file::flag(arguments.no_suite)),
        ("--expect-change", shard_file::texts(&changes)),
    ]);
    let seeds = arguments.seeds.map_or_else(|| arguments.seed.to_string(), |seeds| seeds.to_string());
    Ok(Call::new([
        ("seed", seeds),
        ("set of options", options),
        ("list of mutants", digest_of_files(&mutants)?),
        ("list of scenarios", digest(scenarios)),
    ]))
}

/// Reports the score. Gives the exit status.
pub(super) fn finish(totals: MutantsTotals, of_shard: Vec<String>, output: &mut Output) -> VerbResult {
    let score = Score::of(&totals.records);
    let (answer, data) = (report::score(&score), report::score_data(&score));
    let mut notes = totals.changes.notes();
    notes.extend(of_shard);
    output.finish(Closing { answer, notes, data })?;
    Ok(score.exit_code())
}

fn examine(
    runner: &MutantRunner<'_>,
    arguments: &Arguments,
    mutants: &[Mutant],
    output: &mut Output,
) -> Result<Vec<Record>, CliError> {
    // What the user may have to fix comes before what takes an hour.
    mutants.iter().try_for_each(|mutant| runner.check(mutant))?;
    output.start(mutants.iter().map(|mutant| mutant.name.clone()).collect(), None)?;
    let line = runner.progress.batch("mutants", mutants.len());
    let mut records = Vec::new();
    for mutant in mutants {
        interrupt::check().map_err(|stop| KernelRunError::Run(stop.into()))?;
        line.begin(&mutant.name);
        let record = runner.examine(mutant)?;
        let place = Some(Place::start(&mutant.path));
        let item = Item { place, ..report::mutant(&record, repeat(arguments, mutant, &record)) };
        line.end(&mutant.name, item.status.outcome != ItemResult::Passed);
        output.item(&item)?;
        records.push(record);
    }
    Ok(records)
}

/// The command that repeats the generated scenario that caught a mutant.
fn repeat(arguments: &Arguments, mutant: &Mutant, record: &Record) -> Option<String> {
    let caught = record.generated.as_ref()?.catch.as_ref()?;
    let path = vec![mutant.path.clone()];
    let (patches, fragments) = if mutant.is_fragment() { (Vec::new(), path) } else { (path, Vec::new()) };
    let profiles = mutant.header.profile.into_iter().collect();
    let config = ConfigArgs { profiles, fragments, build: arguments.build.clone() };
    let kernel = KernelArgs { patches, config, ..KernelArgs::default() };
    Some(explore_env::repeat(&kernel, &arguments.expect_change, &caught.file, caught.catch.seed))
}
