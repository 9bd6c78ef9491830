//! `damonlab shrink`: a scenario that fails, made smaller.

use super::error::{CliError, VerbResult};
use super::explore_args::ExploreArgs;
use super::explore_env::{ExploreEnv, repeat};
use super::kernel_args::KernelArgs;
use super::output::{Closing, Output, OutputArgs};
use super::{rule, scenarios, values};
use crate::check::Verdict;
use crate::explore::{Failing, Shrinking, Signature, Smallest, Tree};
use crate::report::{self, RunView};
use crate::run::{self, ScenarioSource};
use crate::scenario::ScenarioError;
use clap::Args;
use std::path::{Path, PathBuf};

pub(super) const HELP: &str = "Examples: damonlab shrink my-failure.yaml\n          \
    damonlab shrink my-failure.yaml --finding Q7 --shrink-runs 200 --seed 3\n\n\
    The smaller scenario is NAME-FINDING.yaml below --out, with the finding and the command that repeats it on top.\n\n\
    Exit status: 0 if the scenario fails and was made smaller, 1 if it does not fail, or not with that finding.";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A name from scenarios/, or a YAML file.
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    /// The rule whose finding has to stay, by name or id [default: the most important finding].
    #[arg(long, value_name = "RULE")]
    finding: Option<String>,
    #[command(flatten)]
    kernel: KernelArgs,
    /// The seed with which it fails. Seed 0 is tried first.
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = values::seed, allow_negative_numbers = true)]
    seed: u64,
    #[command(flatten)]
    common: ExploreArgs,
    /// Results go below this folder.
    #[arg(long, default_value = "results/shrink", value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn shrink(arguments: &Arguments) -> VerbResult {
    let mut output = Output::new("shrink", &arguments.output)?;
    let path = scenarios::path(&arguments.scenario)?;
    let source = ScenarioSource::from(&path)?;
    let changes = arguments.common.expect_change.of_sources(std::slice::from_ref(&source))?;
    if !source.scenario.clock.is_virtual() {
        return Err(CliError::NeverRepeats(source.scenario.name.clone()));
    }
    let tree = Tree::read(&path.to_string_lossy(), &source.text)
        .map_err(|wrong| Box::new(ScenarioError::from(wrong)))?;
    let wanted = arguments.finding.as_deref().map(|word| wanted(word, &source)).transpose()?;
    let progress = output.progress();
    let out = std::path::absolute(&arguments.out)?;
    let env = ExploreEnv::of(&arguments.kernel, out, &progress)?;
    output.start(vec![source.scenario.name.clone()], Some(&env.run.image.describe))?;
    let report = run::run(&env.run, &source, arguments.seed)?.with_expected_changes(&changes);
    let signature = Signature::all(&report.verdict)
        .into_iter()
        .find(|one| wanted.as_deref().is_none_or(|id| one.id == id));
    let Some(signature) = signature else {
        output.item(&RunView { seed: Some(arguments.seed), ..RunView::of(&report) }.item())?;
        let what = wanted.map_or("it did not fail".to_owned(), |id| format!("it has no finding of {id}"));
        output.finish(Closing { answer: vec![format!("not made smaller: {what}")], ..Closing::default() })?;
        return Ok(if matches!(report.verdict, Verdict::Infra(_)) { 3 } else { 1 });
    };
    let shrinking = Shrinking {
        env: &env.run,
        jobs: arguments.common.jobs(),
        runs: arguments.common.shrink_runs,
        progress: &progress,
        changes: &changes,
        unfit: &|source| env.fit.why_not(source),
        repeat: &|scenario: &Path, seed| {
            repeat(&arguments.kernel, &arguments.common.expect_change, scenario, seed)
        },
    };
    let name = source.scenario.name.as_str();
    let failing = Failing { name, tree, beside: &path, seed: arguments.seed, signature: &signature };
    finish(shrinking.smallest(&failing)?.as_ref(), name, &signature, &mut output)
}

fn finish(smallest: Option<&Smallest>, name: &str, signature: &Signature, output: &mut Output) -> VerbResult {
    let (answer, status) = match smallest {
        Some(smallest) => {
            output.item(&report::smallest(name, signature, smallest))?;
            (Vec::new(), 0)
        }
        None => (vec!["not made smaller: the finding was gone when the scenario ran again".to_owned()], 1),
    };
    output.finish(Closing { answer, ..Closing::default() })?;
    Ok(status)
}

/// The id of what has to stay: a rule of damonlab's own or of the scenario, or a way in which a run ends.
fn wanted(word: &str, source: &ScenarioSource) -> Result<String, CliError> {
    let stated = source.scenario.rules.iter().any(|rule| *rule.name == *word);
    if stated { Ok(word.to_owned()) } else { Ok(rule::origin(word)?.id().to_owned()) }
}
