//! `damonlab bisect`: which patch of a series broke a scenario.

use super::error::CliError;
use super::machine::fit_qemu;
use super::mutants::Format;
use super::repro_command::{Seeds, command};
use super::verbs::{VerbResult, request, say, scenario_path};
use super::{ConfigArgs, KernelArgs};
use crate::bisect::{self, BisectLog, Bisection, Search, Series, Step};
use crate::host::lock::Lock;
use crate::host::progress::Progress;
use crate::host::{interrupt, slots};
use crate::kernel::{KernelError, Origins};
use crate::mutants::SuiteKey;
use crate::report;
use crate::run::{self, KernelRunError, RunError, ScenarioSource, SeedRange};
use crate::setup::{self, Env};
use crate::vm;
use clap::Args;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A name from scenarios/, or a YAML file. It fails with all of the series, and passes without.
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    /// The series: an mbox, a maildir, a folder of patch files, one patch file, or REPO:BASE..TOPIC; may be given again.
    #[arg(long, required = true, value_name = "PATH")]
    series: Vec<PathBuf>,
    /// With so many patches of the series it passes. None: 0, the base alone.
    #[arg(long, value_name = "N")]
    good: Option<usize>,
    /// With so many patches of the series it fails. None: all of them.
    #[arg(long, value_name = "N")]
    bad: Option<usize>,
    /// What to put the series on: a version, a kernel's source tree, or TREE@REF. None: the newest 7.3.
    #[arg(long, value_name = "VERSION|DIR|DIR@REF")]
    kernel: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArgs,
    /// Run on this machine, whatever the scenario says.
    #[arg(long, value_name = "NAME|FILE")]
    machine: Option<String>,
    /// The seed of every run.
    #[arg(long, default_value_t = 0, value_name = "N")]
    seed: u64,
    /// Run with each seed from A to B-1 (A..=B: to B). One that fails is enough.
    #[arg(long, value_name = "A..B", conflicts_with = "seed")]
    seeds: Option<SeedRange>,
    /// Only this finding is bad (Q2, K1, expect, ...). A run that fails by others alone is skipped.
    #[arg(long, value_name = "ID")]
    finding: Option<String>,
    /// How many seeds run at once. None: one a core.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Do not use steps that are kept below --out.
    #[arg(long)]
    fresh: bool,
    /// What is printed.
    #[arg(long, default_value = "human", value_name = "human|json")]
    format: Format,
    /// Steps and recordings go below this folder.
    #[arg(long, default_value = "results/bisect", value_name = "DIR")]
    out: PathBuf,
}

pub(super) fn bisect(arguments: &Arguments) -> VerbResult {
    let series = bisect::series(&arguments.series)?;
    let search = Search::new(series.patches.len(), arguments.good, arguments.bad)?;
    let loaded = ScenarioSource::on(&scenario_path(&arguments.scenario)?, arguments.machine.as_deref())?;
    if !loaded.scenario.clock.is_virtual() {
        return Err(CliError::NeverRepeats(loaded.scenario.name));
    }
    run::check_host(&loaded.scenario)?;
    let slots = slots::count().map_err(RunError::from)?;
    let (origins, progress) = (Origins::of(Env::machine()?), Progress::stderr());
    series.notes.iter().for_each(|what| progress.say(&format!("series: {what}")));
    let base = request(&kernel(arguments, Vec::new()), &origins, &progress)?;
    let tools = setup::tools(&origins.env)?;
    fit_qemu([&loaded.scenario], &origins.env.cache, &tools)?;
    let seeds = seeds(arguments);
    let out = std::path::absolute(&arguments.out)?;
    // Two at once would take each other's recordings away.
    let _lock =
        Lock::acquire(&out.join("lock"), || progress.say("bisect: waiting for another below this --out"))
            .map_err(KernelError::from)?;
    let bisection = Bisection {
        tools,
        origins: &origins,
        agent: vm::AGENT,
        base,
        series: &series,
        source: &loaded,
        // The seeds are in the steps themselves.
        suite: &SuiteKey::of(std::slice::from_ref(&loaded), vm::AGENT, 0, false)?,
        seeds,
        jobs: arguments.jobs.unwrap_or(slots),
        finding: arguments.finding.as_deref(),
        out: out.clone(),
        fresh: arguments.fresh,
        progress: &progress,
    };
    let bad_end = search.bad_end();
    let log = walk(&bisection, search, arguments.format)?;
    let commands = commands(arguments, &series, &log, &out)?;
    say(&match arguments.format {
        Format::Human => report::bisection(&log, bad_end, series.patches.len(), &commands),
        Format::Json => report::bisection_json(&log, series.patches.len(), &commands),
    })?;
    Ok(log.exit_code())
}

/// Every step, told as soon as it is there.
fn walk(bisection: &Bisection<'_>, search: Search, format: Format) -> Result<BisectLog, CliError> {
    let patches = bisection.series.patches.len();
    let examine = |applied| {
        interrupt::check().map_err(|stop| KernelRunError::Run(stop.into()))?;
        Ok(bisection.examine(applied)?)
    };
    let tell = |step: &Step| match format {
        Format::Human => say(&report::step(step, patches)),
        Format::Json => Ok(()),
    };
    BisectLog::of(search, examine, tell)
}

fn kernel(arguments: &Arguments, patches: Vec<PathBuf>) -> KernelArgs {
    KernelArgs {
        kernel: arguments.kernel.clone(),
        series: Vec::new(),
        strict: false,
        patches,
        config: arguments.config.clone(),
    }
}

fn seeds(arguments: &Arguments) -> SeedRange {
    arguments.seeds.unwrap_or_else(|| SeedRange::one(arguments.seed))
}

/// What to type for the runs on either side of the turn: the failing one first. Nothing where there is no turn.
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
        let kernel = kernel(arguments, patches);
        Ok(command(&arguments.scenario, seeds, arguments.machine.as_deref(), None, &kernel))
    };
    [bad, good].into_iter().map(one).collect()
}
