//! Kdamonds turned on and off, and commanded while they run.

use super::configure::{ConfigureError, refused};
use crate::agent::failure::Failure;
use crate::agent::{clock, files, urgent};
use damonlab_protocol::damon::ROOT;
use damonlab_protocol::units::Nanos;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const STOP_STEP: Nanos = Nanos(10_000_000);
const STOP_LIMIT: Nanos = Nanos(60_000_000_000);

/// The folder of one in sysfs.
pub fn kdamond(index: usize) -> PathBuf {
    Path::new(ROOT).join(index.to_string())
}

/// Has a kdamond carry out a command that changes its configuration: the moment at which it had answered.
pub fn command(index: usize, command: &str) -> Result<Nanos, ConfigureError> {
    let state = kdamond(index).join("state");
    let (result, answered) = urgent::first(|| (files::write_patiently(&state, command), clock::now()));
    match result {
        Ok(()) => Ok(answered),
        Err(error) => Err(refused(error.errno, &format!("{index}/state"), command)),
    }
}

/// Turns every kdamond on, in order, and gives their pids back. The caller turns those off that run when a
/// later one is refused.
pub fn turn_on(count: usize) -> Result<Vec<i32>, ConfigureError> {
    for index in 0..count {
        let state = kdamond(index).join("state");
        if let Err(error) = files::write_patiently(&state, "on") {
            return Err(refused(error.errno, &format!("{index}/state"), "on"));
        }
    }
    (0..count).map(|index| Ok(pid(index)?)).collect()
}

fn pid(index: usize) -> Result<i32, Failure> {
    let path = kdamond(index).join("pid");
    let text = files::read_patiently(&path)?;
    text.parse().map_err(|_| format!("{} contains '{text}', which is no pid", path.display()).into())
}

/// How long each kdamond that runs has had the CPU.
pub fn cpu_times(count: usize) -> BTreeMap<usize, Nanos> {
    (0..count).filter_map(|index| Some((index, clock::of_process(pid(index).ok()?)?))).collect()
}

/// Whether a kdamond runs. One whose state cannot be read does not.
pub fn runs(index: usize) -> bool {
    files::read_patiently(kdamond(index).join("state")).is_ok_and(|state| state == "on")
}

/// Whether any kdamond runs.
pub fn any_runs(count: usize) -> bool {
    (0..count).any(runs)
}

/// How many kdamonds there are, whoever made them.
fn count() -> usize {
    files::names(ROOT).iter().filter(|name| name.parse::<usize>().is_ok()).count()
}

/// Turns every kdamond off that runs, and waits until each is gone.
pub fn turn_off(count: usize) -> Result<(), Failure> {
    for index in (0..count).filter(|index| runs(*index)) {
        files::write_patiently(kdamond(index).join("state"), "off")?;
    }
    for index in 0..count {
        // A step may have taken its folder away, which the kernel refuses while it runs.
        let is_gone = || !runs(index) && pid(index).is_ok_and(|pid| pid == -1);
        let gone = || (!kdamond(index).exists() || is_gone()).then_some(());
        clock::poll(STOP_STEP, STOP_LIMIT, gone).ok_or_else(|| {
            format!("kdamond {index} is still there {} s after off", STOP_LIMIT.0 / 1_000_000_000)
        })?;
    }
    Ok(())
}

/// Turns off whatever runs, whoever made it.
pub fn turn_off_all() -> Result<(), Failure> {
    turn_off(count())
}
