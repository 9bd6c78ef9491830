//! The tests that need a guest, or a kernel's source: one program, one trial a scenario, a patch or a check.
//!
//! - `cargo test pull-push` runs the trials whose names fit.
//! - `DAMONLAB_SETUP=1` installs and builds what is missing first.
//! - `DAMONLAB_REQUIRE=vm` fails a trial that would otherwise be ignored because something is missing.
//! - `DAMONLAB_KERNEL=KERNEL`, a value for `--kernel`, tests that kernel instead of the default one.

#![expect(clippy::disallowed_methods, reason = "a trial kills what it starts")]

mod checkpoints;
mod common;
mod delivery;
mod determinism;
mod endings;
mod example_series;
mod exports;
mod github_action;
mod kunit_parser;
mod line_coverage;
mod load;
mod mutants;
mod own_words;
mod patches;
mod real_clock;
mod refused;
mod scenarios;
mod shards;

use libtest_mimic::Trial;
use std::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    match trials() {
        Ok(trials) => common::main(trials, scenarios::uncovered),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn trials() -> Result<Vec<Trial>, Box<dyn Error>> {
    let mut trials = scenarios::trials().map_err(|error| format!("{:?}", miette::Report::new(error)))?;
    trials.extend(determinism::trials());
    trials.extend(checkpoints::trials());
    trials.extend(delivery::trials());
    trials.extend(endings::trials());
    trials.extend(exports::trials());
    trials.extend(github_action::trials());
    trials.extend(kunit_parser::trials());
    trials.extend(line_coverage::trials());
    trials.extend(real_clock::trials());
    trials.extend(refused::trials());
    trials.extend(shards::trials());
    trials.extend(own_words::trials());
    trials.extend(example_series::trials());
    trials.extend(mutants::trials()?);
    trials.extend(patches::trials()?);
    Ok(trials)
}
