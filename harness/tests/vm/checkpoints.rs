//! Guests that start from a checkpoint: made once, checked at each use, and never trusted.

use super::common::{self, ensure};
use damonlab::check::Verdict;
use damonlab::host::paths;
use damonlab::judge::Report;
use damonlab::recording::compare::first_difference;
use damonlab::report;
use damonlab::run::{self, RunEnv, ScenarioSource};
use damonlab::vm::checkpoint::{self, Store};
use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const TRIALS: &[(&str, common::Check)] = &[
    ("a_checkpoint_that_was_cut_short_is_made_anew_and_gives_the_same_recording", damaged),
    ("two_that_want_the_same_checkpoint_make_it_once", twice),
    ("a_damonlab_that_is_killed_while_it_saves_leaves_nothing_that_is_used", killed),
];

/// Where a process that is to be killed has its cache: this program, started again.
const VICTIM: &str = "DAMONLAB_TEST_VICTIM";

pub fn trials() -> Vec<Trial> {
    match std::env::var_os(VICTIM) {
        None => common::checks(TRIALS),
        Some(_) => common::checks(&[("victim", victim)]),
    }
}

fn victim(lab: &RunEnv) -> Result<(), Box<dyn Error>> {
    let place = PathBuf::from(std::env::var_os(VICTIM).ok_or("no place")?);
    passed(&own(lab, &place)).map(drop)
}

/// A lab with a cache and results of its own, and where they are.
fn own(lab: &RunEnv, place: &Path) -> RunEnv {
    RunEnv { out: place.join("results"), checkpoints: Some(Store::of(place)), ..lab.clone() }
}

fn passed(lab: &RunEnv) -> Result<Report, Box<dyn Error>> {
    let loaded = ScenarioSource::from(&paths::project().join("scenarios/goal-needs-paddr.yaml"))?;
    let run = run::run(lab, &loaded, 0)?;
    if run.verdict == Verdict::Pass { Ok(run) } else { Err(report::human(&run).into()) }
}

fn same(one: &Report, other: &Report) -> Result<(), Box<dyn Error>> {
    match first_difference(&one.dir, &other.dir)? {
        None => Ok(()),
        Some(difference) => Err(difference.to_string().into()),
    }
}

fn damaged(lab: &RunEnv) -> Result<(), Box<dyn Error>> {
    let place = tempfile::tempdir()?;
    let lab = own(lab, place.path());
    let first = passed(&lab)?;
    let second = passed(&lab)?;
    ensure(first.notes.is_empty() && second.notes.is_empty(), (&first.notes, &second.notes))?;
    same(&first, &second)?;
    let memory = folders(place.path())?.pop().ok_or("no checkpoint was made")?.join("ram0");
    let file = fs::File::options().write(true).open(&memory)?;
    file.set_len(file.metadata()?.len() - 4096)?;
    let third = passed(&lab)?;
    ensure(third.notes.iter().any(|note| note.contains("ram0 is not as it was saved")), &third.notes)?;
    same(&first, &third)?;
    ensure(passed(&lab)?.notes.is_empty(), "the new checkpoint is not used")
}

fn twice(lab: &RunEnv) -> Result<(), Box<dyn Error>> {
    let place = tempfile::tempdir()?;
    let lab = own(lab, place.path());
    let one = || passed(&lab).map_err(|error| error.to_string());
    let (first, second) = std::thread::scope(|scope| {
        let second = scope.spawn(one);
        (one(), second.join())
    });
    let (first, second) = (first?, second.map_err(|_| "a run panicked")??);
    same(&first, &second)?;
    let booted = [&first, &second].iter().filter(|run| run.dir.join("vng.argv").exists()).count();
    ensure(booted == 1, format!("{booted} guests were booted for one checkpoint"))
}

fn killed(lab: &RunEnv) -> Result<(), Box<dyn Error>> {
    let place = tempfile::tempdir()?;
    let cache = place.path();
    fs::create_dir(cache.join("tmp"))?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--exact", "victim"]).env(VICTIM, cache).env("TMPDIR", cache.join("tmp"));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let until = Instant::now() + Duration::from_secs(60);
    while scratch(cache)?.is_empty() {
        ensure(Instant::now() < until && child.try_wait()?.is_none(), "no checkpoint was begun")?;
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(700));
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL)?;
    child.wait()?;
    ensure(folders(cache)?.is_empty(), "an unfinished checkpoint has its final name")?;
    ensure(!scratch(cache)?.is_empty(), "the checkpoint was finished before the kill")?;
    passed(&own(lab, cache))?;
    ensure(scratch(cache)?.is_empty(), "the next run left the unfinished checkpoint where it was")?;
    ensure(checkpoint::list(&Store::of(cache)).len() == 1, "the next run made no checkpoint")
}

/// Finished checkpoints below a cache.
fn folders(cache: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    entries(cache, |name| !name.contains('.'))
}

/// Unfinished ones.
fn scratch(cache: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    entries(cache, |name| name.ends_with(".new"))
}

fn entries(cache: &Path, fits: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let Ok(entries) = fs::read_dir(cache.join("checkpoint")) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if fits(&entry.file_name().to_string_lossy()) {
            found.push(entry.path());
        }
    }
    Ok(found)
}
