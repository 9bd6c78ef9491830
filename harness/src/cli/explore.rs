//! `damonlab explore`: scenarios that nobody wrote.

use super::error::{CliError, VerbResult};
use super::expect_change::ExpectChangeArgs;
use super::kernel_args::KernelArgs;
use super::output::{Closing, Output, OutputArgs};
use super::repro_command::{ReproCommand, Seeds};
use super::rules_args::RulesArgs;
use super::values;
use crate::explore::{Explored, Explorer, Focus, NumberResult, Part};
use crate::host::progress::Progress;
use crate::host::slots;
use crate::host::text::shown;
use crate::kernel::{self, Origins};
use crate::line_coverage::Shard;
use crate::machine::Machine;
use crate::report;
use crate::run::{self, RunEnv, ScenarioSource};
use crate::setup::{self, Env};
use crate::vm::checkpoint::Store;
use crate::vm::{self, Capabilities};
use clap::Args;
use fs_err as fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;
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
    /// Draw this part of the grammar more often: quota, goal, commit, hotplug, ... May be given more than once.
    #[arg(long, value_name = "PART")]
    focus: Vec<Part>,
    /// Run the K-th of N parts of the scenarios only; --merge joins the parts.
    #[arg(long, value_name = "K/N")]
    shard: Option<Shard>,
    /// Run nothing: join what the shards of one exploration have found, and report that.
    // By name: clap leaves the group of arguments empty that has others flattened into it.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = [
        "kernel", "series", "strict", "skip_applied", "patches", "profiles", "fragments", "build_in", "count", "time",
        "seed", "from", "focus", "shard", "jobs", "changes",
    ])]
    merge: Vec<PathBuf>,
    /// How many guests run at once at most [default: one a core].
    #[arg(long, value_name = "N", value_parser = values::guests, allow_negative_numbers = true)]
    jobs: Option<NonZeroUsize>,
    #[command(flatten)]
    expect_change: ExpectChangeArgs,
    /// Results go below this folder.
    #[arg(long, short = 'o', default_value = "results/explore", value_name = "DIR")]
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
    output.finish(Closing { answer: report::explored(&results), notes, data: report::explored_data(&results) })?;
    Ok(match (results.no_result.len(), results.failed.len()) {
        (0, 0) => 0,
        (0, _) => 1,
        _ => 3,
    })
}

fn run(arguments: &Arguments, out: PathBuf, output: &mut Output) -> Result<Explored, CliError> {
    let changes = arguments.expect_change.changes()?;
    let slots = slots::count();
    let origins = Origins::of(Env::machine()?);
    let progress = output.progress();
    let request = arguments.kernel.request(&origins, &progress)?;
    let tools = setup::tools(&origins.env, request.work())?;
    let capabilities = vm::capabilities(&origins.env.cache, &tools)?;
    let image = kernel::obtain(&request, &origins, &progress)?;
    report::unknown_to_damonlab(&image).iter().for_each(|note| progress.say(note));
    fs::create_dir_all(&out)?;
    let checkpoints = Some(Store::of(&origins.env.cache));
    let env = RunEnv { tools, image, agent: vm::AGENT, out, checkpoints };
    let focus = Focus(arguments.focus.clone());
    let words = focus.0.iter().map(|part| part.word().to_owned()).collect();
    let mut results = Explored::on(&env.image.describe, &env.image.key, arguments.seed, words);
    let explorer = Explorer {
        env: &env,
        jobs: arguments.jobs.unwrap_or(slots),
        seed: arguments.seed,
        focus: &focus,
        deadline: arguments.time.map(|time| Instant::now() + time),
        changes: &changes,
        unfit: &|source| unfit(source, &env, &capabilities),
    };
    run_all(arguments, &explorer, &mut results, output, &progress)?;
    Ok(results)
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
    let names = numbers.iter().map(|number| crate::explore::name(arguments.seed, *number));
    output.start(if bounded { names.collect() } else { Vec::new() }, Some(&results.kernel))?;
    let line = bounded.then(|| progress.batch("explore", numbers.len()));
    let rules = RulesArgs::default();
    let repro = ReproCommand {
        machine: None,
        introduces: None,
        rules: &rules,
        changes: &arguments.expect_change,
        clock: None,
        kernel: &arguments.kernel,
    };
    explorer.run(&numbers, results, |drawn, result, all| {
        let name = &drawn.source.scenario.name;
        let repeat = match result {
            NumberResult::Ran(report) => {
                let scenario = explorer.env.out.join(format!("{name}.yaml"));
                repro.if_failed(&scenario.to_string_lossy(), Seeds::One(drawn.number), &report.verdict)
            }
            NumberResult::Unfit(_) => None,
        };
        let item = report::drawn(drawn, result, all, repeat);
        if let Some(line) = &line {
            line.begin(name);
            line.end(name, item.status.outcome == report::ItemResult::Failed);
        }
        output.item(&item)
    })
}

/// Why a scenario cannot run here.
fn unfit(source: &ScenarioSource, env: &RunEnv, capabilities: &Capabilities) -> Option<String> {
    if let Err(error) = run::check_host(&source.scenario) {
        return Some(error.to_string());
    }
    let machine = match Machine::of(&source.scenario) {
        Ok(machine) => machine,
        Err(error) => return Some(error.to_string()),
    };
    let missing = capabilities.check(&source.scenario.name, &machine.argv, &env.tools);
    missing.err().map(|missing| missing.to_string())
}
