//! From the command line to an exit status.

use super::command::{Cli, Verb};
use super::error::{CliError, VerbResult};
use super::error_text;
use super::git_bisect;
use crate::host::{interrupt, paths};
use clap::Parser;
use std::process::ExitCode;

/// 128 + SIGPIPE, as shells report it. It also ends a `git bisect run`.
const CLOSED_PIPE: u8 = 141;

/// The whole program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // clap's own status is 2, which git takes for a bad commit.
        Err(error) if error.use_stderr() && std::env::args_os().any(|word| word == git_bisect::OPTION) => {
            error_text::print_usage(&error);
            return ExitCode::from(git_bisect::ABORT);
        }
        Err(error) if error.use_stderr() => {
            error_text::print_usage(&error);
            return ExitCode::from(2);
        }
        Err(error) => error.exit(),
    };
    cli.color.apply();
    // Terminals wrap by themselves; a path or a command to paste must not be broken in two. The hook
    // can be set once only, and nobody else sets it.
    let _ = miette::set_hook(Box::new(move |_| Box::new(handler(cli.color.forced()))));
    let for_git = matches!(&cli.verb, Verb::Run(run) if run.git_bisect);
    match answer(&cli.verb) {
        Ok(status) => ExitCode::from(status),
        // Whoever reads has what they wanted, as in `damonlab list | head -1`. What was not printed may be a failure, so
        // the status is that of a program that SIGPIPE ends, and never a pass.
        Err(CliError::ClosedPipe) => ExitCode::from(CLOSED_PIPE),
        Err(error) => {
            let status = if for_git { git_bisect::of_error(&error) } else { error.exit_status() };
            error_text::print(error);
            ExitCode::from(status)
        }
    }
}

fn answer(verb: &Verb) -> VerbResult {
    paths::keep_own_rights();
    interrupt::listen().map_err(CliError::Signals)?;
    // An error that comes up after Ctrl-C is a result of it: a program that was ended, a file that was not written.
    verb.run().map_err(|error| interrupt::check().err().map_or(error, CliError::Interrupted))
}

fn handler(color: Option<bool>) -> miette::MietteHandler {
    let options = miette::MietteHandlerOpts::new().wrap_lines(false);
    match color {
        Some(color) => options.color(color).build(),
        None => options.build(),
    }
}
