//! The command line: what may be typed, and how the answer reaches a shell.
//!
//! Exit status: 0 pass or skip (a skip is 1 with `DAMONLAB_REQUIRE=vm`), 1 fail, 2 bad input, 3 the machine
//! or QEMU, 130 interrupted.

mod bisect;
mod compare;
mod error;
mod explain;
mod git_bisect;
mod machine;
mod mutants;
mod replay;
mod repro_command;
mod verbs;

use crate::kernel::Profile;
use crate::run::SeedRange;
use crate::scenario::GuestClock;
use crate::setup::Extra;
use clap::{Args, Parser, Subcommand};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::process::ExitCode;

/// Boots a patched kernel on an emulated NUMA or CXL machine, runs DAMON in it, and judges its tracepoints.
#[derive(Debug, Parser)]
#[command(name = "damonlab", version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run scenarios and say whether DAMON did what it must.
    #[command(after_help = "Examples: damonlab run pull-push idle --kernel ~/linux\n          \
                            damonlab run pull-push --seeds 0..8\n          \
                            damonlab run idle --machine dram2\n          \
                            git bisect run damonlab run pull-push --kernel . --git-bisect --out /tmp/bisect")]
    Run(RunArguments),
    /// Install what is missing: Debian packages and a private virtme-ng.
    #[command(after_help = "Examples: damonlab setup\n          damonlab setup --with damo")]
    Setup {
        /// Install this too, into damonlab's own environment: damo, from PyPI, for the scenario of that name.
        #[arg(long = "with", value_name = "damo")]
        extras: Vec<Extra>,
    },
    /// Say what is missing, what it is for and the command that mends it. Boots nothing.
    #[command(after_help = "Example: damonlab doctor")]
    Doctor,
    /// Judge stored recordings again with today's rules. Those of one scenario and one kernel with several
    /// seeds are judged together too.
    #[command(after_help = "Examples: damonlab check results/pull-push/0001\n          \
                            damonlab check results/pull-push/*")]
    Check {
        /// Folders with a recording.json.
        #[arg(required = true, value_name = "DIR")]
        recordings: Vec<PathBuf>,
    },
    /// Explain a rule: what it requires, why, when it applies, and the kernel functions that it follows from.
    #[command(after_help = explain::HELP)]
    Explain(explain::Arguments),
    /// Run what a recording was made of once more, and say where the two part.
    #[command(after_help = "Example: damonlab replay results/pull-push/0001\n\n\
        Exit status: 0 if not a byte differs, 1 with the first difference in guest time otherwise.")]
    Replay(replay::Arguments),
    /// Draw a machine, and say how QEMU is told to build it. Boots nothing.
    #[command(after_help = "Examples: damonlab machine dram2\n          \
                            damonlab machine my.yaml --check\n\n\
        Exit status with --check: 0 if QEMU builds it, 2 with QEMU's own words if not.")]
    Machine(machine::Arguments),
    /// Put bugs back into the kernel, one at a time, and say which of them the suite catches; and changes that
    /// change nothing, which it must not notice.
    #[command(after_help = "Examples: damonlab mutants --only 01 --only 16\n          \
                            damonlab mutants my-bug.patch\n\n\
        What is done is kept below --out: a second call goes on with what is missing.\n\
        Exit status: 0 if every bug is caught and nothing else is, 1 if not, 2 for a file that is no patch, 3 if\n\
        the machine or QEMU failed.")]
    Mutants(mutants::Arguments),
    /// Run the same scenarios with the same seeds on two kernels, and say what differs.
    #[command(after_help = "Examples: damonlab compare 7.3 7.3+my.mbox\n          \
                            damonlab compare ~/linux my-bzImage pull-push --seeds 0..8\n\n\
        The first line is the answer. Exit status: 0 no difference, 1 a difference, 2 bad input, 3 a run had no\n\
        answer because the machine or QEMU failed. docs/compare.md says when a number is called different.")]
    Compare(compare::Arguments),
    /// Find the patch of a series after which a scenario fails.
    #[command(after_help = "Example: damonlab bisect pull-push --series v3.mbox\n\n\
        What is done is kept below --out: a second call goes on with what is missing.\n\
        Exit status: 0 if the first bad patch is named, 1 if none can be (the series passes, the base fails, or all\n\
        that is left does not build), 2 for bad input, 3 if the machine or QEMU failed: type it again then.")]
    Bisect(bisect::Arguments),
    /// List the scenarios and the machines, and the kernels and saved guests in the cache.
    #[command(after_help = "Example: damonlab list")]
    List,
    /// Build, list and remove kernels.
    Kernel {
        #[command(subcommand)]
        verb: KernelVerb,
    },
}

#[derive(Debug, Args)]
struct RunArguments {
    /// Names from scenarios/, or YAML files. None: pull-push.
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// Run every scenario of scenarios/; with --seeds or --repeat, those on virtual time.
    #[arg(long, conflicts_with = "scenarios")]
    all: bool,
    /// Install what is missing first.
    #[arg(long)]
    setup: bool,
    #[command(flatten)]
    kernel: KernelArgs,
    /// Changes every random choice in the guest: the workloads' and the kernel's.
    #[arg(long, default_value_t = 0, value_name = "N")]
    seed: u64,
    /// Boot the guest, even where a saved one could be started; save none.
    #[arg(long)]
    no_checkpoint: bool,
    /// Run each scenario so many times and compare every recording with the first, byte for byte. Equal
    /// ones are not kept; a difference is named and makes the scenario unstable (exit 1).
    #[arg(long, default_value = "1", value_name = "N", value_parser = times)]
    repeat: NonZeroU32,
    /// What makes time pass in the guest, whatever the scenario says. real: the host's clock, under KVM
    /// where that works; such runs do not repeat, and less is asked of them.
    #[arg(long, value_name = "virtual|real")]
    clock: Option<GuestClock>,
    /// Run on this machine, whatever the scenario says: a name (`damonlab list` has them) or a YAML file. All
    /// else in the scenario must go with it.
    #[arg(long, value_name = "NAME|FILE")]
    machine: Option<String>,
    /// How many scenarios run at once. None: one a core. Guests of other damonlabs on this host count
    /// too: what has no core or no memory left waits. DAMONLAB_SLOTS=N lets N guests run on this host
    /// instead of one a core.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Run once with each seed from A to B-1 (A..=B: to B), and judge what is expected over seeds.
    #[arg(long, value_name = "A..B", conflicts_with = "seed")]
    seeds: Option<SeedRange>,
    /// Exit as `git bisect run` wants it: 0 good, 1 a scenario failed, 125 cannot tell (no build, no boot, a skip, the
    /// host or QEMU failed), 128 a mistyped command. Give --out outside of the tree.
    #[arg(long)]
    git_bisect: bool,
    /// Results go below this folder.
    #[arg(long, default_value = "results", value_name = "DIR")]
    out: PathBuf,
}

fn times(word: &str) -> Result<NonZeroU32, String> {
    let count: u32 = word.parse().map_err(|_| format!("'{word}' is no number of runs"))?;
    NonZeroU32::new(count).ok_or_else(|| "a scenario runs once at least: 1 or more".to_owned())
}

/// Which kernel, and what is changed in it.
#[derive(Debug, Args)]
struct KernelArgs {
    /// A release (7.2 or 7.3: the newest; 7.3.4: that one), a source tree, TREE@REF for what a git ref names in it, or
    /// a bzImage. None: 7.3. All but a bzImage get patches/ of their series (docs/kernels.md).
    #[arg(long, value_name = "VERSION|DIR|DIR@REF|bzImage")]
    kernel: Option<PathBuf>,
    /// A patch series: an mbox, a maildir, a folder of .patch files, a mail, or REPOSITORY:BASE..TOPIC; may be given
    /// again. What is left out of it and what does not fit just as it is, is told.
    #[arg(long, value_name = "PATH")]
    series: Vec<PathBuf>,
    /// Refuse a patch that fits only with less context, at one of several places or merged.
    #[arg(long)]
    strict: bool,
    /// A patch to apply on top; may be given again.
    #[arg(long = "patch", value_name = "FILE")]
    patches: Vec<PathBuf>,
    #[command(flatten)]
    config: ConfigArgs,
}

/// How the kernel is configured.
#[derive(Debug, Clone, Args)]
struct ConfigArgs {
    /// fast: what the scenarios need (the default). debug: KASAN, lockdep, DEBUG_VM and kmemleak too, and a warning is a
    /// panic; slower by a factor. kunit: with DAMON's KUnit suites. host-root: can read the host's files, for selftests
    /// and damo. May be given again.
    #[arg(long = "profile", value_name = "fast|debug|kunit|host-root")]
    profiles: Vec<Profile>,
    /// A config fragment on top of kernel-config/ and the profile; may be given again.
    #[arg(long = "config", value_name = "FRAGMENT")]
    fragments: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum KernelVerb {
    /// Build a kernel, or find it in the cache, and print where it is.
    #[command(after_help = "Example: damonlab kernel build --kernel ~/linux")]
    Build(KernelArgs),
    /// Say what of DAMON a kernel has that scenarios may need, and what not. Builds it, and boots a small guest once.
    #[command(after_help = "Example: damonlab kernel has --kernel 7.2")]
    Has(KernelArgs),
    /// List the kernels in the cache.
    List,
    /// Remove images by the beginning of their key, or a source with all its builds.
    #[command(after_help = "Example: damonlab kernel rm 3f2a91")]
    Rm {
        /// The beginning of a key, or a source's name.
        name: String,
    },
}

/// The whole program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // clap's own status is 2, which git takes for a bad commit.
        Err(error) if error.use_stderr() && std::env::args_os().any(|word| word == git_bisect::OPTION) => {
            eprint!("{error}");
            return ExitCode::from(git_bisect::ABORT);
        }
        Err(error) => error.exit(),
    };
    let for_git = matches!(&cli.verb, Verb::Run(run) if run.git_bisect);
    // Terminals wrap by themselves; a path or a command to paste must not be broken in two. The hook
    // can be set once only, and nobody else sets it.
    let _ =
        miette::set_hook(Box::new(|_| Box::new(miette::MietteHandlerOpts::new().wrap_lines(false).build())));
    let answer =
        crate::host::interrupt::listen().map_err(error::CliError::Signals).and_then(|()| match cli.verb {
            Verb::Run(run) => verbs::run(&run),
            Verb::Setup { extras } => verbs::setup(&extras),
            Verb::Doctor => verbs::doctor(),
            Verb::Check { recordings } => verbs::check(&recordings),
            Verb::Explain(arguments) => explain::explain(&arguments),
            Verb::Replay(arguments) => replay::replay(&arguments),
            Verb::Machine(arguments) => machine::machine(&arguments),
            Verb::Mutants(arguments) => mutants::mutants(&arguments),
            Verb::Compare(arguments) => compare::compare(&arguments),
            Verb::Bisect(arguments) => bisect::bisect(&arguments),
            Verb::List => verbs::list(),
            Verb::Kernel { verb: KernelVerb::Build(kernel) } => verbs::kernel_build(&kernel),
            Verb::Kernel { verb: KernelVerb::Has(kernel) } => verbs::kernel_has(&kernel),
            Verb::Kernel { verb: KernelVerb::List } => verbs::kernel_list(),
            Verb::Kernel { verb: KernelVerb::Rm { name } } => verbs::kernel_rm(&name),
        });
    match answer {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            let status = if for_git { git_bisect::of_error(&error) } else { error.exit_status() };
            eprintln!("{:?}", miette::Report::new(error));
            ExitCode::from(status)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_runs_at_all_are_refused_with_a_reason() {
        let error = Cli::try_parse_from(["damonlab", "run", "idle", "--repeat", "0"]).unwrap_err();
        assert!(error.to_string().contains("a scenario runs once at least"), "{error}");
        assert_eq!(error.exit_code(), 2);
    }
}
