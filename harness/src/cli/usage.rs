//! What is printed when there is no command to carry out: help, the version, or what is wrong with the command line.

use super::command::Cli;
use super::error::CliError;
use super::error_text;
use super::output::print;
use crate::grammar;
use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Prints it where it belongs, and returns the exit status of a shell.
pub(super) fn report(error: &clap::Error) -> Result<u8, CliError> {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand && std::env::args_os().len() == 1 {
        error_text::print_first_steps();
        return Ok(2);
    }
    if error.use_stderr() {
        error_text::print_usage(error, tip(error).as_deref());
        return Ok(2);
    }
    print(&error.render().ansi().to_string()).map(|()| 0)
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
