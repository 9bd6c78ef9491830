//! Guests that send nonsense, and QEMUs that fail: whose fault it is. A fake takes the place of virtme-ng and QEMU, so nothing
//! here needs a kernel.

mod fake;
mod full_disk;
mod qemu_fails;
mod results;

use damonlab::check::Verdict;
use damonlab::judge::Report;
use damonlab::run::{self, ScenarioSource};
use damonlab::scenario::Clocks;
use fake::Act;
use libtest_mimic::{Arguments, Failed, Trial};
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// A check, which returns what is wrong.
type Check = fn() -> Result<(), Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, what, argument] = arguments.as_slice()
        && [fake::FAKE, full_disk::FULL_DISK].contains(&what.as_str())
    {
        let done =
            if what == fake::FAKE { fake::play(Path::new(argument)) } else { full_disk::inside(argument) };
        return match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        };
    }
    let checks = qemu_fails::CHECKS.iter().chain(results::CHECKS).chain(full_disk::CHECKS);
    let trials = checks.map(|(name, check)| {
        let check = *check;
        Trial::test(*name, move || check().map_err(|error| Failed::from(error.to_string())))
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// The report on a run of a stored scenario whose guest is `act`.
fn report(act: &Act, clocks: impl FnOnce(&mut Clocks)) -> Result<Report, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let env = fake::env(folder.path(), act)?;
    let mut source = ScenarioSource::from(&fake::stored("pull-push-short").join("scenario.yaml"))?;
    clocks(&mut source.scenario.clocks);
    Ok(run::run(&env, &source, 0)?)
}

/// The verdict on such a run, with phases of `clock` at most.
fn verdict_within(act: &Act, clock: Duration) -> Result<Verdict, Box<dyn Error>> {
    Ok(report(act, |clocks| (clocks.boot, clocks.scenario) = (clock, clock))?.verdict)
}

fn verdict(act: &Act) -> Result<Verdict, Box<dyn Error>> {
    verdict_within(act, Duration::from_secs(60))
}

/// Whether it is a failure that begins with this finding.
fn fails_with(verdict: &Verdict, id: &str) -> Result<(), Box<dyn Error>> {
    match verdict {
        Verdict::Fail(findings) if findings.first().is_some_and(|first| first.id() == id) => Ok(()),
        other => Err(format!("expected a failure with {id}, got {other}").into()),
    }
}

/// Whether it is infrastructure, for a reason with all of these parts.
fn is_infra(verdict: &Verdict, parts: &[&str]) -> Result<(), Box<dyn Error>> {
    match verdict {
        Verdict::Infra(why) if parts.iter().all(|part| why.contains(part)) => Ok(()),
        other => Err(format!("expected infra with {parts:?}, got {other}").into()),
    }
}
