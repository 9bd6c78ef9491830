//! What may be typed: the verbs, in the order in which `damonlab help` lists them.

use super::error::VerbResult;
use super::output::Color;
use super::{
    bisect, check, compare, completions, coverage, doctor, explain, explore, export, export_data, fmt, help,
    kernel, list, machine, merge, mutants, new, replay, report, run, schema, series, setup, show, shrink,
};
use clap::{CommandFactory, Parser, Subcommand};

/// Test DAMON: boot a patched kernel on an emulated NUMA or CXL machine, run a scenario in it, and judge its tracepoints.
#[derive(Debug, Parser)]
#[command(name = "damonlab", version, max_term_width = 110, disable_help_subcommand = true)]
#[command(
    after_help = "Examples: damonlab doctor                    what is missing on this host\n          \
                        damonlab run --setup               install it, build a kernel, run the first scenario\n          \
                        damonlab run --all --kernel ~/linux\n          \
                        damonlab help run\n\n\
    Exit status: 0 pass or skip, 1 fail, 2 bad input, 3 the host or QEMU failed, 130 interrupted, \
    141 whoever read the output is gone."
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) verb: Verb,
    /// Whether to use colours. auto: on a terminal, unless NO_COLOR is set.
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "auto|always|never")]
    #[arg(hide_possible_values = true)]
    pub(super) color: Color,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Run scenarios and judge what DAMON did.
    #[command(after_help = run::HELP)]
    Run(run::Arguments),
    /// Judge stored recordings again with today's rules. Boots nothing.
    #[command(after_help = check::HELP)]
    Check(check::Arguments),
    /// Write a page about stored recordings, with plots, for a browser; or a text for a mail. Boots nothing.
    #[command(after_help = report::HELP)]
    Report(report::Arguments),
    /// Explain a rule: what it requires, why, when it applies, and the kernel functions that it follows from.
    #[command(after_help = explain::HELP)]
    Explain(explain::Arguments),
    /// Run a recording's scenario once more, and report where the two runs differ.
    #[command(after_help = replay::HELP)]
    Replay(replay::Arguments),
    /// Run the same scenarios with the same seeds on two kernels, and report what differs.
    #[command(after_help = compare::HELP)]
    Compare(compare::Arguments),
    /// Find the patch of a series after which a scenario fails.
    #[command(after_help = bisect::HELP)]
    Bisect(bisect::Arguments),
    /// Report which lines of DAMON, and of a patch series, the scenarios execute.
    #[command(after_help = coverage::HELP)]
    Coverage(coverage::Arguments),
    /// Draw scenarios that nobody wrote from a seed, run them, and report each finding once.
    #[command(after_help = explore::HELP)]
    Explore(explore::Arguments),
    /// Make a scenario that fails smaller, as long as its finding stays.
    #[command(after_help = shrink::HELP)]
    Shrink(shrink::Arguments),
    /// Test the test suite: put bugs back into the kernel, one at a time, and report which are caught.
    #[command(after_help = mutants::HELP)]
    Mutants(mutants::Arguments),
    /// Report the shards of one `run`, `coverage`, `explore` or `mutants` as the whole command would. Boots nothing.
    #[command(after_help = merge::HELP)]
    Merge(merge::Arguments),
    /// Show a recording in the terminal: steps, schemes, goals, charge windows, memory and regions, as tables and plots.
    #[command(after_help = show::HELP)]
    Show(show::Arguments),
    /// Write a recording in the format of another program: perfetto, trace-cmd, a spreadsheet, damo. Boots nothing.
    #[command(after_help = export::HELP)]
    Export(export::Arguments),
    /// Write a fresh scenario with comments, which passes as it is, or one that runs a configuration of damo's.
    #[command(after_help = new::HELP)]
    New(new::Arguments),
    /// Tidy the files of scenarios, machines and rules.
    #[command(after_help = fmt::HELP)]
    Fmt(fmt::Arguments),
    /// List the scenarios and the machines, and the kernels and checkpoints in the cache.
    #[command(after_help = list::HELP)]
    List(list::Arguments),
    /// Write the scenarios, machines, patches and configurations that the program carries with it into a folder.
    #[command(name = "export-data", after_help = export_data::HELP)]
    ExportData(export_data::Arguments),
    /// Draw a machine, and show the arguments with which QEMU builds it. Boots nothing.
    #[command(after_help = machine::HELP)]
    Machine(machine::Arguments),
    /// Build, inspect, list and remove kernels.
    Kernel {
        /// What to do.
        #[command(subcommand)]
        verb: kernel::Verb,
    },
    /// Show what would come of a patch series.
    Series {
        /// What to do.
        #[command(subcommand)]
        verb: series::Verb,
    },
    /// Show the help of a command, or a page of the manual; without a topic, list both.
    #[command(after_help = help::HELP)]
    Help(help::Arguments),
    /// Print the JSON Schema of what damonlab writes or reads, for programs and editors.
    #[command(after_help = schema::HELP)]
    Schema(schema::Arguments),
    /// Print the script with which a shell completes damonlab's command line.
    #[command(after_help = completions::HELP)]
    Completions(completions::Arguments),
    /// Write a manual page for each command into a folder.
    #[command(after_help = completions::MAN_HELP)]
    Man(completions::ManArguments),
    /// Report what is missing on this host, what it is for, and the command that installs it. Boots nothing.
    #[command(after_help = doctor::HELP)]
    Doctor(doctor::Arguments),
    /// Install what is missing: packages of the distribution and a private virtme-ng.
    #[command(after_help = setup::HELP)]
    Setup(setup::Arguments),
}

/// All that may be typed, as clap knows it.
pub fn command() -> clap::Command {
    Cli::command()
}

impl Verb {
    /// Does it, and returns the exit status.
    pub(super) fn run(&self) -> VerbResult {
        match self {
            Verb::Run(arguments) => run::run(arguments),
            Verb::Check(arguments) => check::check(arguments),
            Verb::Report(arguments) => report::report(arguments),
            Verb::Explain(arguments) => explain::explain(arguments),
            Verb::Replay(arguments) => replay::replay(arguments),
            Verb::Compare(arguments) => compare::compare(arguments),
            Verb::Bisect(arguments) => bisect::bisect(arguments),
            Verb::Coverage(arguments) => coverage::coverage(arguments),
            Verb::Explore(arguments) => explore::explore(arguments),
            Verb::Shrink(arguments) => shrink::shrink(arguments),
            Verb::Mutants(arguments) => mutants::mutants(arguments),
            Verb::Merge(arguments) => merge::merge(arguments),
            Verb::Show(arguments) => show::show(arguments),
            Verb::Export(arguments) => export::export(arguments),
            Verb::New(arguments) => new::new(arguments),
            Verb::Fmt(arguments) => fmt::fmt(arguments),
            Verb::List(arguments) => list::list(arguments),
            Verb::Machine(arguments) => machine::machine(arguments),
            Verb::Kernel { verb } => kernel::kernel(verb),
            Verb::Series { verb } => series::series(verb),
            Verb::Help(arguments) => help::help(arguments, command()),
            Verb::Schema(arguments) => schema::schema(arguments),
            Verb::Completions(arguments) => completions::completions(arguments),
            Verb::Man(arguments) => completions::man(arguments, command()),
            Verb::Doctor(arguments) => doctor::doctor(arguments),
            Verb::ExportData(arguments) => export_data::export_data(arguments),
            Verb::Setup(arguments) => setup::setup(arguments),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_verb_has_an_example_in_its_help() {
        fn check(command: &clap::Command, path: &str) {
            let verbs: Vec<_> = command.get_subcommands().filter(|verb| verb.get_name() != "help").collect();
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(
                !verbs.is_empty() || help.contains(&format!("{path} ")) || help.contains(path),
                "{path}: {help}"
            );
            for verb in verbs {
                check(verb, &format!("{path} {}", verb.get_name()));
            }
        }
        let mut command = Cli::command();
        command.build();
        check(&command, "damonlab");
    }

    #[test]
    fn quiet_and_verbose_exclude_each_other() {
        let error = Cli::try_parse_from(["damonlab", "run", "-q", "-v"]).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{error}");
    }
}
