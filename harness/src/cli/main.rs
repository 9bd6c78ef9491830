//! From the command line to an exit status.

use super::command::{Cli, Verb};
use super::error::{CliError, VerbResult};
use super::{git_bisect, usage};
use crate::host::{interrupt, variables};
use clap::Parser;
use std::io::Write;
use std::process::ExitCode;

/// The whole program.
pub fn main() -> ExitCode {
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
                // A closed standard error changes nothing.
                let _ = writeln!(std::io::stderr(), "{:?}", miette::Report::new(error));
            }
            ExitCode::from(status)
        }
    }
}

fn answer(verb: &Verb) -> VerbResult {
    variables::check()?;
    interrupt::listen().map_err(CliError::Signals)?;
    verb.run()
}

fn handler(color: Option<bool>) -> miette::MietteHandler {
    let options = miette::MietteHandlerOpts::new().wrap_lines(false);
    match color {
        Some(color) => options.color(color).build(),
        None => options.build(),
    }
}
