//! From the command line to an exit status.

use super::command::{Cli, Verb};
use super::error::{CliError, VerbResult};
use super::{complete, error_text, git_bisect, usage};
use crate::bundled;
use crate::host::{interrupt, paths, variables};
use clap::Parser;
use std::process::ExitCode;

/// The whole program.
pub fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| error_text::print_bug(&panic.to_string())));
    complete::answer();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // clap's own status is 2, which git takes for a bad commit.
            let for_git = error.use_stderr() && std::env::args_os().any(|word| word == git_bisect::OPTION);
            let answer = usage::report(&error).map(|status| if for_git { git_bisect::ABORT } else { status });
            return exit(answer, for_git);
        }
    };
    cli.color.apply();
    // Terminals wrap by themselves; a path or a command to paste must not be broken in two. The hook
    // can be set once only, and nobody else sets it.
    let _ = miette::set_hook(Box::new(move |_| Box::new(handler(cli.color.forced()))));
    let for_git = matches!(&cli.verb, Verb::Run(run) if run.git_bisect);
    exit(answer(&cli.verb), for_git)
}

/// The exit status, and on standard error why there is no verdict.
fn exit(answer: VerbResult, for_git: bool) -> ExitCode {
    match answer {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            let status = if for_git { git_bisect::of_error(&error) } else { error.exit_status() };
            if !matches!(error, CliError::ClosedPipe) {
                error_text::print(error);
            }
            ExitCode::from(status)
        }
    }
}

fn answer(verb: &Verb) -> VerbResult {
    variables::check()?;
    paths::keep_own_rights();
    interrupt::listen().map_err(CliError::Signals)?;
    // An error that comes up after Ctrl-C is a result of it: a program that was ended, a file that was not written.
    // So may one after the built-in files could not be unpacked: a file that is not there.
    verb.run().map_err(|error| match (interrupt::check(), bundled::failure()) {
        (Err(interrupted), _) => CliError::Interrupted(interrupted),
        (Ok(()), Some(failure)) => CliError::Unpack(failure),
        (Ok(()), None) => error,
    })
}

fn handler(color: Option<bool>) -> miette::MietteHandler {
    let options = miette::MietteHandlerOpts::new().wrap_lines(false);
    match color {
        Some(color) => options.color(color).build(),
        None => options.build(),
    }
}
