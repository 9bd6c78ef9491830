//! The command that repeats a run, in the words of the one that made it.

use super::{KernelArgs, RunArguments};
use crate::check::Verdict;
use crate::host::paths::quoted;
use crate::run::SeedRange;
use crate::scenario::GuestClock;
use crate::setup;
use std::fmt;

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

/// What a run has in common with every other of its command.
pub(super) struct ReproCommand<'a> {
    /// The scenario's name or file.
    pub(super) scenario: String,
    /// What the user asked for.
    pub(super) arguments: &'a RunArguments,
}

/// What to type for a run or runs.
pub(super) fn command(
    scenario: &str,
    seeds: Seeds,
    machine: Option<&str>,
    clock: Option<GuestClock>,
    asked: &KernelArgs,
) -> String {
    let mut words = format!("run {} {seeds}", quoted(scenario));
    if let Some(machine) = machine {
        words.push_str(&format!(" --machine {}", quoted(machine)));
    }
    if let Some(clock) = clock {
        words.push_str(&format!(" --clock {clock}"));
    }
    let kernel = asked.kernel.iter().map(|path| ("--kernel", path));
    let series = asked.series.iter().map(|path| ("--series", path));
    let patches = asked.patches.iter().map(|path| ("--patch", path));
    for (option, path) in kernel.chain(series).chain(patches) {
        words.push_str(&format!(" {option} {}", quoted(&path.to_string_lossy())));
    }
    if asked.strict {
        words.push_str(" --strict");
    }
    for profile in &asked.config.profiles {
        words.push_str(&format!(" --profile {profile}"));
    }
    for path in &asked.config.fragments {
        words.push_str(&format!(" --config {}", quoted(&path.to_string_lossy())));
    }
    setup::ourselves(&words)
}

impl ReproCommand<'_> {
    /// What to type for the same run or runs.
    fn command(&self, seeds: Seeds) -> String {
        let RunArguments { machine, clock, kernel, .. } = self.arguments;
        command(&self.scenario, seeds, machine.as_deref(), *clock, kernel)
    }

    /// The line for whoever has to look into it; nothing where nothing is wrong with the kernel.
    pub(super) fn advice(&self, seeds: Seeds, verdict: &Verdict) -> String {
        match verdict {
            Verdict::Fail(_) | Verdict::Unstable(_) => format!("  again     {}\n", self.command(seeds)),
            Verdict::Pass | Verdict::Skip(_) | Verdict::Infra(_) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Cli, Verb};
    use super::*;
    use clap::Parser;

    fn run(words: &[&str]) -> RunArguments {
        let words = ["damonlab", "run"].iter().chain(words);
        let Verb::Run(run) = Cli::parse_from(words).verb else { panic!("`run` is no other verb") };
        run
    }

    #[test]
    fn a_failure_names_the_command_that_repeats_it_with_the_users_own_kernel() {
        let run = run(&[
            "--kernel",
            "/my linux",
            "--patch",
            "a.patch",
            "--patch",
            "b.patch",
            "--config",
            "c",
            "--profile",
            "debug",
        ]);
        let again = ReproCommand { scenario: "pull-push".into(), arguments: &run };
        let advice = again.advice(Seeds::One(7), &Verdict::Fail(Vec::new()));
        let words = "run pull-push --seed 7 --kernel '/my linux' --patch a.patch --patch b.patch --profile debug --config c\n";
        assert!(advice.ends_with(words), "{advice}");
        assert_eq!(again.advice(Seeds::One(7), &Verdict::Pass), "");
    }

    #[test]
    fn a_series_and_how_strictly_it_was_taken_are_named_before_what_is_on_top() {
        let run = run(&[
            "--series",
            "my series.mbox",
            "--series",
            "~/linux:a..b",
            "--patch",
            "c.patch",
            "--strict",
        ]);
        let again = ReproCommand { scenario: "idle".into(), arguments: &run };
        let advice = again.advice(Seeds::One(0), &Verdict::Fail(Vec::new()));
        let words =
            "run idle --seed 0 --series 'my series.mbox' --series '~/linux:a..b' --patch c.patch --strict\n";
        assert!(advice.ends_with(words), "{advice}");
    }

    #[test]
    fn seeds_that_fail_together_are_repeated_together() {
        let run = run(&[]);
        let again = ReproCommand { scenario: "my dir/x.yaml".into(), arguments: &run };
        let seeds = Seeds::All("0..8".parse().unwrap());
        let advice = again.advice(seeds, &Verdict::Fail(Vec::new()));
        assert!(advice.ends_with("run 'my dir/x.yaml' --seeds 0..=7\n"), "{advice}");
    }

    #[test]
    fn a_machine_and_a_clock_that_overruled_the_scenarios_are_named_too() {
        let run = run(&["--machine", "my machines/x.yaml", "--clock", "virtual"]);
        let again = ReproCommand { scenario: "idle".into(), arguments: &run };
        let advice = again.advice(Seeds::One(0), &Verdict::Fail(Vec::new()));
        let words = "run idle --seed 0 --machine 'my machines/x.yaml' --clock virtual\n";
        assert!(advice.ends_with(words), "{advice}");
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
