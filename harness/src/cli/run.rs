//! `damonlab run`: scenarios on a kernel, judged.

use super::batch::{Batch, Named};
use super::error::{CliError, VerbResult};
use super::exit_status::ExitStatuses;
use super::expect_change::ExpectChangeArgs;
use super::introduces_args::IntroducesArgs;
use super::kernel_args::KernelArgs;
use super::output::{Closing, Output, OutputArgs};
use super::plots_args::PlotsArgs;
use super::repro_command::ReproCommand;
use super::rules_args::RulesArgs;
use super::{qemu, scenarios, shard_file, values};
use crate::host::slots;
use crate::judge::{ChangesSeen, RuleFileUse};
use crate::kernel::{self, Image, Origins};
use crate::report;
use crate::run::{self, RunEnv, ScenarioSource, SeedRange, Shard};
use crate::scenario::GuestClock;
use crate::setup::{self, Env};
use crate::shards::{Call, RunTotals, Totals, digest_of_files};
use crate::vm;
use crate::vm::checkpoint::Store;
use clap::Args;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

/// The scenario of the README.
const FIRST: &str = "pull-push";

pub(super) const HELP: &str = "Examples: damonlab run pull-push idle --kernel ~/linux\n          \
    damonlab run pull-push --seeds 0..8\n          \
    damonlab run --all --quiet\n          \
    damonlab run --all --shard 1/4 --out first\n          \
    damonlab run idle --machine dram2 -v\n          \
    damonlab run pull-push --html report.html\n          \
    git bisect run damonlab run idle --kernel . --git-bisect --out /tmp\n\n\
    A scenario that passes is one line, one that fails is shown with what was expected, what was seen, the lines of \
    the trace, and the command that repeats it.";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Names from scenarios/ (`damonlab list` shows them), or YAML files [default: pull-push].
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// Run every scenario of scenarios/; with --seeds or --repeat, every one on virtual time.
    #[arg(long, conflicts_with = "scenarios")]
    pub(super) all: bool,
    /// Install what is missing first.
    #[arg(long)]
    setup: bool,
    #[command(flatten)]
    pub(super) kernel: KernelArgs,
    /// The seed of every random choice in the guest: the workloads' and the kernel's.
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = values::seed, allow_negative_numbers = true)]
    pub(super) seed: u64,
    /// Run once with each seed from A to B-1 (A..=B: to B), and judge what is expected over seeds.
    #[arg(long, value_name = "A..B", conflicts_with = "seed")]
    pub(super) seeds: Option<SeedRange>,
    /// Run each scenario N times, and compare every recording with the first, byte for byte. Equal ones are not kept;
    /// a difference makes the scenario unstable (exit status 1).
    #[arg(long, default_value = "1", value_name = "N", value_parser = values::runs, allow_negative_numbers = true)]
    pub(super) repeat: NonZeroU32,
    /// The guest's clock, whatever the scenario says. real: the host's clock, under KVM where that works; such runs do
    /// not repeat, and rules that compare times do not apply.
    #[arg(long, value_name = "virtual|real")]
    pub(super) clock: Option<GuestClock>,
    #[command(flatten)]
    pub(super) rules: RulesArgs,
    /// Run on this machine, whatever the scenario says: a name (`damonlab list` shows them) or a YAML file. The rest of
    /// the scenario must fit it.
    #[arg(long, value_name = "NAME|FILE")]
    pub(super) machine: Option<String>,
    #[command(flatten)]
    pub(super) introduces: IntroducesArgs,
    /// Boot the guest, even where there is a checkpoint, and save none.
    #[arg(long)]
    no_checkpoint: bool,
    /// How many scenarios run at once at most [default: one a core]. Guests of other damonlabs on this host count too: a run
    /// waits until a core and enough memory are free. DAMONLAB_SLOTS=N allows N guests on this host.
    #[arg(long, value_name = "N", value_parser = values::guests, allow_negative_numbers = true)]
    jobs: Option<NonZeroUsize>,
    #[command(flatten)]
    pub(super) expect_change: ExpectChangeArgs,
    /// Run the K-th of N parts of the scenarios only; `damonlab merge` reports the parts together.
    #[arg(long, value_name = "K/N")]
    shard: Option<Shard>,
    /// Exit as `git bisect run` expects it: 0 good, 1 a scenario failed, 125 cannot tell (no build, no boot, a skip, the
    /// host or QEMU failed), 128 a mistyped command. Give an --out outside of the tree.
    #[arg(long)]
    pub(super) git_bisect: bool,
    /// Results go below this folder.
    #[arg(long, default_value = "results", value_name = "DIR")]
    out: PathBuf,
    /// Write a page with plots into FILE, too: the same as --report html=FILE.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    plots: PlotsArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

pub(super) fn run(arguments: &Arguments) -> VerbResult {
    // Everything that the user may have to fix comes before what takes minutes.
    let output = arguments.output.with_page(arguments.html.as_deref());
    let mut output = Output::new("run", &output)?.keeping(arguments.shard.is_some());
    let plots = arguments.plots.style(&arguments.output)?;
    let paths = own_paths(arguments)?;
    let mut sources = arguments.introduces.sources(&paths, arguments.machine.as_deref())?;
    let rules = arguments.rules.add_to(&mut sources)?;
    let changes = arguments.expect_change.of_sources(&sources)?;
    set_clock(arguments, &mut sources)?;
    sources.iter().try_for_each(|one| run::check_host(&one.scenario))?;
    let slots = slots::count();
    let env = Env::machine()?;
    let origins = Origins::of(env.clone());
    let progress = output.progress();
    for ScenarioSource { scenario, .. } in &sources {
        scenario.notes.iter().for_each(|note| progress.say(&format!("scenario: {}: {note}", scenario.name)));
    }
    let request = arguments.kernel.request(&origins, &progress)?;
    if arguments.setup {
        setup::install(&env, &progress)?;
    }
    let tools = setup::tools(&env, request.work())?;
    qemu::check(sources.iter().map(|one| &one.scenario), &env.cache, &tools)?;
    let image = kernel::obtain(&request, &origins, &progress)?;
    report::unknown_to_damonlab(&image).iter().for_each(|note| progress.say(note));
    let out = std::path::absolute(&arguments.out)?;
    let checkpoints = (!arguments.no_checkpoint).then(|| Store::of(&origins.env.cache));
    let env = RunEnv { tools, image, agent: vm::AGENT, out, checkpoints };
    let jobs = arguments.jobs.unwrap_or(slots);
    let named: Vec<Named<'_>> = paths.iter().map(|path| scenarios::argument(path)).zip(&sources).collect();
    let repro = ReproCommand {
        machine: arguments.machine.as_deref(),
        introduces: arguments.introduces.path(),
        rules: &arguments.rules,
        changes: &arguments.expect_change,
        clock: arguments.clock,
        kernel: &arguments.kernel,
    };
    let (repeat, changes, progress) = (arguments.repeat, &*changes, &progress);
    let batch = Batch { env: &env, jobs, repeat, repro, changes, progress, plots };
    let totals = run_all(arguments, &batch, &named, rules, &mut output)?;
    let (call, kept) = (|| call(arguments, &env.image, &sources), output.kept());
    let whole = Totals::Run(Box::new(totals.clone()));
    let note = shard_file::store(arguments.shard, call, kept, &whole, &env.out)?;
    finish(totals, note.into_iter().collect(), &mut output)
}

/// Runs the scenarios.
fn run_all(
    arguments: &Arguments,
    batch: &Batch<'_>,
    named: &[Named<'_>],
    mut rules: RuleFileUse,
    output: &mut Output,
) -> Result<RunTotals, CliError> {
    let (statuses, coverage) = match arguments.seeds {
        Some(seeds) => (batch.many_seeds_each(named, seeds, &mut rules, output)?, None),
        None => {
            let (statuses, coverage) = batch.one_seed_each(named, arguments.seed, &mut rules, output)?;
            (statuses, arguments.all.then_some(coverage))
        }
    };
    let (changes, statuses) = (ChangesSeen::of(batch.changes), statuses.stored());
    Ok(RunTotals { statuses, for_git: arguments.git_bisect, rules, changes, coverage })
}

/// What the shards of one call have in common.
fn call(arguments: &Arguments, image: &Image, sources: &[ScenarioSource]) -> Result<Call, CliError> {
    let read = sources.first().map(|source| &source.scenario);
    let files = arguments.rules.load()?;
    let rules: Vec<String> = files.iter().map(|file| file.text.clone()).collect();
    let changes: Vec<String> = arguments.expect_change.arguments().collect();
    let introduces = read.and_then(|scenario| scenario.introduces_file.as_ref());
    let options = shard_file::options([
        ("--clock", arguments.clock.map(|clock| clock.to_string())),
        ("--machine", arguments.machine.clone()),
        (
            "--introduces",
            shard_file::texts(&introduces.map(|file| file.text.clone()).into_iter().collect::<Vec<_>>()),
        ),
        ("--rules", shard_file::texts(&rules)),
        ("--expect-change", shard_file::texts(&changes)),
        ("--git-bisect", shard_file::flag(arguments.git_bisect)),
    ]);
    let seeds = arguments.seeds.map_or_else(|| arguments.seed.to_string(), |seeds| seeds.to_string());
    Ok(Call::new([
        ("kernel", format!("{} ({})", image.describe, image.key)),
        ("seed", seeds),
        ("--repeat", arguments.repeat.to_string()),
        ("set of options", options),
        ("list of scenarios", digest_of_files(&paths(arguments)?)?),
    ]))
}

/// Reports what the runs come to, and gives the exit status. The rules that applied to none of all scenarios are noted.
pub(super) fn finish(totals: RunTotals, of_shard: Vec<String>, output: &mut Output) -> VerbResult {
    let RunTotals { statuses, for_git, rules, changes, coverage } = totals;
    // A shard is not all scenarios.
    let coverage = coverage.filter(|_| of_shard.is_empty());
    let mut notes = coverage.map_or_else(Vec::new, |coverage| report::never_applied(&coverage));
    notes.extend(changes.unseen);
    notes.extend(rules.notes());
    notes.extend(of_shard);
    output.finish(Closing { notes, ..Closing::default() })?;
    Ok(ExitStatuses::from_stored(statuses).of(for_git, &rules))
}

/// The files of the scenarios in this part.
fn own_paths(arguments: &Arguments) -> Result<Vec<PathBuf>, CliError> {
    Ok(Shard::part(arguments.shard, paths(arguments)?))
}

fn paths(arguments: &Arguments) -> Result<Vec<PathBuf>, CliError> {
    if arguments.all {
        let repeats = arguments.seeds.is_some() || arguments.repeat.get() > 1;
        let all = scenarios::all()?;
        let fit = all.iter().filter(|scenario| !repeats || scenario.clock.is_virtual());
        return Ok(fit.map(|scenario| scenarios::by_name(&scenario.name)).collect());
    }
    if arguments.scenarios.is_empty() {
        return Ok(vec![scenarios::by_name(FIRST)]);
    }
    arguments.scenarios.iter().map(|word| scenarios::path(word)).collect()
}

/// Sets the clock that the user chose, and refuses what does not work on it.
fn set_clock(arguments: &Arguments, sources: &mut [ScenarioSource]) -> Result<(), CliError> {
    for ScenarioSource { scenario, .. } in sources {
        scenario.clock = arguments.clock.unwrap_or(scenario.clock);
        if scenario.clock.is_virtual() && scenario.host_root {
            return Err(CliError::HostFiles(scenario.name.clone()));
        }
        if scenario.clock.is_virtual() && scenario.machine.cpus() > 1 {
            return Err(CliError::ManyCpus(scenario.name.clone()));
        }
        if !scenario.clock.is_virtual() && (arguments.seeds.is_some() || arguments.repeat.get() > 1) {
            return Err(CliError::NeverRepeats(scenario.name.clone()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::command::{Cli, Verb};
    use super::*;
    use clap::Parser;

    #[test]
    fn a_machine_of_several_cpus_runs_on_the_real_clock_alone() {
        let machine = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../scenarios/invalid/machines/two-cpus.yaml");
        let words = ["damonlab", "run", "idle", "--machine", machine.to_str().unwrap()];
        let set = |more: &[&str]| {
            let Verb::Run(run) = Cli::parse_from(words.iter().chain(more)).verb else { panic!("no run") };
            let path = scenarios::by_name("idle");
            let mut sources = [ScenarioSource::on(&path, run.machine.as_deref(), None).unwrap()];
            set_clock(&run, &mut sources)
        };
        assert!(matches!(set(&[]), Err(CliError::ManyCpus(name)) if name == "idle"));
        assert!(set(&["--clock", "real"]).is_ok());
    }

    #[test]
    fn four_parts_have_every_scenario_once() {
        let own = |more: &[&str]| {
            let words = ["damonlab", "run", "--all"];
            let Verb::Run(run) = Cli::parse_from(words.iter().chain(more)).verb else { panic!("no run") };
            own_paths(&run).unwrap()
        };
        let mut parts: Vec<PathBuf> =
            ["1/4", "2/4", "3/4", "4/4"].iter().flat_map(|part| own(&["--shard", part])).collect();
        parts.sort();
        let mut whole = own(&[]);
        whole.sort();
        assert_eq!(parts, whole);
    }

    #[test]
    fn all_scenarios_are_those_that_repeat_where_runs_are_repeated() {
        let paths = |more: &[&str]| {
            let words = ["damonlab", "run", "--all"];
            let Verb::Run(run) = Cli::parse_from(words.iter().chain(more)).verb else { panic!("no run") };
            paths(&run).unwrap()
        };
        let (all, repeating) = (paths(&[]), paths(&["--seeds", "0..2"]));
        assert!(all.len() > repeating.len());
        assert!(all.contains(&scenarios::by_name("kunit")) || all.contains(&scenarios::by_name("damo")));
    }
}
