//! `damonlab explore`: scenarios that nobody wrote.

use super::error::{CliError, VerbResult};
use super::explore_args::ExploreArgs;
use super::explore_env::{ExploreEnv, repeat};
use super::kernel_args::KernelArgs;
use super::output::{Closing, Output, OutputArgs, Reported};
use super::{shard_file, values};
use crate::check::Verdict;
use crate::explore::{
    self, Corpus, Drawn, Example, Explored, Explorer, Failing, Focus, Guided, Kept, Known, NewLines,
    NumberResult, Part, Shrinking, Tree,
};
use crate::host::progress::{Batch, Progress};
use crate::judge::ExpectedChange;
use crate::kernel::{PatchedSource, Profile};
use crate::line_coverage::{GcovTool, LineCoverageError, MeasuredFiles};
use crate::report;
use crate::run::{ScenarioSource, Shard};
use crate::scenario::ScenarioError;
use crate::shards::{Call, Totals};
use clap::Args;
use fs_err as fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub(super) const HELP: &str = "Examples: damonlab explore\n          \
    damonlab explore --for 10m --series my-series.mbox --focus quota\n          \
    damonlab explore --seed 3 --from 4711 --count 1\n          \
    damonlab explore --coverage --corpus corpus --count 500\n          \
    damonlab explore --shard 1/4 --out first\n\n\
    Scenario 4711 of seed 3 is the same everywhere. What passes leaves nothing behind; of each finding the first scenario \
    and its recording stay below --out, with explore.json.\n\n\
    Exit status: 0 if every scenario passed or was skipped, 1 if one failed, 3 if the host or QEMU failed in one.";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    kernel: KernelArgs,
    /// How many scenarios are drawn.
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = values::scenarios, allow_negative_numbers = true)]
    count: u64,
    /// Draw scenarios for this time, instead of a number of them.
    #[arg(long = "for", value_name = "TIME", conflicts_with = "count", value_parser = values::time)]
    time: Option<Duration>,
    /// The seed of all scenarios. A run has the number of its scenario as its seed.
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = values::seed, allow_negative_numbers = true)]
    seed: u64,
    /// The number of the first scenario.
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = values::scenarios, allow_negative_numbers = true)]
    from: u64,
    /// Draw this part of the grammar more often: quota, goal, commit, hotplug, ... May be given more than once [default:
    /// what the patches of --series and --patch are about].
    #[arg(long, value_name = "PART")]
    focus: Vec<Part>,
    /// Run the K-th of N parts of the scenarios only; `damonlab merge` joins the parts.
    #[arg(long, value_name = "K/N")]
    shard: Option<Shard>,
    /// Run on a kernel that counts the lines that it executes, keep what reaches lines of DAMON that nothing before it did, and
    /// make some of the scenarios variations of what is kept: half at first, then as many as turn out to reach new lines.
    #[arg(long)]
    coverage: bool,
    /// Where --coverage keeps scenarios [default: corpus/ below --out]. Those that are there are run first, and varied like new
    /// ones.
    #[arg(long, value_name = "DIR", requires = "coverage")]
    corpus: Option<PathBuf>,
    #[command(flatten)]
    common: ExploreArgs,
    /// Results go below this folder.
    #[arg(long, default_value = "results/explore", value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
}

/// More scenarios than any time is enough for.
const WITHOUT_END: u64 = 1_000_000;

pub(super) fn explore(arguments: &Arguments) -> VerbResult {
    let mut output = Output::new("explore", &arguments.output)?.keeping(arguments.shard.is_some());
    let out = std::path::absolute(&arguments.out)?;
    let (results, guide, kept) = run(arguments, out.clone(), &mut output)?;
    let totals = Totals::Explore(Box::new(results.clone()));
    let note = shard_file::store(arguments.shard, || Ok(call(arguments, &results)), kept, &totals, &out)?;
    finish(&results, Some(&out), guide.as_ref(), note.into_iter().collect(), &mut output)
}

/// What the shards of one exploration have in common.
fn call(arguments: &Arguments, results: &Explored) -> Call {
    let Arguments { count, time, from, coverage, corpus, common, .. } = arguments;
    let many = time.map_or_else(|| format!("{count}"), |time| format!("as many as take {time:?}"));
    let changes: Vec<String> = common.expect_change.arguments().collect();
    let options = shard_file::options([
        ("--coverage", shard_file::flag(*coverage)),
        ("--corpus", shard_file::flag(corpus.is_some())),
        ("--shrink-runs", Some(common.shrink_runs.to_string())),
        ("--expect-change", shard_file::texts(&changes)),
    ]);
    Call::new([
        ("kernel", format!("{} ({})", results.kernel, results.kernel_key)),
        ("seed", results.seed.to_string()),
        ("list of scenarios", format!("{many} from {from}")),
        ("focus", results.focus.join(", ")),
        ("set of options", options),
    ])
}

/// Stores and reports what was found. Gives the exit status.
pub(super) fn finish(
    results: &Explored,
    out: Option<&Path>,
    guide: Option<&Guide>,
    mut notes: Vec<String>,
    output: &mut Output,
) -> VerbResult {
    if let Some(out) = out {
        fs::create_dir_all(out)?;
        results.save(&out.join("explore.json"))?;
    }
    let (mut answer, mut data) = (report::explored(results), report::explored_data(results));
    if let Some((known, corpus)) = guide {
        answer.extend(report::corpus(known, corpus));
        notes.extend(report::corpus_notes(known));
        data["coverage"] = report::corpus_data(known, corpus);
    }
    output.finish(Closing { answer, notes, data })?;
    Ok(match (results.no_result.len(), results.failed.len()) {
        (0, 0) => 0,
        (0, _) => 1,
        _ => 3,
    })
}

/// What was reached, and where scenarios are kept.
pub(super) type Guide = (Known, Corpus);

/// What all runs of one command have in common.
struct Exploration<'a> {
    arguments: &'a Arguments,
    /// The kernel, as it runs.
    kernel: &'a KernelArgs,
    env: &'a ExploreEnv,
    changes: &'a [ExpectedChange],
    focus: &'a Focus,
    progress: &'a Progress,
}

fn run(
    arguments: &Arguments,
    out: PathBuf,
    output: &mut Output,
) -> Result<(Explored, Option<Guide>, Option<Reported>), CliError> {
    let changes = arguments.common.expect_change.changes(None, [])?;
    let progress = output.progress();
    let kernel = match arguments.coverage {
        true => arguments.kernel.with_profile(Profile::Coverage),
        false => arguments.kernel.clone(),
    };
    let folder = std::path::absolute(arguments.corpus.clone().unwrap_or_else(|| out.join("corpus")))?;
    // What the user may have to fix comes before what takes minutes.
    let corpus = arguments.coverage.then(|| Corpus::open(&folder)).transpose()?;
    let env = ExploreEnv::of(&kernel, out, &progress)?;
    let focus = focus(arguments, &progress)?;
    let image = &env.run.image;
    let mut results = Explored::on(&image.describe, &image.key, arguments.seed, focus.words());
    let exploration = Exploration {
        arguments,
        kernel: &kernel,
        env: &env,
        changes: &changes,
        focus: &focus,
        progress: &progress,
    };
    let guide = match corpus {
        Some((corpus, known)) => {
            let known = exploration.run_guided(&corpus, known, &mut results, output)?;
            Some((known, corpus))
        }
        None => {
            exploration.run_all(&mut results, output)?;
            None
        }
    };
    // What is smaller is reported of all shards together.
    let kept = output.kept();
    if arguments.common.shrink_runs > 0 {
        exploration.shrink_all(&mut results, output)?;
    }
    Ok((results, guide, kept))
}

/// The parts that the user leans on, or else those that the series is about.
fn focus(arguments: &Arguments, progress: &Progress) -> Result<Focus, CliError> {
    if !arguments.focus.is_empty() {
        return Ok(Focus(arguments.focus.clone()));
    }
    let series = arguments.kernel.patches()?;
    let focus =
        Focus::of_patches(series.iter().map(|patch| String::from_utf8_lossy(&patch.bytes).into_owned()));
    if !focus.0.is_empty() {
        progress.say(&format!(
            "explore: the patches are about {}, which is drawn more often",
            focus.words().join(", ")
        ));
    }
    Ok(focus)
}

/// The numbers of the scenarios, in order.
fn numbers(arguments: &Arguments) -> Vec<u64> {
    let count = if arguments.time.is_some() { WITHOUT_END } else { arguments.count };
    Shard::part(arguments.shard, (arguments.from..arguments.from.saturating_add(count)).collect())
}

impl Exploration<'_> {
    fn deadline(&self) -> Option<Instant> {
        self.arguments.time.map(|time| Instant::now() + time)
    }

    /// The command that repeats a file with a seed.
    fn repeat(&self, scenario: &Path, seed: u64) -> String {
        repeat(self.kernel, &self.arguments.common.expect_change, scenario, seed)
    }

    /// Runs scenarios, each drawn by itself.
    fn run_all(&self, results: &mut Explored, output: &mut Output) -> Result<(), CliError> {
        let seed = self.arguments.seed;
        let explorer = Explorer {
            env: &self.env.run,
            jobs: self.arguments.common.jobs(),
            draw: &|number| explore::draw(seed, number, self.focus),
            after_run: &|_, _| Ok(()),
            deadline: self.deadline(),
            changes: self.changes,
            unfit: &|source| self.env.fit.why_not(source),
        };
        let numbers = numbers(self.arguments);
        let line = self.start(&numbers, results, output)?;
        explorer
            .run(&numbers, results, |drawn, result, all| self.show(&line, drawn, result, all, None, output))
    }

    /// Runs scenarios, some of them variations of what reached new lines.
    fn run_guided(
        &self,
        corpus: &Corpus,
        known: Vec<(Kept, ScenarioSource)>,
        results: &mut Explored,
        output: &mut Output,
    ) -> Result<Known, CliError> {
        let env = &self.env;
        let image = &env.run.image;
        let notes = image.notes().ok_or_else(|| LineCoverageError::NoNotes(image.describe.clone()))?;
        let tool = GcovTool::find(&env.origins.env.path)?;
        let request = env.request.clone().to_build("counting executed lines")?;
        let changed = PatchedSource::changed(&request, &env.origins)?.unwrap_or_default();
        let files = MeasuredFiles::with(changed.into_iter().map(|file| file.path));
        let guided = Guided {
            env: &env.run,
            jobs: self.arguments.common.jobs(),
            seed: self.arguments.seed,
            focus: self.focus,
            deadline: self.deadline(),
            changes: self.changes,
            unfit: &|source| env.fit.why_not(source),
            repeat: &|scenario: &Path, seed| self.repeat(scenario, seed),
            kernel: &explore::Kernel { tool, notes, files },
            corpus,
        };
        let numbers = numbers(self.arguments);
        let line = self.start(&numbers, results, output)?;
        let mut known = guided.start(known)?;
        guided.run(&numbers, &mut known, results, |drawn, result, new, all| {
            self.show(&line, drawn, result, all, Some(new), output)
        })?;
        Ok(known)
    }

    /// Begins the output, with a line of progress where the number of scenarios is known.
    fn start(
        &self,
        numbers: &[u64],
        results: &Explored,
        output: &mut Output,
    ) -> Result<Option<Batch>, CliError> {
        let bounded = self.arguments.time.is_none();
        let names = numbers.iter().map(|number| explore::name(self.arguments.seed, *number));
        output.start(if bounded { names.collect() } else { Vec::new() }, Some(&results.kernel))?;
        Ok(bounded.then(|| self.progress.batch("explore", numbers.len())))
    }

    /// Shows a scenario that ended.
    fn show(
        &self,
        line: &Option<Batch>,
        drawn: &Drawn,
        result: &NumberResult,
        all: &Explored,
        new: Option<&NewLines>,
        output: &mut Output,
    ) -> Result<(), CliError> {
        let name = &drawn.source.scenario.name;
        let repeat = match result {
            NumberResult::Ran(report) if matches!(report.verdict, Verdict::Fail(_)) => {
                Some(self.repeat(&self.env.run.out.join(format!("{name}.yaml")), drawn.number))
            }
            _ => None,
        };
        let item = report::drawn(drawn, result, all, new, repeat);
        if let Some(line) = line {
            line.begin(name);
            line.end(name, item.status.outcome == report::ItemResult::Failed);
        }
        output.item(&item)
    }

    /// Makes the first scenario of each finding smaller.
    fn shrink_all(&self, results: &mut Explored, output: &mut Output) -> Result<(), CliError> {
        let common = &self.arguments.common;
        let shrinking = Shrinking {
            env: &self.env.run,
            jobs: common.jobs(),
            runs: common.shrink_runs,
            progress: self.progress,
            changes: self.changes,
            unfit: &|source| self.env.fit.why_not(source),
            repeat: &|scenario: &Path, seed| self.repeat(scenario, seed),
        };
        for group in &mut results.groups {
            let Example { seed, scenario: beside, .. } = &group.example;
            let ScenarioSource { scenario, text } = ScenarioSource::from(beside)?;
            let tree = Tree::read(&beside.to_string_lossy(), &text)
                .map_err(|wrong| Box::new(ScenarioError::from(wrong)))?;
            let name = scenario.name.as_str();
            let failing = Failing { name, tree, beside, seed: *seed, signature: &group.signature };
            group.smallest = shrinking.smallest(&failing)?;
            if let Some(smallest) = &group.smallest {
                output.item(&report::smallest(name, &group.signature, smallest))?;
            }
        }
        Ok(())
    }
}
