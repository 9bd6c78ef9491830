//! The command that repeats a run, with the options of the one that made it.

use super::expect_change::ExpectChangeArgs;
use super::kernel_args::KernelArgs;
use super::rules_args::RulesArgs;
use crate::check::Verdict;
use crate::host::paths::quoted;
use crate::run::SeedRange;
use crate::scenario::GuestClock;
use crate::setup;
use std::fmt;
use std::path::Path;

/// The seeds of what is to be repeated.
#[derive(Clone, Copy)]
pub(super) enum Seeds {
    One(u64),
    All(SeedRange),
}

impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Seeds::One(seed) => write!(f, "--seed {seed}"),
            Seeds::All(seeds) => write!(f, "--seeds {seeds}"),
        }
    }
}

/// What all runs of one command have in common, but for the scenario and the seed.
#[derive(Clone, Copy)]
pub(super) struct ReproCommand<'a> {
    /// The machine that the user chose.
    pub(super) machine: Option<&'a str>,
    /// The file of words that the user gave.
    pub(super) introduces: Option<&'a Path>,
    /// The files of rules.
    pub(super) rules: &'a RulesArgs,
    /// The rules that the kernel means to change.
    pub(super) changes: &'a ExpectChangeArgs,
    /// The clock that the user chose.
    pub(super) clock: Option<GuestClock>,
    /// The kernel.
    pub(super) kernel: &'a KernelArgs,
}

impl ReproCommand<'_> {
    /// The command for a run or runs of a scenario, which is a name or a file.
    pub(super) fn command(&self, scenario: &str, seeds: Seeds) -> String {
        let ReproCommand { machine, introduces, rules, changes, clock, kernel } = self;
        let KernelArgs { kernel, series, strict, skip_applied, patches, config } = kernel;
        let mut options = format!("run {} {seeds}", quoted(scenario));
        if let Some(machine) = machine {
            options.push_str(&format!(" --machine {}", quoted(machine)));
        }
        if let Some(file) = introduces {
            options.push_str(&format!(" --introduces {}", quoted(&file.to_string_lossy())));
        }
        for path in &rules.rules {
            options.push_str(&format!(" --rules {}", quoted(&path.to_string_lossy())));
        }
        for change in changes.arguments() {
            options.push_str(&format!(" --expect-change {}", quoted(&change)));
        }
        if let Some(clock) = clock {
            options.push_str(&format!(" --clock {clock}"));
        }
        let kernel = kernel.iter().map(|path| ("--kernel", path));
        let series = series.iter().map(|path| ("--series", path));
        let patches = patches.iter().map(|path| ("--patch", path));
        for (option, path) in kernel.chain(series).chain(patches) {
            options.push_str(&format!(" {option} {}", quoted(&path.to_string_lossy())));
        }
        if *strict {
            options.push_str(" --strict");
        }
        if *skip_applied {
            options.push_str(" --skip-applied");
        }
        for profile in &config.profiles {
            options.push_str(&format!(" --profile {profile}"));
        }
        for path in &config.fragments {
            options.push_str(&format!(" --config {}", quoted(&path.to_string_lossy())));
        }
        if let Some(place) = config.build.build_in {
            options.push_str(&format!(" --build-in {place}"));
        }
        setup::ourselves(&options)
    }

    /// The command, where a verdict says that something is wrong with the kernel.
    pub(super) fn if_failed(&self, scenario: &str, seeds: Seeds, verdict: &Verdict) -> Option<String> {
        match verdict {
            Verdict::Fail(_) | Verdict::Unstable(_) => Some(self.command(scenario, seeds)),
            Verdict::Pass | Verdict::Skip(_) | Verdict::Infra(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::command::{Cli, Verb};
    use super::*;
    use clap::Parser;

    /// The command that repeats a failure of `run` with these options.
    fn repeats(scenario: &str, seeds: Seeds, options: &[&str]) -> String {
        let words = ["damonlab", "run"].iter().chain(options);
        let Verb::Run(run) = Cli::parse_from(words).verb else { panic!("it is the verb run") };
        let (machine, introduces) = (run.machine.as_deref(), run.introduces.path());
        let (rules, changes) = (&run.rules, &run.expect_change);
        let (clock, kernel) = (run.clock, &run.kernel);
        let repro = ReproCommand { machine, introduces, rules, changes, clock, kernel };
        assert_eq!(repro.if_failed(scenario, seeds, &Verdict::Pass), None);
        repro.if_failed(scenario, seeds, &Verdict::Fail(Vec::new())).unwrap()
    }

    #[test]
    fn a_failure_names_the_command_that_repeats_it_with_the_users_own_kernel() {
        let options = "--kernel|/my linux|--patch|a.patch|--patch|b.patch|--config|c|--profile|debug";
        let command = repeats("pull-push", Seeds::One(7), &options.split('|').collect::<Vec<_>>());
        let words = "run pull-push --seed 7 --kernel '/my linux' --patch a.patch --patch b.patch --profile debug --config c";
        assert!(command.ends_with(words), "{command}");
    }

    #[test]
    fn a_series_and_how_strictly_it_was_taken_are_named_before_what_is_on_top() {
        let options = "--series|my series.mbox|--series|~/linux:a..b|--patch|c.patch|--strict|--skip-applied";
        let command = repeats("idle", Seeds::One(0), &options.split('|').collect::<Vec<_>>());
        let words = "run idle --seed 0 --series 'my series.mbox' --series '~/linux:a..b' --patch c.patch --strict --skip-applied";
        assert!(command.ends_with(words), "{command}");
    }

    #[test]
    fn a_kernel_that_was_built_in_bubblewrap_is_built_there_again() {
        let command = repeats("idle", Seeds::One(0), &["--series", "s.mbox", "--build-in", "bwrap"]);
        assert!(command.ends_with("--series s.mbox --build-in bwrap"), "{command}");
    }

    #[test]
    fn seeds_that_fail_together_are_repeated_together() {
        let command = repeats("my dir/x.yaml", Seeds::All("0..8".parse().unwrap()), &[]);
        assert!(command.ends_with("run 'my dir/x.yaml' --seeds 0..=7"), "{command}");
    }

    #[test]
    fn a_machine_and_a_clock_that_overruled_the_scenarios_are_named_too() {
        let options = ["--machine", "my machines/x.yaml", "--clock", "virtual"];
        let command = repeats("idle", Seeds::One(0), &options);
        let words = "run idle --seed 0 --machine 'my machines/x.yaml' --clock virtual";
        assert!(command.ends_with(words), "{command}");
    }

    #[test]
    fn words_that_a_file_introduced_are_introduced_again() {
        let command = repeats("x.yaml", Seeds::One(0), &["--introduces", "my words.yaml"]);
        assert!(command.ends_with("run x.yaml --seed 0 --introduces 'my words.yaml'"), "{command}");
    }

    #[test]
    fn rules_of_files_and_changes_that_are_meant_are_named_too() {
        let options = ["--rules", "my rules.yaml", "--expect-change", "Q2=a new rounding"];
        let command = repeats("idle", Seeds::One(0), &options);
        let words = "run idle --seed 0 --rules 'my rules.yaml' --expect-change 'Q2=a new rounding'";
        assert!(command.ends_with(words), "{command}");
    }

    #[test]
    fn seeds_and_seed_exclude_each_other_and_a_range_that_is_none_is_refused_with_status_2() {
        for words in
            [["--seed", "1", "--seeds", "0..8"].as_slice(), &["--seeds", "8..0"], &["--seeds", "5..5"]]
        {
            let error = Cli::try_parse_from(["damonlab", "run"].iter().chain(words)).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{error}");
        }
    }
}
