//! The ways of a guest: booted and run, booted and saved, started from what was saved.

use super::checkpoint::{self, Checkpoint, Found, Making, Store};
use super::error::VmError;
use super::gdb::Gdb;
use super::launch::{Ended, Launch};
use super::log_files::CONSOLE_LOG;
use super::qmp::Qmp;
use super::run_folder::{RunFolder, file};
use super::start::{self, Started};
use super::timing::Timing;
use super::watch::{AtReadyPoint, Clock, Ending, Phase, Watch, Watched};
use super::{console, initramfs, plan, ram, results, save};
use crate::host::fault::Faulty;
use fs_err as fs;
use std::path::Path;
use std::sync::mpsc;

/// Runs one guest to its end. Whatever happens, no process of it is left.
pub fn run(launch: &Launch<'_>) -> Result<Ended, VmError> {
    let item = plan::item(launch.plan)?;
    let mut notes = Vec::new();
    let saved = match launch.checkpoints.filter(|_| matches!(launch.timing, Timing::Virtual(_))) {
        Some(store) => saved(launch, &item, store, &mut notes)?,
        None => None,
    };
    let (ending, booted) = match saved {
        Some(found) => found,
        None => (boot(launch, &item)?, true),
    };
    Ok(Ended { ending, notes, booted })
}

/// Why a machine with CXL devices has no checkpoint.
const CXL: &str = "the guest was booted, as every one with CXL devices: QEMU does not save their registers";

/// Runs a guest from its checkpoint, which is made where there is none: its ending, and whether it was
/// booted after all. None where there can be no checkpoint: it has to be booted.
fn saved(
    launch: &Launch<'_>,
    item: &[u8],
    store: &Store,
    notes: &mut Vec<String>,
) -> Result<Option<(Ending, bool)>, VmError> {
    let checkpoint = match begin(launch, item, store, notes)? {
        Begun::Checkpoint(checkpoint) => checkpoint,
        Begun::Ended(ending) => return Ok(Some((ending, true))),
        Begun::Nothing => return Ok(None),
    };
    match from(launch, item, &checkpoint) {
        Ok(ending) => Ok(Some((ending, false))),
        Err(RestoreError::Failed(error)) => Err(error),
        Err(RestoreError::Refused(why)) => {
            let key = checkpoint.key.clone();
            drop(checkpoint);
            store.discard(&key)?;
            notes.push(format!(
                "QEMU did not start from the checkpoint {key}, so the guest was booted: {why}"
            ));
            Ok(None)
        }
    }
}

/// What a guest can begin with.
pub(super) enum Begun {
    /// A saved guest of its own kind.
    Checkpoint(Checkpoint),
    /// Nothing more: it came to its end where it should have been saved.
    Ended(Ending),
    /// A boot; the last note says why.
    Nothing,
}

/// The checkpoint of a guest, found or made.
pub(super) fn begin(
    launch: &Launch<'_>,
    item: &[u8],
    store: &Store,
    notes: &mut Vec<String>,
) -> Result<Begun, VmError> {
    // QEMU's `cxl-type3` has no state of its own to save (10.0.2: a decoder of a restored guest does not
    // commit, ETIMEDOUT).
    if launch.machine.cxl {
        notes.push(CXL.to_owned());
        return Ok(Begun::Nothing);
    }
    let key = checkpoint::key::key(launch, item.len())?;
    loop {
        match store.find(&key)? {
            Found::Whole(found) => return Ok(Begun::Checkpoint(found)),
            Found::Broken(why) => {
                notes.push(format!("the checkpoint {key} was of no use and is made anew: {why}"));
            }
            Found::Nothing => {}
        }
        match Making::begin(store, &key).map(|making| making.map(|making| make(launch, item, making))) {
            // Somebody else has made it while we waited, or we have.
            Ok(None | Some(Ok(Made::Saved))) => {}
            Ok(Some(Ok(Made::Ended(ending)))) => return Ok(Begun::Ended(ending)),
            Ok(Some(Err(error))) | Err(error) if error.is_interrupt() => return Err(error),
            Ok(Some(Err(error))) | Err(error) => {
                notes.push(format!("no checkpoint could be saved, so the guest was booted: {error}"));
                return Ok(Begun::Nothing);
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
    making.check_room(launch.machine)?;
    for memory in &launch.machine.memories {
        link(&making.ram(memory)?, &folder.path().join(ram::file(memory)))?;
    }
    let machine = ram::shared(launch.machine, folder.path());
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
        Watched::LeftStopped => publish(launch, &folder, making, &argv).map(|()| Made::Saved),
        // A full disk kills a QEMU whose memory is a file. A kernel that dies dies again without one.
        Watched::Ended(Ending::Lost { during: Clock::Boot }) => {
            Err(VmError::NotSaved("QEMU ended while it booted with its memory in the cache".to_owned()))
        }
        Watched::Ended(ending) => Ok(Made::Ended(ending)),
    }
}

fn publish(launch: &Launch<'_>, folder: &RunFolder, making: Making, argv: &[String]) -> Result<(), VmError> {
    let console = fs::read(launch.results.join(CONSOLE_LOG))?;
    let describe = format!("{} on {}", launch.plan.scenario, launch.describe);
    let memories = &launch.machine.memories;
    let argv = ram::private(argv, memories, folder.path());
    Ok(making.publish(&argv, &folder.path().to_string_lossy(), memories, &console, &describe)?)
}

/// Why a checkpoint led to no ending.
enum RestoreError {
    /// QEMU does not take it; a boot may do better.
    Refused(VmError),
    /// The run itself failed.
    Failed(VmError),
}

/// Starts from a checkpoint and runs the guest on.
fn from(launch: &Launch<'_>, item: &[u8], checkpoint: &Checkpoint) -> Result<Ending, RestoreError> {
    let Restored { folder, started, qmp, .. } =
        restore(launch, item, checkpoint, false).map_err(|error| match error.is_interrupt() {
            true => RestoreError::Failed(error),
            false => RestoreError::Refused(error),
        })?;
    let phase = Phase::Scenario { stopped: qmp };
    match follow(launch, &folder, started, &checkpoint.console, phase).map_err(RestoreError::Failed)? {
        Watched::Ended(ending) => Ok(ending),
        Watched::LeftStopped => Err(RestoreError::Failed(VmError::NotSaved(
            "the guest stopped at its ready point again".to_owned(),
        ))),
    }
}

/// A guest that stands at its ready point.
pub(super) struct Restored {
    pub folder: RunFolder,
    pub started: Started,
    pub qmp: Qmp,
    /// Where it was asked for.
    pub gdb: Option<Gdb>,
}

/// Starts QEMU from a checkpoint, with a gdb stub where one is wanted, and leaves the guest stopped.
pub(super) fn restore(
    launch: &Launch<'_>,
    item: &[u8],
    checkpoint: &Checkpoint,
    debugged: bool,
) -> Result<Restored, VmError> {
    let folder = prepare(launch, item)?;
    let place = folder.path();
    for ram in &checkpoint.ram {
        link(ram, &place.join(ram.file_name().unwrap_or_default()))?;
    }
    let state = place.join(file::STATE);
    link(&checkpoint.state, &state)?;
    let mut argv = checkpoint.argv(&place.to_string_lossy());
    if debugged {
        argv.extend(start::gdb_words(place));
    }
    let started = start::by_words(launch, place, &argv)?;
    let mut qmp = Qmp::connect(&place.join(file::QMP))?;
    // Before the guest is there: QEMU would stop it for a debugger that comes.
    let gdb =
        debugged.then(|| start::connect(place, file::GDB, "gdb")).transpose()?.map(Gdb::new).transpose()?;
    save::restore(&mut qmp, &state)?;
    Ok(Restored { folder, started, qmp, gdb })
}

/// Follows a guest to its end. `before` is what its console said in an earlier life.
fn follow(
    launch: &Launch<'_>,
    folder: &RunFolder,
    started: Started,
    before: &[u8],
    phase: Phase<'_>,
) -> Result<Watched, VmError> {
    let Started { mut process, results, console, .. } = started;
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
    let watched = Watch::new(&mut process.group, qmp, launch.clocks, hearing, telling).run(phase);
    process.end()?;
    // With QEMU gone all channels are at their ends, and so are the threads.
    console.wait();
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
