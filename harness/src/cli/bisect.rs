//! `damonlab bisect`: which patch of a series broke a scenario.

use super::error::{CliError, VerbResult};
use super::expect_change::ExpectChangeArgs;
use super::introduces_args::IntroducesArgs;
use super::kernel_args::{ConfigArgs, KernelArgs};
use super::output::{Closing, Output, OutputArgs};
use super::repro_command::{ReproCommand, Seeds};
use super::rules_args::RulesArgs;
use super::{qemu, rule, scenarios, values};
use crate::bisect::{self, BisectLog, Bisection, Search, Series, Step};
use crate::check::Origin;
use crate::host::lock::Lock;
use crate::host::{interrupt, slots};
use crate::judge;
use crate::kernel::{KernelError, Origins};
use crate::mutants::SuiteKey;
use crate::report;
use crate::run::{self, KernelRunError, ScenarioSource, SeedRange};
use crate::setup::{self, Env, Work};
use crate::vm;
use clap::Args;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

pub(super) const HELP: &str = "Example: damonlab bisect pull-push --series v3.mbox\n\n\
    Finished steps are kept below --out: a second call goes on with what is missing.\n\n\
    Exit status: 0 if the first bad patch is named, 1 if none can be (the series passes, the base fails, or all \
    that is left does not build), 2 for bad input, 3 if the host or QEMU failed: give the command again then.";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A name from scenarios/, or a YAML file. It fails with all of the series, and passes without.
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    /// The series: an mbox, a maildir, a folder of patch files, one patch file, or REPO:BASE..TOPIC. May be given more
    /// than once.
    #[arg(long, required = true, value_name = "PATH")]
    series: Vec<PathBuf>,
    /// The scenario passes with the first N patches of the series [default: 0, the base alone].
    #[arg(long, value_name = "N", value_parser = values::patches, allow_negative_numbers = true)]
    good: Option<usize>,
    /// The scenario fails with the first N patches of the series [default: all of them].
    #[arg(long, value_name = "N", value_parser = values::patches, allow_negative_numbers = true)]
    bad: Option<usize>,
    /// What the series is applied to: a release, a kernel's source tree, or TREE@REF [default: the newest 7.3].
    #[arg(long, value_name = "VERSION|DIR|DIR@REF")]
    kernel: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArgs,
    /// Run on this machine, whatever the scenario says.
    #[arg(long, value_name = "NAME|FILE")]
    machine: Option<String>,
    #[command(flatten)]
    introduces: IntroducesArgs,
    #[command(flatten)]
    rules: RulesArgs,
    #[command(flatten)]
    expect_change: ExpectChangeArgs,
    /// The seed of every run.
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = values::seed, allow_negative_numbers = true)]
    seed: u64,
    /// Run with each seed from A to B-1 (A..=B: to B). One that fails is enough.
    #[arg(long, value_name = "A..B", conflicts_with = "seed")]
    seeds: Option<SeedRange>,
    /// Only a violation of this rule is bad (Q2, K1, expect, ...). A run that fails by other rules alone is skipped.
    #[arg(long, value_name = "RULE")]
    finding: Option<String>,
    /// How many seeds run at once at most [default: one a core].
    #[arg(long, value_name = "N", value_parser = values::guests, allow_negative_numbers = true)]
    jobs: Option<NonZeroUsize>,
    /// Do not use steps that are kept below --out.
    #[arg(long)]
    fresh: bool,
    /// Steps and recordings go below this folder.
    #[arg(long, default_value = "results/bisect", value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn bisect(arguments: &Arguments) -> VerbResult {
    let mut output = Output::new("bisect", &arguments.output)?;
    let source = source(arguments)?;
    let changes = arguments.expect_change.of_sources(std::slice::from_ref(&source))?;
    let origin = arguments.finding.as_deref().map(rule::origin).transpose()?;
    let finding = origin.as_ref().map(Origin::id);
    if changes.iter().any(|change| Some(change.id()) == finding) {
        let on = "a rule that --expect-change means to change: nothing would be bad".to_owned();
        return Err(CliError::NoEffect { option: "--finding", on });
    }
    let series = bisect::series(&arguments.series)?;
    let search = Search::new(series.patches.len(), arguments.good, arguments.bad)?;
    let slots = slots::count();
    let (origins, progress) = (Origins::of(Env::machine()?), output.progress());
    series.notes.iter().for_each(|what| progress.say(&format!("series: {what}")));
    let base = kernel(arguments, Vec::new()).request(&origins, &progress)?.to_build("a series")?;
    let tools = setup::tools(&origins.env, Work::Kernel)?;
    qemu::check([&source.scenario], &origins.env.cache, &tools)?;
    let out = std::path::absolute(&arguments.out)?;
    // Two at once would take each other's recordings away.
    let _lock =
        Lock::acquire(&out.join("lock"), "another bisection below this --out").map_err(KernelError::from)?;
    let bisection = Bisection {
        tools,
        origins: &origins,
        agent: vm::AGENT,
        base,
        series: &series,
        source: &source,
        // The seeds are in the steps themselves.
        suite: &SuiteKey::of(std::slice::from_ref(&source), vm::AGENT, 0, false, &changes)?,
        changes: &changes,
        seeds: arguments.seeds.unwrap_or_else(|| SeedRange::one(arguments.seed)),
        jobs: arguments.jobs.unwrap_or(slots),
        finding,
        out: out.clone(),
        fresh: arguments.fresh,
        progress: &progress,
    };
    let (patches, bad_end) = (series.patches.len(), search.bad_end());
    let log = walk(&bisection, search, &mut output)?;
    let commands = commands(arguments, &series, &log, &out)?;
    let answer = report::bisection(&log, bad_end, patches, &commands);
    let data = report::bisection_data(&log, patches, &commands);
    let notes = judge::seen_and_not(&changes);
    output.finish(Closing { answer, notes, data })?;
    Ok(log.exit_code())
}

fn source(arguments: &Arguments) -> Result<ScenarioSource, CliError> {
    let path = scenarios::path(&arguments.scenario)?;
    let mut sources = arguments.introduces.sources(&[path], arguments.machine.as_deref())?;
    arguments.rules.add_to(&mut sources)?;
    let source = sources.swap_remove(0);
    if !source.scenario.clock.is_virtual() {
        return Err(CliError::NeverRepeats(source.scenario.name));
    }
    run::check_host(&source.scenario)?;
    Ok(source)
}

/// Every step, reported as soon as it has ended.
fn walk(bisection: &Bisection<'_>, search: Search, output: &mut Output) -> Result<BisectLog, CliError> {
    let patches = bisection.series.patches.len();
    output.start(Vec::new(), None)?;
    // As many steps as a search that has to skip nothing needs: both ends, and one for each halving.
    let line = bisection.progress.batch("bisect", 2 + patches.next_power_of_two().ilog2() as usize);
    let examine = |applied| {
        interrupt::check().map_err(|stop| KernelRunError::Run(stop.into()))?;
        let name = format!("{applied} of {patches} patches");
        line.begin(&name);
        let step = bisection.examine(applied)?;
        line.end(&name, step.failure().is_some());
        Ok(step)
    };
    BisectLog::of(search, examine, |step: &Step| output.item(&report::step(step, patches)))
}

fn kernel(arguments: &Arguments, patches: Vec<PathBuf>) -> KernelArgs {
    KernelArgs {
        kernel: arguments.kernel.clone(),
        series: Vec::new(),
        strict: false,
        skip_applied: false,
        patches,
        config: arguments.config.clone(),
    }
}

/// The commands for the runs on either side of the turn: the failing one first. None where there is no turn.
fn commands(
    arguments: &Arguments,
    series: &Series,
    log: &BisectLog,
    out: &Path,
) -> Result<Vec<String>, CliError> {
    let Some((good, bad)) = log.boundary() else { return Ok(Vec::new()) };
    let failed = log.step(bad).and_then(Step::failure).and_then(|failure| failure.seed);
    let seeds = match (failed, arguments.seeds) {
        (Some(seed), _) => Seeds::One(seed),
        (None, Some(seeds)) => Seeds::All(seeds),
        (None, None) => Seeds::One(arguments.seed),
    };
    let one = |applied| {
        let patches = series.files(applied, &out.join("series"))?;
        let kernel = &kernel(arguments, patches);
        let (machine, introduces) = (arguments.machine.as_deref(), arguments.introduces.path());
        let (rules, changes) = (&arguments.rules, &arguments.expect_change);
        let repro = ReproCommand { machine, introduces, rules, changes, clock: None, kernel };
        Ok(repro.command(&arguments.scenario, seeds))
    };
    [bad, good].into_iter().map(one).collect()
}
