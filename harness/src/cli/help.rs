//! `damonlab help`: the commands, and the pages of `docs/`.

use super::command::Cli;
use super::error::{CliError, VerbResult};
use super::{output, usage};
use crate::docs::{self, Page};
use crate::grammar;
use crate::host::pager;
use clap::{Args, CommandFactory, Parser};
use console::Term;

/// The widest text that is good to read.
const WIDEST: usize = 120;

/// The width where no terminal has one.
const DEFAULT: usize = 100;

pub(super) const HELP: &str = "Examples: damonlab help\n          damonlab help run\n          damonlab help scenarios\n          \
    damonlab help bisect.md\n\n\
    A page is shown by $PAGER, if that is set and standard output is a terminal.";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A command, or a page. A page that has the name of a command is NAME.md.
    #[arg(value_name = "TOPIC")]
    topic: Vec<String>,
}

pub(super) fn help(arguments: &Arguments) -> VerbResult {
    let words: Vec<&str> = arguments.topic.iter().map(String::as_str).collect();
    match (words.first(), docs::page(&words.join(" "))) {
        (None, _) => output::print(&overview())?,
        (Some(first), page) if is_command(first) => {
            let status = of_command(&words)?;
            if let (Some(page), 0) = (page, status) {
                output::print(&format!("\nThe page about it: damonlab help {}.md\n", page.name))?;
            }
            return Ok(status);
        }
        (Some(_), Some(page)) => show(&page)?,
        (Some(_), None) => return Err(unknown(words.join(" "))),
    }
    Ok(0)
}

fn is_command(word: &str) -> bool {
    Cli::command().find_subcommand(word).is_some()
}

/// What `--help` of the command prints.
fn of_command(words: &[&str]) -> VerbResult {
    let all = ["damonlab"].iter().chain(words).chain(&["--help"]);
    match Cli::try_parse_from(all) {
        Err(error) => usage::report(&error),
        Ok(_) => Ok(0),
    }
}

/// The commands, and the pages with their titles.
fn overview() -> String {
    let commands = Cli::command().render_help().ansi().to_string();
    let pages = docs::pages();
    let width = pages.iter().map(|page| page.name.len()).max().unwrap_or_default();
    let line = |page: &Page| {
        let title = page.title().replace('`', "");
        format!("  {:width$}  {title}\n", page.name)
    };
    format!("{commands}\nPages, by damonlab help PAGE:\n{}", pages.iter().map(line).collect::<String>())
}

fn show(page: &Page) -> Result<(), CliError> {
    let columns = Term::stdout().size_checked().map_or(DEFAULT, |(_, columns)| usize::from(columns));
    let text = docs::rendered(page, columns.min(WIDEST));
    match pager::wanted() {
        Some(pager) => {
            Err(CliError::Pager { cause: pager::become_one(&pager, &output::coloured(&text)), pager })
        }
        None => output::print(&text),
    }
}

/// What `help` takes.
pub(super) fn topics() -> Vec<String> {
    let command = Cli::command();
    let commands = command.get_subcommands().map(|verb| verb.get_name().to_owned());
    let pages = docs::pages().into_iter().map(|page| page.name.to_owned());
    let mut topics: Vec<String> = commands.chain(pages).collect();
    topics.sort();
    topics.dedup();
    topics
}

fn unknown(name: String) -> CliError {
    let help = grammar::or_list(&name, topics().iter().map(String::as_str), "damonlab help");
    CliError::Unknown { kind: "command and no page", name, help }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_overview_lists_commands_and_pages() {
        let text = overview();
        for wanted in ["bisect", "damonlab help run", "  scenarios ", "  facts/damon "] {
            assert!(text.contains(wanted), "{wanted} is not in\n{text}");
        }
    }

    #[test]
    fn a_mistyped_topic_gets_the_nearest_one() {
        let error = help(&Arguments { topic: vec!["scenarois".into()] }).unwrap_err();
        assert_eq!(error.to_string(), "there is no command and no page named 'scenarois'");
        let CliError::Unknown { help, .. } = error else { panic!("another error") };
        assert!(help.contains("'scenarios'"), "{help}");
    }
}
