//! Checkpoints: they are created once, verified at each use, and replaced when they are damaged.

use super::common::{self, ensure};
use damonlab::judge::Report;
use damonlab::recording::compare::first_difference;
use damonlab::run::RunEnv;
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
    ("a_truncated_checkpoint_is_replaced_and_gives_the_same_recording", damaged),
    ("two_runs_that_need_the_same_checkpoint_create_it_once", twice),
    ("a_damonlab_that_is_killed_while_it_saves_leaves_no_checkpoint", killed),
];

/// The cache of a process that is killed: this program, started again.
const VICTIM: &str = "DAMONLAB_TEST_VICTIM";

pub fn trials() -> Vec<Trial> {
    match std::env::var_os(VICTIM) {
        None => common::checks(TRIALS),
        Some(_) => common::checks(&[("victim", victim)]),
    }
}

fn victim(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let cache = PathBuf::from(std::env::var_os(VICTIM).ok_or("no cache")?);
    passed(&own(env, &cache)).map(drop)
}

/// `env` with its own checkpoints and results, in the folder `cache`.
fn own(env: &RunEnv, cache: &Path) -> RunEnv {
    RunEnv { out: cache.join("results"), checkpoints: Some(Store::of(cache)), ..env.clone() }
}

fn passed(env: &RunEnv) -> Result<Report, Box<dyn Error>> {
    common::pass(env, &common::shipped("goal-needs-paddr")?)
}

fn same(one: &Report, other: &Report) -> Result<(), Box<dyn Error>> {
    match first_difference(&one.dir, &other.dir)? {
        None => Ok(()),
        Some(difference) => Err(difference.to_string().into()),
    }
}

fn damaged(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let cache = tempfile::tempdir()?;
    let env = own(env, cache.path());
    let first = passed(&env)?;
    let second = passed(&env)?;
    ensure(first.notes.is_empty() && second.notes.is_empty(), (&first.notes, &second.notes))?;
    same(&first, &second)?;
    let memory = folders(cache.path())?.pop().ok_or("no checkpoint was made")?.join("ram0");
    let file = fs::File::options().write(true).open(&memory)?;
    file.set_len(file.metadata()?.len() - 4096)?;
    let third = passed(&env)?;
    ensure(
        third.notes.iter().any(|note| note.contains("ram0 has changed since it was saved")),
        &third.notes,
    )?;
    same(&first, &third)?;
    ensure(passed(&env)?.notes.is_empty(), "the new checkpoint is not used")
}

fn twice(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let cache = tempfile::tempdir()?;
    let env = own(env, cache.path());
    let one = || passed(&env).map_err(|error| error.to_string());
    let (first, second) = std::thread::scope(|scope| {
        let second = scope.spawn(one);
        (one(), second.join())
    });
    let (first, second) = (first?, second.map_err(|_| "a run panicked")??);
    same(&first, &second)?;
    let booted = [&first, &second].iter().filter(|run| run.dir.join("vng.argv").exists()).count();
    ensure(booted == 1, format!("{booted} guests were booted for one checkpoint"))
}

fn killed(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let cache = tempfile::tempdir()?;
    let cache = cache.path();
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
    passed(&own(env, cache))?;
    ensure(scratch(cache)?.is_empty(), "the next run left the unfinished checkpoint where it was")?;
    ensure(checkpoint::list(&Store::of(cache)).len() == 1, "the next run made no checkpoint")
}

/// The finished checkpoints of a cache.
fn folders(cache: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    entries(cache, |name| !name.contains('.'))
}

/// The unfinished checkpoints of a cache.
fn scratch(cache: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    entries(cache, |name| name.ends_with(".new"))
}

fn entries(cache: &Path, matches: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let Ok(entries) = fs::read_dir(cache.join("checkpoint")) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if matches(&entry.file_name().to_string_lossy()) {
            found.push(entry.path());
        }
    }
    Ok(found)
}
