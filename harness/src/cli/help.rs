//! `damonlab help`: the commands, and the pages of `docs/`.

use super::error::{CliError, VerbResult};
use super::output;
use crate::docs::{self, Page};
use crate::grammar;
use crate::host::{pager, terminal};
use clap::{Args, Command};
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

/// Shows the topic; `command` is all that may be typed.
pub(super) fn help(arguments: &Arguments, command: Command) -> VerbResult {
    let words: Vec<&str> = arguments.topic.iter().map(String::as_str).collect();
    match (words.first(), docs::page(&words.join(" "))) {
        (None, _) => output::print(&overview(command))?,
        (Some(first), page) if command.find_subcommand(first).is_some() => {
            of_command(command, &words)?;
            if let Some(page) = page {
                output::print(&format!("\nThe page about it: damonlab help {}.md\n", page.name))?;
            }
        }
        (Some(_), Some(page)) => show(&page)?,
        (Some(_), None) => return Err(unknown(words.join(" "), &command)),
    }
    Ok(0)
}

/// Prints what `--help` of the command prints.
fn of_command(command: Command, words: &[&str]) -> Result<(), CliError> {
    let all = ["damonlab"].iter().chain(words).chain(&["--help"]);
    match command.try_get_matches_from(all) {
        Err(error) if error.use_stderr() => Err(CliError::Unknown {
            kind: "command",
            name: words.join(" "),
            help: format!("damonlab help {}", words.first().unwrap_or(&"")),
        }),
        Err(error) => output::print(&error.render().ansi().to_string()),
        // Help is an error to the parser.
        Ok(_) => Ok(()),
    }
}

/// The commands, and the pages with their titles.
fn overview(mut command: Command) -> String {
    let commands = command.render_help().ansi().to_string();
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
            Err(CliError::Pager { cause: pager::become_one(&pager, &terminal::coloured(&text)), pager })
        }
        None => output::print(&text),
    }
}

/// What `help` takes.
pub(super) fn topics(command: &Command) -> Vec<String> {
    let commands = command.get_subcommands().map(|verb| verb.get_name().to_owned());
    let pages = docs::pages().into_iter().map(|page| page.name.to_owned());
    let mut topics: Vec<String> = commands.chain(pages).collect();
    topics.sort();
    topics.dedup();
    topics
}

fn unknown(name: String, command: &Command) -> CliError {
    let help = grammar::or_list(&name, topics(command).iter().map(String::as_str), "damonlab help");
    CliError::Unknown { kind: "command and no page", name, help }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_overview_lists_commands_and_pages() {
        let text = overview(crate::cli::command());
        for wanted in ["bisect", "damonlab help run", "  scenarios ", "  facts/damon "] {
            assert!(text.contains(wanted), "{wanted} is not in\n{text}");
        }
    }

    #[test]
    fn a_mistyped_topic_gets_the_nearest_one() {
        let error = help(&Arguments { topic: vec!["scenarois".into()] }, crate::cli::command()).unwrap_err();
        assert_eq!(error.to_string(), "there is no command and no page named 'scenarois'");
        let CliError::Unknown { help, .. } = error else { panic!("another error") };
        assert!(help.contains("'scenarios'"), "{help}");
    }
}
