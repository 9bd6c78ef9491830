//! `damonlab explore`: scenarios that nobody wrote.

use super::error::{CliError, VerbResult};
use super::explore_args::ExploreArgs;
use super::explore_env::{ExploreEnv, repeat};
use super::kernel_args::KernelArgs;
use super::output::{Closing, Output, OutputArgs};
use super::values;
use crate::check::Verdict;
use crate::explore::{self, ExploreError, Explored, Explorer, Failing, Focus, NumberResult, Part, Shrinking};
use crate::host::progress::Progress;
use crate::host::text::shown;
use crate::report;
use crate::run::Shard;
use clap::Args;
use fs_err as fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub(super) const HELP: &str = "Examples: damonlab explore\n          \
    damonlab explore --for 10m --series my-series.mbox --focus quota\n          \
    damonlab explore --seed 3 --from 4711 --count 1\n          \
    damonlab explore --shard 1/4 --out first\n          \
    damonlab explore --merge first/explore.json second/explore.json\n\n\
    Scenario 4711 of seed 3 is the same everywhere. What passes leaves nothing behind; of each finding the first scenario \
    and its recording stay below --out, with explore.json, for --merge.\n\n\
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
    /// Run the K-th of N parts of the scenarios only; --merge joins the parts.
    #[arg(long, value_name = "K/N")]
    shard: Option<Shard>,
    /// Run nothing: join what the shards of one exploration have found, and report that.
    // By name: clap leaves the group of arguments empty that has others flattened into it.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = [
        "kernel", "series", "strict", "skip_applied", "patches", "profiles", "fragments", "build_in", "count", "time",
        "seed", "from", "focus", "shard", "shrink_runs", "jobs", "changes",
    ])]
    merge: Vec<PathBuf>,
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
    let mut output = Output::new("explore", &arguments.output)?;
    let out = std::path::absolute(&arguments.out)?;
    let results = match Explored::merge(&arguments.merge)? {
        Some(results) => {
            output.start(Vec::new(), Some(&results.kernel))?;
            results
        }
        None => run(arguments, out.clone(), &mut output)?,
    };
    fs::create_dir_all(&out)?;
    let stored = out.join("explore.json");
    results.save(&stored)?;
    let notes = vec![format!("to merge: {}", shown(&stored))];
    output.finish(Closing {
        answer: report::explored(&results),
        notes,
        data: report::explored_data(&results),
    })?;
    Ok(match (results.no_result.len(), results.failed.len()) {
        (0, 0) => 0,
        (0, _) => 1,
        _ => 3,
    })
}

fn run(arguments: &Arguments, out: PathBuf, output: &mut Output) -> Result<Explored, CliError> {
    let changes = arguments.common.expect_change.changes(None, [])?;
    let progress = output.progress();
    let env = ExploreEnv::of(&arguments.kernel, out, &progress)?;
    let focus = focus(arguments, &progress)?;
    let image = &env.run.image;
    let mut results = Explored::on(&image.describe, &image.key, arguments.seed, focus.words());
    let jobs = arguments.common.jobs();
    let explorer = Explorer {
        env: &env.run,
        jobs,
        seed: arguments.seed,
        focus: &focus,
        deadline: arguments.time.map(|time| Instant::now() + time),
        changes: &changes,
        unfit: &|source| env.fit.why_not(source),
    };
    run_all(arguments, &explorer, &mut results, output, &progress)?;
    let shrinking = Shrinking {
        env: &env.run,
        jobs,
        runs: arguments.common.shrink_runs,
        progress: &progress,
        changes: &changes,
        unfit: &|source| env.fit.why_not(source),
        repeat: &|scenario: &Path, seed| repeat(&arguments.kernel, &arguments.common.expect_change, scenario, seed),
    };
    if arguments.common.shrink_runs > 0 {
        shrink_all(&shrinking, &focus, &mut results, output)?;
    }
    Ok(results)
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

/// Makes the first scenario of each finding smaller.
fn shrink_all(
    shrinking: &Shrinking<'_>,
    focus: &Focus,
    results: &mut Explored,
    output: &mut Output,
) -> Result<(), CliError> {
    let seed = results.seed;
    for group in &mut results.groups {
        let Some(number) = group.numbers.first() else { continue };
        let drawn = explore::draw(seed, *number, focus).map_err(ExploreError::from)?;
        let name = drawn.source.scenario.name.as_str();
        let beside = &group.example.scenario;
        let failing = Failing { name, tree: drawn.tree, beside, seed: *number, signature: &group.signature };
        group.smallest = shrinking.smallest(&failing)?;
        if let Some(smallest) = &group.smallest {
            output.item(&report::smallest(name, &group.signature, smallest))?;
        }
    }
    Ok(())
}

/// The numbers of the scenarios, in order.
fn numbers(arguments: &Arguments) -> Vec<u64> {
    let count = if arguments.time.is_some() { WITHOUT_END } else { arguments.count };
    let all: Vec<u64> = (arguments.from..arguments.from.saturating_add(count)).collect();
    match arguments.shard {
        Some(shard) => shard.of(all),
        None => all,
    }
}

fn run_all(
    arguments: &Arguments,
    explorer: &Explorer<'_>,
    results: &mut Explored,
    output: &mut Output,
    progress: &Progress,
) -> Result<(), CliError> {
    let numbers = numbers(arguments);
    let bounded = arguments.time.is_none();
    let names = numbers.iter().map(|number| explore::name(arguments.seed, *number));
    output.start(if bounded { names.collect() } else { Vec::new() }, Some(&results.kernel))?;
    let line = bounded.then(|| progress.batch("explore", numbers.len()));
    explorer.run(&numbers, results, |drawn, result, all| {
        let name = &drawn.source.scenario.name;
        let repeat = match result {
            NumberResult::Ran(report) if matches!(report.verdict, Verdict::Fail(_)) => {
                let scenario = explorer.env.out.join(format!("{name}.yaml"));
                Some(repeat(&arguments.kernel, &arguments.common.expect_change, &scenario, drawn.number))
            }
            _ => None,
        };
        let item = report::drawn(drawn, result, all, repeat);
        if let Some(line) = &line {
            line.begin(name);
            line.end(name, item.status.outcome == report::ItemResult::Failed);
        }
        output.item(&item)
    })
}
