//! `damonlab compare`: two kernels, the same scenarios and seeds, side by side.

use super::error::{CliError, VerbResult};
use super::expect_change::ExpectChangeArgs;
use super::introduces_args::IntroducesArgs;
use super::kernel_args::BuildArgs;
use super::output::{Closing, Output, OutputArgs};
use super::rules_args::RulesArgs;
use super::{exit_status, qemu, scenarios, values};
use crate::check::Verdict;
use crate::compare::{self, Comparer, Comparison, Pair, Side};
use crate::host::names::Key;
use crate::host::progress::Progress;
use crate::host::slots;
use crate::host::text::quote;
use crate::judge::{self, Intended, RuleFileUse};
use crate::kernel::{self, Image, Origins, Request};
use crate::report;
use crate::run::{self, RunEnv, RunError, ScenarioSource, SeedRange};
use crate::setup::{self, Env};
use crate::vm;
use crate::vm::checkpoint::Store;
use clap::Args;
use serde_json::json;
use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Scenarios that are quick and show whether and how fast a policy converges, with each tuner and on more than two
/// tiers, and what DAMON costs when there is nothing to do.
const QUICK: &[&str] = &["pull-push", "pull-push-consist", "goal-full-share", "quota-bytes", "idle"];

pub(super) const HELP: &str = "Examples: damonlab compare 7.3 7.3+my.mbox\n          \
    damonlab compare ~/linux my-bzImage pull-push --seeds 0..8\n\n\
    The answer stands above the last line. Exit status: 0 no difference, 1 a difference, 2 bad input, 3 a run had no \
    result because the host or QEMU failed. docs/compare.md says when a number is called different.";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The first kernel: KERNEL[+SERIES|PATCH|FRAGMENT.config|PROFILE...], where KERNEL is what --kernel of `run`
    /// takes, or `default`.
    #[arg(value_name = "A")]
    a: String,
    /// The second kernel.
    #[arg(value_name = "B")]
    b: String,
    /// Names from scenarios/, or YAML files [default: a few quick ones that show convergence].
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// Run every scenario of scenarios/.
    #[arg(long, conflicts_with = "scenarios")]
    all: bool,
    /// Run with each seed from A to B-1 (A..=B: to B). With fewer than four no number is called different.
    #[arg(long, value_name = "A..B", default_value = "0..4")]
    seeds: SeedRange,
    /// Run on this machine, whatever the scenarios say: a name or a YAML file.
    #[arg(long, value_name = "NAME|FILE")]
    machine: Option<String>,
    #[command(flatten)]
    introduces: IntroducesArgs,
    #[command(flatten)]
    rules: RulesArgs,
    #[command(flatten)]
    expect_change: ExpectChangeArgs,
    /// How many guests run at once at most [default: one a core].
    #[arg(long, value_name = "N", value_parser = values::guests, allow_negative_numbers = true)]
    jobs: Option<NonZeroUsize>,
    #[command(flatten)]
    build: BuildArgs,
    /// Recordings go below the folders a and b of this one.
    #[arg(long, default_value = "results/compare", value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
}

/// The kernels, those that are built where the user wants it. Two images are not built.
fn built_in(
    requests: Pair<Request>,
    build: &BuildArgs,
    origins: &Origins,
) -> Result<Pair<Request>, CliError> {
    let images = [&requests.a, &requests.b].iter().all(|one| matches!(one, Request::Image(_)));
    let one = |request| match request {
        Request::Image(_) if !images => Ok(request),
        request => build.request(request, origins),
    };
    Ok(Pair { a: one(requests.a)?, b: one(requests.b)? })
}

pub(super) fn compare(arguments: &Arguments) -> VerbResult {
    // Everything that the user may have to fix comes before what takes minutes.
    let mut output = Output::new("compare", &arguments.output)?;
    let origins = Origins::of(Env::machine()?);
    let request = |word: &str| compare::request(word, &origins);
    let requests =
        built_in(Pair { a: request(&arguments.a)?, b: request(&arguments.b)? }, &arguments.build, &origins)?;
    let (sources, mut rules) = load(arguments)?;
    let changes = arguments.expect_change.of_sources(&sources)?;
    let slots = slots::count();
    let tools = setup::tools(&origins.env, requests.a.work().max(requests.b.work()))?;
    qemu::check(sources.iter().map(|one| &one.scenario), &origins.env.cache, &tools)?;
    let progress = output.progress();
    if let Some(key) = same_key(&requests, &origins)? {
        return same(&key, &mut output);
    }
    let images = Pair {
        a: build(Side::A, &requests.a, &origins, &progress)?,
        b: build(Side::B, &requests.b, &origins, &progress)?,
    };
    if images.a.key == images.b.key {
        return same(&images.a.key, &mut output);
    }
    let out = std::path::absolute(&arguments.out)?;
    let env = |side: Side| RunEnv {
        tools: tools.clone(),
        image: images.get(side).clone(),
        agent: vm::AGENT,
        out: out.join(side.to_string().to_lowercase()),
        checkpoints: Some(Store::of(&origins.env.cache)),
    };
    let comparer = Comparer {
        envs: Pair::of(env),
        arguments: Pair { a: arguments.a.clone(), b: arguments.b.clone() },
        scenarios: &sources,
        seeds: arguments.seeds,
        changes: &changes,
        jobs: arguments.jobs.unwrap_or(slots),
    };
    output.start(sources.iter().map(|one| one.scenario.name.clone()).collect(), None)?;
    let (comparison, intended) = run(&comparer, &mut rules, &progress)?;
    comparison.scenarios.iter().try_for_each(|one| output.item(&report::scenario(one)))?;
    let answer = report::comparison(&comparison);
    let mut notes = report::comparison_notes(&comparison);
    notes.extend(intended);
    notes.extend(judge::not_seen(&changes));
    notes.extend(rules.notes());
    output.finish(Closing { answer, notes, data: report::comparison_data(&comparison) })?;
    Ok(exit_status::with_rules(comparison.exit_code(), &rules))
}

/// Runs everything, with a progress line. Beside the comparison, the rules that a side violates as intended, each with its
/// reason.
fn run(
    comparer: &Comparer<'_>,
    rules: &mut RuleFileUse,
    progress: &Progress,
) -> Result<(Comparison, BTreeSet<String>), RunError> {
    let runs = comparer.scenarios.len() * comparer.seeds.iter().count() * Side::BOTH.len();
    let line = progress.batch("compare", runs);
    let mut intended = BTreeSet::new();
    let comparison = comparer.run(|side, seed, report| {
        rules.add(report);
        intended.extend(report.intended.iter().map(|Intended { finding, why }| {
            format!("note: {side} violates {} as intended: {}", finding.origin, quote(why))
        }));
        let failed = !matches!(report.verdict, Verdict::Pass | Verdict::Skip(_));
        line.end(&format!("{side} {} seed {seed}", report.scenario), failed);
    })?;
    Ok((comparison, intended))
}

fn load(arguments: &Arguments) -> Result<(Vec<ScenarioSource>, RuleFileUse), CliError> {
    let named = |names: &[&str]| names.iter().map(|name| scenarios::by_name(name)).collect::<Vec<_>>();
    let paths = match (arguments.all, arguments.scenarios.as_slice()) {
        (true, _) => {
            let all = scenarios::all()?;
            // What is on the real clock never repeats, and a difference would mean nothing.
            let fit = all.iter().filter(|one| one.clock.is_virtual() && !one.wants_another_kernel());
            named(&fit.map(|scenario| scenario.name.as_str()).collect::<Vec<_>>())
        }
        (false, []) => named(QUICK),
        (false, words) => words.iter().map(|word| scenarios::path(word)).collect::<Result<_, _>>()?,
    };
    let mut sources = arguments.introduces.sources(&paths, arguments.machine.as_deref())?;
    let rules = arguments.rules.add_to(&mut sources)?;
    for ScenarioSource { scenario, .. } in &sources {
        if !scenario.clock.is_virtual() {
            return Err(CliError::NeverRepeats(scenario.name.clone()));
        }
        if scenario.machine.cpus() > 1 {
            return Err(CliError::ManyCpus(scenario.name.clone()));
        }
        run::check_host(scenario)?;
    }
    Ok((sources, rules))
}

/// The key of both sides' image, where it is one and is known without building.
fn same_key(requests: &Pair<Request>, origins: &Origins) -> Result<Option<Key>, CliError> {
    let (Request::Build(a), Request::Build(b)) = (&requests.a, &requests.b) else { return Ok(None) };
    if a.source != b.source {
        return Ok(None);
    }
    let (a, b) = (kernel::key(a, origins)?, kernel::key(b, origins)?);
    Ok(a.filter(|key| Some(key) == b.as_ref()))
}

/// There is nothing to run.
fn same(key: &str, output: &mut Output) -> VerbResult {
    let answer = format!("no difference: A and B are the same kernel ({key}); nothing was run");
    let data = json!({"answer": answer, "differences": []});
    output.start(Vec::new(), None)?;
    output.finish(Closing { answer: vec![answer], data, ..Closing::default() })?;
    Ok(0)
}

fn build(side: Side, request: &Request, origins: &Origins, progress: &Progress) -> Result<Image, CliError> {
    let image = kernel::obtain(request, origins, progress)?;
    progress.say(&format!("compare: {side} is {}", image.describe));
    Ok(image)
}
