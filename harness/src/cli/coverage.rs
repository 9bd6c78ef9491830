//! `damonlab coverage`: which lines of the kernel the scenarios execute.

use super::error::{CliError, VerbResult};
use super::exit_status::ExitStatuses;
use super::expect_change::ExpectChangeArgs;
use super::introduces_args::IntroducesArgs;
use super::kernel_args::KernelArgs;
use super::output::{Closing, Output, OutputArgs};
use super::repro_command::{ReproCommand, Seeds};
use super::rules_args::RulesArgs;
use super::{qemu, scenarios, shard_file, values};
use crate::check::Verdict;
use crate::host::paths::write_atomic;
use crate::host::progress::Progress;
use crate::host::slots;
use crate::host::text::shown;
use crate::judge::{ChangesSeen, ExpectedChange, Report, RuleFileUse};
use crate::kernel::{self, Origins, PatchedSource, Profile};
use crate::line_coverage::{
    self, CountedRun, CountedRuns, Counts, GcovTool, LineCoverageError, MeasuredFiles, added, lcov,
};
use crate::report::{self, Item, RunView};
use crate::run::{self, RunEnv, RunError, ScenarioSource, SeedRange, Shard, suite};
use crate::setup::{self, Env, Work};
use crate::shards::{Call, CoverageTotals, Totals, digest};
use crate::vm;
use crate::vm::checkpoint::Store;
use clap::Args;
use fs_err as fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

pub(super) const HELP: &str = "Examples: damonlab coverage --series my-series.mbox\n          \
    damonlab coverage pull-push memcg --by-scenario\n          \
    damonlab coverage --shard 1/2 --out first\n\n\
    Below --out it writes coverage.info, for lcov, editors and CI, and coverage.json, with the scenarios of each line.\n\n\
    Exit status: 0 if every scenario passed or was skipped, whatever was executed; 1 if one failed.";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Names from scenarios/, or YAML files [default: every scenario on virtual time that needs no other kernel].
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<String>,
    #[command(flatten)]
    kernel: KernelArgs,
    #[command(flatten)]
    introduces: IntroducesArgs,
    #[command(flatten)]
    rules: RulesArgs,
    /// The seed of every run.
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = values::seed, allow_negative_numbers = true)]
    seed: u64,
    /// Run each scenario with each seed from A to B-1 (A..=B: to B), and unite what they execute.
    #[arg(long, value_name = "A..B", conflicts_with = "seed")]
    seeds: Option<SeedRange>,
    /// Run the K-th of N parts of the runs only; `damonlab merge` unites the parts.
    #[arg(long, value_name = "K/N")]
    shard: Option<Shard>,
    /// Name the scenarios that executed each line of the series, and each function.
    #[arg(long)]
    by_scenario: bool,
    /// How many guests run at once at most [default: one a core].
    #[arg(long, value_name = "N", value_parser = values::guests, allow_negative_numbers = true)]
    jobs: Option<NonZeroUsize>,
    /// The results, and the recordings of runs that did not pass, go below this folder.
    #[arg(long, default_value = "results/coverage", value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn coverage(arguments: &Arguments) -> VerbResult {
    let mut output = Output::new("coverage", &arguments.output)?.keeping(arguments.shard.is_some());
    let out = std::path::absolute(&arguments.out)?;
    let inputs = inputs(arguments)?;
    let totals = measure(arguments, &inputs, &out, &mut output)?;
    let whole = Totals::Coverage(Box::new(totals.clone()));
    let call = || call(arguments, &inputs, &totals.runs);
    let note = shard_file::store(arguments.shard, call, output.kept(), &whole, &out)?;
    finish(totals, Some(&out), note.into_iter().collect(), &mut output)
}

/// What the shards of one call have in common.
fn call(arguments: &Arguments, inputs: &Inputs, runs: &CountedRuns) -> Result<Call, CliError> {
    let rules: Vec<String> = arguments.rules.load()?.iter().map(|file| file.text.clone()).collect();
    let scenarios = inputs.named.iter().map(|(word, source)| (word.as_str(), source.text.as_bytes()));
    let read = inputs.named.iter().find_map(|(_, source)| source.scenario.introduces_file.as_ref());
    let introduces: Vec<String> = read.map(|file| file.text.clone()).into_iter().collect();
    let options = shard_file::options([
        ("--introduces", shard_file::texts(&introduces)),
        ("--rules", shard_file::texts(&rules)),
        ("--by-scenario", shard_file::flag(arguments.by_scenario)),
    ]);
    let seeds = arguments.seeds.map_or_else(|| arguments.seed.to_string(), |seeds| seeds.to_string());
    Ok(Call::new([
        ("kernel", format!("{} ({})", runs.kernel, runs.kernel_key)),
        ("seed", seeds),
        ("set of options", options),
        ("list of scenarios", digest(scenarios)),
    ]))
}

/// Stores and reports what was executed. Gives the exit status.
pub(super) fn finish(
    totals: CoverageTotals,
    out: Option<&Path>,
    of_shard: Vec<String>,
    output: &mut Output,
) -> VerbResult {
    let CoverageTotals { statuses, rules, changes, mut notes, by_scenario, runs } = totals;
    notes.extend(changes.unseen);
    notes.extend(rules.notes());
    notes.extend(report::line_coverage_notes(&runs, by_scenario));
    if let Some(out) = out {
        fs::create_dir_all(out)?;
        let (tracefile, stored) = (out.join("coverage.info"), out.join("coverage.json"));
        write_atomic(&tracefile, lcov(&runs.counts).as_bytes())?;
        runs.save(&stored)?;
        notes.push(format!("lcov: {}; all counts: {}", shown(&tracefile), shown(&stored)));
    }
    notes.extend(of_shard);
    let (answer, data) = (report::line_coverage(&runs, by_scenario), report::line_coverage_data(&runs));
    output.finish(Closing { answer, notes, data })?;
    Ok(ExitStatuses::from_stored(statuses).of(false, &rules))
}

/// What all runs have in common.
struct Measurement<'a> {
    env: &'a RunEnv,
    tool: &'a GcovTool,
    notes: &'a Path,
    files: &'a MeasuredFiles,
    /// The rules that the kernel means to change.
    changes: &'a [ExpectedChange],
    jobs: NonZeroUsize,
}

/// What is to run, and how it is judged.
struct Inputs {
    named: Vec<(String, ScenarioSource)>,
    changes: Vec<ExpectedChange>,
    rules: RuleFileUse,
}

/// A scenario as the user calls it, the scenario, and a seed.
type Planned<'a> = (String, &'a ScenarioSource, u64);

/// A run that has ended, and its counts.
type Counted = Result<(Report, Result<Counts, LineCoverageError>), RunError>;

fn measure(
    arguments: &Arguments,
    inputs: &Inputs,
    out: &Path,
    output: &mut Output,
) -> Result<CoverageTotals, CliError> {
    let Inputs { named, changes, rules } = inputs;
    let mut rules = rules.clone();
    let slots = slots::count();
    let env = Env::machine()?;
    let origins = Origins::of(env.clone());
    let progress = output.progress();
    let request = arguments.kernel.request(&origins, &progress)?.to_build("counting executed lines")?;
    let request = request.with_profile(Profile::Coverage);
    let tool = GcovTool::find(&env.path)?;
    let tools = setup::tools(&env, Work::Kernel)?;
    qemu::check(named.iter().map(|(_, source)| &source.scenario), &env.cache, &tools)?;
    let image = kernel::obtain_build(&request, &origins, &progress)?;
    let notes = image.notes().ok_or_else(|| LineCoverageError::NoNotes(image.describe.clone()))?;
    let changed = PatchedSource::changed(&request, &origins)?.unwrap_or_default();
    let has_patches = !request.patches.is_empty();
    let files = MeasuredFiles::with(changed.iter().map(|file| file.path.clone()));
    let mut runs = CountedRuns::on(&image.describe, &image.key, has_patches.then(|| added(&changed)));
    let run_env = RunEnv {
        tools,
        image,
        agent: vm::AGENT,
        out: out.to_owned(),
        checkpoints: Some(Store::of(&env.cache)),
    };
    let jobs = arguments.jobs.unwrap_or(slots);
    let measurement = Measurement { env: &run_env, tool: &tool, notes: &notes, files: &files, changes, jobs };
    let planned = planned(arguments, named);
    let (statuses, notes) =
        measurement.run_all(arguments, &planned, &mut rules, &mut runs, output, &progress)?;
    let (changes, by_scenario) = (ChangesSeen::of(changes), arguments.by_scenario);
    Ok(CoverageTotals { statuses: statuses.stored(), rules, changes, notes, by_scenario, runs })
}

/// The scenarios of the arguments, all of which can run here.
fn inputs(arguments: &Arguments) -> Result<Inputs, CliError> {
    let mut sources = match arguments.scenarios.as_slice() {
        [] if arguments.introduces.path().is_some() => {
            let on = "the shipped scenarios, which introduce their own words; name a scenario".to_owned();
            return Err(CliError::NoEffect { option: "--introduces", on });
        }
        [] => {
            let all = scenarios::suite()?.into_iter();
            all.filter(|source| source.scenario.clock.is_virtual()).collect()
        }
        some => {
            let paths = some.iter().map(|word| scenarios::path(word)).collect::<Result<Vec<_>, _>>()?;
            arguments.introduces.sources(&paths, None)?
        }
    };
    let rules = arguments.rules.add_to(&mut sources)?;
    let changes = ExpectChangeArgs::default().of_sources(&sources)?;
    for source in &sources {
        if !source.scenario.clock.is_virtual() {
            return Err(CliError::NeverRepeats(source.scenario.name.clone()));
        }
        run::check_host(&source.scenario)?;
    }
    let named = sources.into_iter().map(|source| (source.scenario.name.to_string(), source)).collect();
    Ok(Inputs { named, changes, rules })
}

/// Every run, in order.
fn planned<'a>(arguments: &Arguments, named: &'a [(String, ScenarioSource)]) -> Vec<Planned<'a>> {
    let seeds = arguments.seeds.unwrap_or(SeedRange::one(arguments.seed));
    let runs =
        named.iter().flat_map(|(word, source)| seeds.iter().map(move |seed| (word.clone(), source, seed)));
    Shard::part(arguments.shard, runs.collect())
}

impl Measurement<'_> {
    fn run_all(
        &self,
        arguments: &Arguments,
        planned: &[Planned<'_>],
        rules: &mut RuleFileUse,
        runs: &mut CountedRuns,
        output: &mut Output,
        progress: &Progress,
    ) -> Result<(ExitStatuses, Vec<String>), CliError> {
        let (mut statuses, mut notes) = (ExitStatuses::default(), Vec::new());
        output
            .start(planned.iter().map(|(word, ..)| word.clone()).collect(), Some(&self.env.image.describe))?;
        let line = progress.batch("coverage", planned.len());
        let one = |(word, source, seed): &Planned<'_>| {
            line.begin(word);
            let counted = self.run(source, *seed);
            line.end(word, !counted.as_ref().is_ok_and(|(report, _)| is_good(&report.verdict)));
            counted
        };
        let kernel = arguments.kernel.with_profile(Profile::Coverage);
        let repro = ReproCommand {
            rules: &arguments.rules,
            changes: &ExpectChangeArgs::default(),
            machine: None,
            introduces: arguments.introduces.path(),
            clock: None,
            kernel: &kernel,
        };
        suite::ordered(planned, self.jobs, one, |(word, source, seed), counted| {
            let (report, counts) = counted?;
            let repeat = repro.if_failed(word, Seeds::One(*seed), &report.verdict);
            let view = RunView {
                scenario: Some(&source.scenario),
                seed: Some(*seed),
                repeat,
                ..RunView::of(&report)
            };
            output.item(&item_of(&view, recording_stays(&report, &counts)))?;
            rules.add(&report);
            statuses.add(&report.verdict, [&report]);
            match counts {
                Ok(counts) => {
                    runs.add(CountedRun { scenario: report.scenario.clone(), seed: *seed }, &counts);
                }
                Err(cause @ LineCoverageError::NoCounts(_)) => notes.push(format!("note: {cause}")),
                Err(cause) => return Err(cause.into()),
            }
            Ok::<(), CliError>(())
        })?;
        Ok((statuses, notes))
    }

    /// One run. Its recording stays if it did not pass.
    fn run(&self, source: &ScenarioSource, seed: u64) -> Counted {
        let report = run::run(self.env, source, seed)?.with_expected_changes(self.changes);
        let counts = line_coverage::collect(self.tool, &report.dir, &report.scenario, self.notes, self.files);
        if !recording_stays(&report, &counts) {
            fs::remove_dir_all(&report.dir).map_err(RunError::Results)?;
        }
        Ok((report, counts))
    }
}

/// A recording stays if its run did not pass, or its counts could not be read.
fn recording_stays(report: &Report, counts: &Result<Counts, LineCoverageError>) -> bool {
    counts.is_err() || !is_good(&report.verdict)
}

/// The item of a run, which names no recording that is gone.
fn item_of(view: &RunView<'_>, stays: bool) -> Item {
    let mut item = view.item();
    if !stays {
        item.details.retain(|detail| detail.label != "recording");
        item.data["recording"] = serde_json::Value::Null;
    }
    item
}

fn is_good(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Pass | Verdict::Skip(_))
}
