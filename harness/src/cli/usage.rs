//! What is printed when there is no command to carry out: help, the version, or what is wrong with the command line.

use super::command::Cli;
use super::error::CliError;
use super::output::print;
use crate::grammar;
use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::io::Write;

/// Prints it where it belongs, and returns the exit status of a shell.
pub(super) fn report(error: &clap::Error) -> Result<u8, CliError> {
    let mut text = error.render().ansi().to_string();
    if let Some(tip) = tip(error) {
        text = text.replacen("\n\n", &format!("\n\n  tip: {tip}\n\n"), 1);
    }
    if error.use_stderr() {
        // A closed standard error changes nothing.
        let _ = anstream::AutoStream::auto(std::io::stderr()).write_all(text.as_bytes());
        return Ok(2);
    }
    print(&text).map(|()| 0)
}

/// The nearest command, where clap has seen none.
fn tip(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(found)) = error.get(ContextKind::InvalidSubcommand) else { return None };
    if error.kind() != ErrorKind::InvalidSubcommand || error.get(ContextKind::SuggestedSubcommand).is_some() {
        return None;
    }
    let command = Cli::command();
    let names = command.get_subcommands().map(clap::Command::get_name);
    Some(grammar::or_list(found, names, "damonlab help"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn tip_for(word: &str) -> Option<String> {
        tip(&Cli::try_parse_from(["damonlab", word]).unwrap_err())
    }

    #[test]
    fn a_mistyped_command_gets_the_nearest_one_or_the_list() {
        let error = Cli::try_parse_from(["damonlab", "chek"]).unwrap_err();
        assert!(error.to_string().contains("'check'"), "{error}");
        assert_eq!(
            tip_for("rnu").as_deref(),
            Some("did you mean 'run'? `damonlab help` shows what there is")
        );
        assert_eq!(tip_for("xylophone").as_deref(), Some("`damonlab help` shows what there is"));
    }
}
