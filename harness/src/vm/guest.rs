//! The ways of a guest: booted and run, booted and saved, started from what was saved.

use super::checkpoint::{self, Checkpoint, Found, Making, Store};
use super::command::file;
use super::folder::RunFolder;
use super::qmp::Qmp;
use super::ram::{self, Ram};
use super::start::{self, Started};
use super::watch::{AtReadyPoint, Clock, Phase, Watch, Watched};
use super::{CONSOLE_LOG, Ended, Ending, Launch, Timing, VmError, console, initramfs, plan, results, save};
use crate::machine::Argv;
use fs_err as fs;
use std::path::Path;
use std::sync::mpsc;

/// Runs one guest to its end. Whatever happens, no process of it is left.
pub fn run(launch: &Launch<'_>) -> Result<Ended, VmError> {
    let item = plan::item(launch.plan)?;
    let mut notes = Vec::new();
    let begun = match launch.checkpoints.filter(|_| launch.timing == Timing::Virtual) {
        Some(_) if has_cxl(launch.machine) => {
            notes.push(CXL.to_owned());
            None
        }
        Some(store) => saved(launch, &item, store, &mut notes)?,
        None => None,
    };
    match begun {
        Some(ending) => Ok(Ended { ending, notes, booted: false }),
        None => Ok(Ended { ending: boot(launch, &item)?, notes, booted: true }),
    }
}

/// Why a machine with CXL devices has no checkpoint.
const CXL: &str = "the guest was booted, as every one with CXL devices: QEMU does not save their registers";

/// QEMU's `cxl-type3` has no state of its own to save (10.0.2: a decoder of a restored guest does not
/// commit, ETIMEDOUT).
fn has_cxl(machine: &Argv) -> bool {
    machine.qemu.iter().any(|word| word.starts_with("cxl-type3"))
}

/// Runs a guest from its checkpoint, which is made where there is none. None where none can be: it has to be
/// booted.
fn saved(
    launch: &Launch<'_>,
    item: &[u8],
    store: &Store,
    notes: &mut Vec<String>,
) -> Result<Option<Ending>, VmError> {
    let key = checkpoint::key::key(launch, item.len())?;
    loop {
        match store.find(&key)? {
            Found::Whole(found) => match from(launch, item, &found) {
                Ok(ending) => return Ok(Some(ending)),
                Err(NotRun::Failed(error)) => return Err(error),
                Err(NotRun::Refused(why)) => {
                    drop(found);
                    store.discard(&key)?;
                    notes.push(format!(
                        "QEMU did not start from the checkpoint {key}, so the guest was booted: {why}"
                    ));
                    return Ok(None);
                }
            },
            Found::Broken(why) => {
                notes.push(format!("the checkpoint {key} was of no use and is made anew: {why}"))
            }
            Found::Nothing => {}
        }
        match store.make(&key).map(|making| making.map(|making| make(launch, item, making))) {
            // Somebody else has made it while we waited, or we have.
            Ok(None | Some(Ok(Made::Saved))) => {}
            Ok(Some(Ok(Made::Ended(ending)))) => return Ok(Some(ending)),
            Ok(Some(Err(error))) | Err(error) if error.is_interrupt() => return Err(error),
            Ok(Some(Err(error))) | Err(error) => {
                notes.push(format!("no checkpoint could be saved, so the guest was booted: {error}"));
                return Ok(None);
            }
        }
    }
}

/// Boots a guest and runs it.
fn boot(launch: &Launch<'_>, item: &[u8]) -> Result<Ending, VmError> {
    let folder = prepare(launch, item)?;
    let started = start::through_vng(launch, launch.machine, folder.path())?;
    let at_ready_point: AtReadyPoint<'_> = Box::new(|qmp| {
        save::go_on(qmp)?;
        Ok(true)
    });
    match follow(launch, &folder, started, &[], Phase::Boot { at_ready_point })? {
        Watched::Ended(ending) => Ok(ending),
        Watched::LeftStopped => Err(VmError::NotSaved("the guest was left stopped".to_owned())),
    }
}

/// What came of a boot for a checkpoint.
enum Made {
    /// It is there.
    Saved,
    /// The guest came to its end without a ready point.
    Ended(Ending),
}

/// Boots a guest whose memory is in files, saves it at its ready point and ends it there.
fn make(launch: &Launch<'_>, item: &[u8], making: Making) -> Result<Made, VmError> {
    let folder = prepare(launch, item)?;
    let ram = ram::nodes(&launch.machine.qemu);
    making.check_room(&ram)?;
    for ram in &ram {
        link(&making.ram(ram)?, &folder.path().join(&ram.file))?;
    }
    let machine = Argv { qemu: ram::shared(&launch.machine.qemu, folder.path()), ..launch.machine.clone() };
    let started = start::through_vng(launch, &machine, folder.path())?;
    let argv = started.argv.clone();
    let state = folder.path().join(file::STATE);
    // By a link: the cache's path may have characters that QEMU's addresses do not take.
    link(&making.state(), &state)?;
    let at_ready_point: AtReadyPoint<'_> = Box::new(|qmp| {
        save::save(qmp, &state)?;
        Ok(false)
    });
    match follow(launch, &folder, started, &[], Phase::Boot { at_ready_point })? {
        Watched::LeftStopped => publish(launch, &folder, making, &argv, &ram).map(|()| Made::Saved),
        // A full disk kills a QEMU whose memory is a file. A kernel that dies dies again without one.
        Watched::Ended(Ending::Lost { during: Clock::Boot }) => {
            Err(VmError::NotSaved("QEMU ended while it booted with its memory in the cache".to_owned()))
        }
        Watched::Ended(ending) => Ok(Made::Ended(ending)),
    }
}

fn publish(
    launch: &Launch<'_>,
    folder: &RunFolder,
    making: Making,
    argv: &[String],
    ram: &[Ram],
) -> Result<(), VmError> {
    let console = fs::read(launch.results.join(CONSOLE_LOG))?;
    let describe = format!("{} on {}", launch.plan.scenario, launch.describe);
    let argv = ram::private(argv);
    Ok(making.publish(&argv, &folder.path().to_string_lossy(), ram, &console, &describe)?)
}

/// Why a checkpoint led to no ending.
enum NotRun {
    /// QEMU does not take it; a boot may do better.
    Refused(VmError),
    /// The run itself failed.
    Failed(VmError),
}

/// Starts from a checkpoint and runs the guest on.
fn from(launch: &Launch<'_>, item: &[u8], checkpoint: &Checkpoint) -> Result<Ending, NotRun> {
    let (folder, started, stopped) = restore(launch, item, checkpoint)
        .map_err(|error| if error.is_interrupt() { NotRun::Failed(error) } else { NotRun::Refused(error) })?;
    let phase = Phase::Scenario { stopped };
    match follow(launch, &folder, started, &checkpoint.console, phase).map_err(NotRun::Failed)? {
        Watched::Ended(ending) => Ok(ending),
        Watched::LeftStopped => {
            Err(NotRun::Failed(VmError::NotSaved("the guest stopped at its ready point again".to_owned())))
        }
    }
}

fn restore(
    launch: &Launch<'_>,
    item: &[u8],
    checkpoint: &Checkpoint,
) -> Result<(RunFolder, Started, Qmp), VmError> {
    let folder = prepare(launch, item)?;
    for ram in &checkpoint.ram {
        link(ram, &folder.path().join(ram.file_name().unwrap_or_default()))?;
    }
    let state = folder.path().join(file::STATE);
    link(&checkpoint.state, &state)?;
    let argv = checkpoint.argv(&folder.path().to_string_lossy());
    let started = start::by_words(launch, folder.path(), &argv)?;
    let mut qmp = Qmp::connect(&folder.path().join(file::QMP))?;
    save::restore(&mut qmp, &state)?;
    Ok((folder, started, qmp))
}

/// Follows a guest to its end. `before` is what its console said in an earlier life.
fn follow(
    launch: &Launch<'_>,
    folder: &RunFolder,
    started: Started,
    before: &[u8],
    phase: Phase<'_>,
) -> Result<Watched, VmError> {
    let Started { mut group, drains, results, console, .. } = started;
    let (heard, hearing) = mpsc::channel();
    let log = launch.results.join(CONSOLE_LOG);
    let console = console::listen(console, &log, before, launch.clocks.hard() * 2, heard)?;
    let (told, telling) = mpsc::channel();
    let place = launch.results.to_owned();
    let receiver = std::thread::spawn(move || {
        // The main loop may be gone already; then nobody needs to know.
        let _ = told.send(results::receive(results, &place));
    });
    let qmp = folder.path().join(file::QMP);
    let watched = Watch::new(&mut group, qmp, launch.clocks, hearing, telling).run(phase);
    group.kill()?;
    // With QEMU gone all channels are at their ends, and so are the threads.
    for drain in drains {
        let _ = drain.join();
    }
    let _ = console.join();
    let _ = receiver.join();
    watched
}

fn prepare(launch: &Launch<'_>, item: &[u8]) -> Result<RunFolder, VmError> {
    let folder = RunFolder::new()?;
    let place = folder.path();
    fs::write(place.join(file::INITRD), initramfs::archive(launch.agent)?)?;
    fs::write(place.join(file::PLAN), item)?;
    // A link, so that the kernel's own path may have any name.
    link(&fs::canonicalize(launch.bzimage)?, &place.join(file::KERNEL))?;
    Ok(folder)
}

fn link(from: &Path, to: &Path) -> Result<(), VmError> {
    Ok(fs::os::unix::fs::symlink(from, to)?)
}
