//! `damonlab check`: stored recordings, judged again with today's rules.

use super::error::{CliError, VerbResult};
use super::exit_status;
use super::expect_change::ExpectChangeArgs;
use super::output::{Closing, Output, OutputArgs};
use super::rules_args::RulesArgs;
use crate::host::progress::Batch;
use crate::judge::{self, ExpectedChange, Report, RuleFileUse, Stored, StoredResult};
use crate::recording::{DIGESTS, Seal};
use crate::report::{self, Item, RunView};
use crate::scenario::{RuleFile, Scenario};
use clap::Args;
use std::path::PathBuf;

pub(super) const HELP: &str = "Examples: damonlab check results/pull-push/0001\n          \
    damonlab check -v results/pull-push/*\n          \
    damonlab check --rules examples/rules/goals.yaml results/pull-push/0001\n\n\
    Recordings of one scenario on one kernel with several seeds are judged together too. A recording that is damaged is\n\
    never judged: it is reported with what was expected and found, and the exit status is 2. A rule of a file that the\n\
    recording keeps gives way to one of --rules that has its name.";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Folders with a recording.json.
    #[arg(required = true, value_name = "DIR")]
    recordings: Vec<PathBuf>,
    #[command(flatten)]
    rules: RulesArgs,
    #[command(flatten)]
    expect_change: ExpectChangeArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Recordings that are to be judged, and by what besides today's rules.
pub(super) struct Recordings<'a> {
    pub(super) dirs: &'a [PathBuf],
    pub(super) rules: &'a RulesArgs,
    pub(super) expect_change: &'a ExpectChangeArgs,
}

/// What judging them came to, as exit statuses.
pub(super) struct Statuses {
    /// The worst verdict, or the worst reason why there is none.
    pub(super) worst: u8,
    /// The worst reason why a recording could not be judged; 0 if all could.
    pub(super) unreadable: u8,
}

pub(super) fn check(arguments: &Arguments) -> VerbResult {
    let Arguments { recordings: dirs, rules, expect_change, output } = arguments;
    let mut output = Output::new("check", output)?;
    Ok(judge(&Recordings { dirs, rules, expect_change }, &mut output)?.worst)
}

/// Judges recordings and reports them.
pub(super) fn judge(recordings: &Recordings<'_>, output: &mut Output) -> Result<Statuses, CliError> {
    let rules = recordings.rules.load()?;
    let progress = output.progress();
    let names = recordings.dirs.iter().map(|dir| dir.to_string_lossy().into_owned()).collect();
    output.start(names, None)?;
    let batch = progress.batch("check", recordings.dirs.len());
    let (judged, mut unreadable) = judge_all(recordings.dirs, &rules, &batch);
    drop(batch);
    let (judged, changes) = with_changes(recordings.expect_change, judged, &mut unreadable)?;
    let mut rules = RuleFileUse::of(&rules);
    judged.iter().for_each(|one| rules.add(&one.report));
    let mut notes = unsealed(&judged);
    notes.extend(changes);
    notes.extend(rules.notes());
    let mut worst = 0;
    for result in judge::together(judged) {
        let verdict = match result {
            StoredResult::Alone(scenario, seed, report) => {
                output.item(&item(&scenario, seed, &report))?;
                report.verdict
            }
            StoredResult::Seeds(scenario, sweep) => {
                for (seed, report) in &sweep.runs {
                    output.item(&Item { part: true, ..item(&scenario, *seed, report) })?;
                }
                output.item(&report::sweep(&scenario, &sweep, None))?;
                sweep.verdict
            }
        };
        worst = worst.max(exit_status::of_verdict(&verdict));
    }
    let mut worst_unreadable = 0;
    for (dir, error) in unreadable {
        output.item(&report::unreadable(&dir, &error))?;
        worst_unreadable = worst_unreadable.max(error.exit_status());
    }
    output.finish(Closing { notes, ..Closing::default() })?;
    let worst = exit_status::with_rules(worst.max(worst_unreadable), &rules);
    Ok(Statuses { worst, unreadable: worst_unreadable })
}

/// A recording that is not judged, and why.
type Unreadable = (PathBuf, CliError);

/// Takes what violates a rule that is meant to change from the verdicts. Gives the recordings and the notes about changes
/// that nothing showed. A recording whose kept file expects a change of no rule joins the unreadable ones.
fn with_changes(
    arguments: &ExpectChangeArgs,
    judged: Vec<Stored>,
    unreadable: &mut Vec<Unreadable>,
) -> Result<(Vec<Stored>, Vec<String>), CliError> {
    let typed = arguments.changes(None, judged.iter().map(|one| &one.recipe.scenario))?;
    let (mut sound, mut notes) = (Vec::new(), Vec::new());
    for mut one in judged {
        let dir = one.report.dir.clone();
        match arguments.kept(&one.recipe.scenario) {
            Ok(kept) => {
                notes.extend(changed(&mut one.report, &typed, &kept));
                sound.push(one);
            }
            Err(error) => unreadable.push((dir, error)),
        }
    }
    notes.extend(judge::not_seen(&typed));
    Ok((sound, notes))
}

/// The notes about the changes of the recording's own file that it does not show.
fn changed(report: &mut Report, typed: &[ExpectedChange], kept: &[ExpectedChange]) -> Vec<String> {
    report.expect_changes(typed);
    report.expect_changes(kept);
    let dir = report.dir.to_string_lossy();
    judge::not_seen(kept).into_iter().map(|note| format!("{note} in {dir}")).collect()
}

/// Judges one recording after the other, whatever is wrong with those before.
fn judge_all(recordings: &[PathBuf], rules: &[RuleFile], batch: &Batch) -> (Vec<Stored>, Vec<Unreadable>) {
    let (mut judged, mut unreadable) = (Vec::new(), Vec::new());
    for dir in recordings {
        let name = dir.to_string_lossy().into_owned();
        batch.begin(&name);
        let result = Stored::judge(dir, rules);
        batch.end(&name, result.is_err());
        match result {
            Ok(one) => judged.push(one),
            Err(error) => unreadable.push((dir.clone(), error.into())),
        }
    }
    (judged, unreadable)
}

/// What is not known of recordings without a seal.
fn unsealed(judged: &[Stored]) -> Vec<String> {
    let count = judged.iter().filter(|one| one.recipe.seal == Seal::Unsealed).count();
    let recordings = if count == 1 { "1 recording is" } else { &format!("{count} recordings are") };
    let note = format!(
        "{recordings} unsealed, made by an older damonlab without {DIGESTS}: lines that are missing or changed are \
         noticed only where the rest contradicts them"
    );
    (count > 0).then_some(note).into_iter().collect()
}

/// A recording is called by its folder: several may be of one scenario.
fn item(scenario: &Scenario, seed: u64, report: &Report) -> Item {
    let name = report.dir.to_string_lossy().into_owned();
    RunView { name, scenario: Some(scenario), seed: Some(seed), ..RunView::of(report) }.item()
}
