//! An error as it is printed. Its text quotes files, mails and programs, and no terminal may obey them.

use super::command::Cli;
use super::error::CliError;
use crate::host::full_disk;
use crate::host::terminal;
use crate::host::text::{block, printable, shown, unlike_a_result};
use clap::Parser;
use miette::{Diagnostic, LabeledSpan, SourceCode};
use std::backtrace::Backtrace;
use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::io::Write;
use std::path::Path;

/// Prints the error of a verb. A closed standard error changes nothing.
pub(super) fn print(error: CliError) {
    let _ = write!(terminal::stderr(), "{}", rendered(error)).and_then(|()| terminal::stderr().flush());
}

/// Prints a panic. Its message can quote what somebody else wrote.
pub(super) fn print_bug(panic: &str) {
    let _ = write!(terminal::stderr(), "{}", bug(panic)).and_then(|()| terminal::stderr().flush());
}

fn bug(panic: &str) -> String {
    let text = block(&format!("{panic}\n{}", Backtrace::capture()));
    let help = "This is a bug in damonlab. Please report it with these lines and the command.";
    unlike_a_result(&format!("damonlab {text}\n{help}\n")).into_owned()
}

/// Prints what is wrong with the command line, and what to do about it, where clap does not know.
pub(super) fn print_usage(error: &clap::Error, tip: Option<&str>) {
    let mut text = usage(error, std::env::args_os());
    if let Some(tip) = tip {
        text = text.replacen("\n\n", &format!("\n\n  tip: {tip}\n\n"), 1);
    }
    let _ = write!(terminal::stderr(), "{text}").and_then(|()| terminal::stderr().flush());
}

/// What somebody types who knows nothing about damonlab yet.
const FIRST_STEPS: &str = "\
damonlab tests DAMON on emulated NUMA and CXL machines. What to type first:
  damonlab doctor                        what is missing on this host
  damonlab run --setup                   install it, build a kernel, run the first scenario
  damonlab run --all --series my.mbox    your patches in every scenario
  damonlab new my-scheme                 a scenario of your own
  damonlab help                          all commands, and the pages of the manual
";

/// Prints what to type first.
pub(super) fn print_first_steps() {
    let mut out = terminal::stderr();
    let _ = out.write_all(FIRST_STEPS.as_bytes()).and_then(|()| out.flush());
}

/// The text, with the colours that the hook of miette chose.
pub(super) fn rendered(error: CliError) -> String {
    let text = format!("{:?}\n", miette::Report::new(Shown::of(error)));
    unlike_a_result(&text).into_owned()
}

/// clap quotes the arguments: the same mistake in escaped ones has the same text, with clap's colours.
pub(super) fn usage(error: &clap::Error, arguments: impl Iterator<Item = OsString>) -> String {
    let escaped = arguments.map(|word| shown(Path::new(&word)).to_string());
    match Cli::try_parse_from(escaped) {
        Err(same) if same.kind() == error.kind() => same.render().ansi().to_string(),
        _ => unlike_a_result(&printable(&error.render().to_string())).into_owned(),
    }
}

/// An error whose texts are printable and of bounded length.
#[derive(Debug)]
struct Shown {
    message: String,
    help: Option<String>,
    cause: Option<Box<Cause>>,
    /// Its excerpts are made for printing already.
    error: CliError,
}

/// What an error follows from.
#[derive(Debug)]
struct Cause {
    message: String,
    cause: Option<Box<Cause>>,
}

impl Shown {
    fn of(error: CliError) -> Shown {
        let message = block(&error.to_string());
        let own = error.help().map(|help| block(&help.to_string()));
        let help = own.or_else(|| full_disk::advice(&message).map(str::to_owned));
        Shown { message, help, cause: Cause::of(&error), error }
    }
}

impl Cause {
    fn of(error: &dyn Error) -> Option<Box<Cause>> {
        let cause = error.source()?;
        Some(Box::new(Cause { message: block(&cause.to_string()), cause: Cause::of(cause) }))
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Shown {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

impl Diagnostic for Shown {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.error.source_code()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.error.labels()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_printed_without_what_a_terminal_obeys() {
        let text = bug("panicked at a.rs:1:2:\n'\u{1b}[2J'\nPASS  idle");
        assert!(text.starts_with("damonlab panicked at a.rs:1:2:\n'\\u{1b}[2J'\n  PASS  idle\n"), "{text}");
        assert!(text.ends_with("report it with these lines and the command.\n"), "{text}");
    }
}
