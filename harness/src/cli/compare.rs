//! `damonlab compare`: two kernels, the same scenarios and seeds, side by side.

use super::error::CliError;
use super::machine::fit_qemu;
use super::verbs::{VerbResult, by_name, say, scenario_path, scenarios};
use crate::compare::{self, Comparer, Pair, Side};
use crate::host::progress::Progress;
use crate::host::slots;
use crate::kernel::{self, Image, Origins, Request};
use crate::report;
use crate::run::{self, RunEnv, RunError, ScenarioSource, SeedRange};
use crate::setup::{self, Env};
use crate::vm;
use crate::vm::checkpoint::Store;
use clap::{Args, ValueEnum};
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Scenarios that are quick and show whether and how fast a policy converges, with each tuner and on more than two
/// tiers, and what DAMON costs when there is nothing to do.
const QUICK: &[&str] = &["pull-push", "pull-push-consist", "goal-full-share", "quota-bytes", "idle"];

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
}

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The first kernel: KERNEL[+PATCH|FRAGMENT.config...]. KERNEL is default, a source tree or a bzImage.
    #[arg(value_name = "A")]
    a: String,
    /// The second one.
    #[arg(value_name = "B")]
    b: String,
    /// Names from scenarios/, or YAML files. None: a few quick ones that show convergence.
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
    /// How many guests run at once. None: one a core.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// What is printed.
    #[arg(long, default_value = "human", value_name = "human|json")]
    format: Format,
    /// Recordings go below the folders a and b of this one.
    #[arg(long, default_value = "results/compare", value_name = "DIR")]
    out: PathBuf,
}

pub(super) fn compare(arguments: &Arguments) -> VerbResult {
    // Everything that the user may have to mend comes before what takes minutes.
    let origins = Origins::of(Env::machine()?);
    let asked = |word: &str| compare::request(word, &origins);
    let requests = Pair { a: asked(&arguments.a)?, b: asked(&arguments.b)? };
    let loaded = load(arguments)?;
    let slots = slots::count().map_err(RunError::from)?;
    let tools = setup::tools(&origins.env)?;
    fit_qemu(loaded.iter().map(|one| &one.scenario), &origins.env.cache, &tools)?;
    let progress = Progress::stderr();
    if let Some(key) = same_key(&requests, &origins)? {
        return same(&key);
    }
    let images = Pair {
        a: build(Side::A, &requests.a, &origins, &progress)?,
        b: build(Side::B, &requests.b, &origins, &progress)?,
    };
    if images.a.key == images.b.key {
        return same(&images.a.key);
    }
    let out = std::path::absolute(&arguments.out)?;
    let lab = |side: Side| RunEnv {
        tools: tools.clone(),
        image: images.get(side).clone(),
        agent: vm::AGENT,
        out: out.join(side.to_string().to_lowercase()),
        checkpoints: Some(Store::of(&origins.env.cache)),
    };
    let bench = Comparer {
        envs: Pair::of(lab),
        arguments: Pair { a: arguments.a.clone(), b: arguments.b.clone() },
        scenarios: &loaded,
        seeds: arguments.seeds,
        jobs: arguments.jobs.unwrap_or(slots),
    };
    let comparison = bench.run(|side, seed, report| {
        progress.say(&format!(
            "compare: {side}: {}, seed {seed}: {}",
            report.scenario,
            report.verdict.word()
        ));
    })?;
    say(&match arguments.format {
        Format::Human => report::comparison(&comparison),
        Format::Json => report::comparison_json(&comparison),
    })?;
    Ok(comparison.exit_code())
}

fn load(arguments: &Arguments) -> Result<Vec<ScenarioSource>, CliError> {
    let named = |names: &[&str]| names.iter().map(|name| by_name(name)).collect::<Vec<_>>();
    let paths = match (arguments.all, arguments.scenarios.as_slice()) {
        (true, _) => {
            let all = crate::scenario::all(&scenarios()).map_err(Box::new)?;
            // What is on the real clock never repeats, and nothing could be said of a difference.
            let fit = all.iter().filter(|one| one.clock.is_virtual() && !one.wants_another_kernel());
            named(&fit.map(|scenario| scenario.name.as_str()).collect::<Vec<_>>())
        }
        (false, []) => named(QUICK),
        (false, words) => words.iter().map(|word| scenario_path(word)).collect::<Result<_, _>>()?,
    };
    let on = |path: &PathBuf| ScenarioSource::on(path, arguments.machine.as_deref());
    let loaded = paths.iter().map(on).collect::<Result<Vec<_>, _>>()?;
    for ScenarioSource { scenario, .. } in &loaded {
        if !scenario.clock.is_virtual() {
            return Err(CliError::NeverRepeats(scenario.name.clone()));
        }
        if scenario.machine.cpus() > 1 {
            return Err(CliError::ManyCpus(scenario.name.clone()));
        }
        run::check_host(scenario)?;
    }
    Ok(loaded)
}

/// The key of both sides' image, where it is one and is known without building.
fn same_key(requests: &Pair<Request>, origins: &Origins) -> Result<Option<String>, CliError> {
    if requests.a.source != requests.b.source {
        return Ok(None);
    }
    let (a, b) = (kernel::key(&requests.a, origins)?, kernel::key(&requests.b, origins)?);
    Ok(a.filter(|key| Some(key) == b.as_ref()))
}

fn same(key: &str) -> VerbResult {
    say(&format!("no difference: A and B are the same kernel ({key}); nothing was run\n"))?;
    Ok(0)
}

fn build(side: Side, request: &Request, origins: &Origins, progress: &Progress) -> Result<Image, CliError> {
    let image = kernel::obtain(request, origins, progress)?;
    progress.say(&format!("compare: {side} is {}", image.describe));
    Ok(image)
}
