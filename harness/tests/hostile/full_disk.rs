//! Disks without space, as small file systems that a check mounts for itself alone: each run says what to do, blames nobody's
//! kernel, and the next one works once there is space.

use super::fake::{env, stored};
use super::results::honest_guest;
use super::{Check, is_infra};
use damonlab::check::Verdict;
use damonlab::host::command::{Limits, capture, command_for};
use damonlab::judge::Report;
use damonlab::report::full_text;
use damonlab::run::{self, RunEnv, ScenarioSource};
use damonlab::vm::checkpoint::Store;
use std::error::Error;
use std::fs;
use std::path::Path;

/// The first argument of a test program that has its own mounts; the second is the name of a check in [`INSIDE`].
pub const FULL_DISK: &str = "full-disk";

pub const CHECKS: &[(&str, Check)] = &[
    ("results_on_a_full_disk_say_what_to_do_and_the_next_run_works", || outside("results")),
    ("a_run_folder_on_a_full_disk_says_what_to_do_and_the_next_run_works", || outside("run-folder")),
    ("a_checkpoint_on_a_full_disk_is_noted_and_the_run_passes", || outside("cache")),
];

const INSIDE: &[(&str, Check)] = &[("results", results), ("run-folder", run_folder), ("cache", cache)];

/// Runs a check in a mount namespace of its own. An ordinary user gets one together with a user namespace.
fn outside(name: &str) -> Result<(), Box<dyn Error>> {
    // The disks go over folders of this check alone: whatever else is in /tmp, a clone of the project too, stays.
    let temporary = tempfile::tempdir_in("/var/tmp")?;
    let unshare = |arguments: &[&str]| {
        let mut unshare = command_for("unshare");
        unshare
            .args(["--user", "--map-root-user", "--mount"])
            .args(arguments)
            .env("TMPDIR", temporary.path());
        capture(&mut unshare, Limits::LOCAL)
    };
    let can_mount = unshare(&["mount", "-t", "tmpfs", "none", "/mnt"]);
    if !can_mount.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this user may not mount anything in a namespace (unshare --user --mount)");
        return Ok(());
    }
    let program = std::env::current_exe()?;
    let output = unshare(&[&program.to_string_lossy(), FULL_DISK, name])?;
    let words = String::from_utf8_lossy(&output.stdout).into_owned() + &output.stderr;
    if output.status.success() { Ok(()) } else { Err(words.into()) }
}

/// Does the check of this name, in its namespace.
pub fn inside(name: &str) -> Result<(), Box<dyn Error>> {
    let (_, check) = INSIDE.iter().find(|(known, _)| *known == name).ok_or("no such check")?;
    // Its own temporary folder, because that of the user's runs has another owner here.
    mount(&std::env::temp_dir(), "512m")?;
    check()
}

/// Mounts an empty disk of this size.
fn mount(folder: &Path, size: &str) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    called(&["-t", "tmpfs", "-o", &format!("size={size}"), "none"], folder)
}

/// Changes the size of a mounted disk.
fn resize(folder: &Path, size: &str) -> Result<(), Box<dyn Error>> {
    called(&["-o", &format!("remount,size={size}")], folder)
}

fn called(arguments: &[&str], folder: &Path) -> Result<(), Box<dyn Error>> {
    let output = capture(command_for("mount").args(arguments).arg(folder), Limits::LOCAL)?;
    if output.status.success() { Ok(()) } else { Err(output.stderr.into()) }
}

fn report(env: &RunEnv) -> Result<Report, Box<dyn Error>> {
    let source = ScenarioSource::from(&stored("pull-push-short").join("scenario.yaml"))?;
    Ok(run::run(env, &source, 0)?)
}

fn passes(env: &RunEnv) -> Result<Report, Box<dyn Error>> {
    let report = report(env)?;
    if matches!(report.verdict, Verdict::Pass) { Ok(report) } else { Err(full_text(&report).into()) }
}

/// Whether the run ends as infrastructure and its report has the reason and the advice.
fn has_advice(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let report = report(env)?;
    is_infra(&report.verdict, &["No space left on device"])?;
    let text = full_text(&report);
    if text.contains("help") && text.contains("--out FOLDER") { Ok(()) } else { Err(text.into()) }
}

/// A disk with space for the first files of a run alone.
fn results() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let env = env(folder.path(), &honest_guest()?)?;
    mount(&env.out, "64k")?;
    has_advice(&env)?;
    resize(&env.out, "64m")?;
    passes(&env).map(drop)
}

/// The folder with QEMU's sockets and the guest's first files.
fn run_folder() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir_in("/var/tmp")?;
    let mut env = env(folder.path(), &honest_guest()?)?;
    // The agent is what takes space there.
    env.agent = &[0; 256 << 10];
    resize(&std::env::temp_dir(), "64k")?;
    has_advice(&env)?;
    resize(&std::env::temp_dir(), "64m")?;
    passes(&env).map(drop)
}

/// Nothing can be saved for later runs, which the note says.
fn cache() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let mut env = env(folder.path(), &honest_guest()?)?;
    let checkpoints = folder.path().join("checkpoint");
    mount(&checkpoints, "4k")?;
    env.checkpoints = Some(Store::of(&checkpoints));
    for _ in 0..2 {
        let text = full_text(&passes(&env)?);
        if !text.contains("no checkpoint could be saved, so the guest was booted: ") {
            return Err(text.into());
        }
    }
    Ok(())
}
