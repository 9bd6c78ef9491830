//! The life of a guest: booted and run, booted and saved, or started from a checkpoint.

use super::checkpoint::{self, Checkpoint, Lookup, Making, Store};
use super::error::VmError;
use super::gdb::Gdb;
use super::guest_state::{self, Hung};
use super::launch::{Ended, Launch};
use super::log_files::{CONSOLE_LOG, VNG_LOG};
use super::qmp::Qmp;
use super::run_folder::{RunFolder, file};
use super::start::{self, ResultsPort, Started};
use super::timing::Timing;
use super::watch::{AtReadyPoint, Clock, Ending, Finished, Phase, Watch, Watched, WatchedQemu};
use super::{console, initramfs, plan, ram, results, save};
use crate::host::fault::Faulty;
use crate::host::text::shown;
use fs_err as fs;
use std::path::Path;
use std::sync::mpsc;
use std::thread::JoinHandle;

/// Runs one guest to its end. Whatever happens, none of its processes is left.
pub fn run(launch: &Launch<'_>) -> Result<Ended, VmError> {
    let item = plan::item(launch.plan)?;
    let mut notes = Vec::new();
    let saved = match launch.checkpoints.filter(|_| matches!(launch.timing, Timing::Virtual(_))) {
        Some(store) => saved(launch, &item, store, &mut notes)?,
        None => None,
    };
    let (finished, booted) = match saved {
        Some(found) => found,
        None => (boot(launch, &item)?, true),
    };
    let Finished { ending, load, stopped, .. } = finished;
    if stopped.as_secs() > 0 {
        let stopped = stopped.as_secs();
        notes.push(format!("damonlab or QEMU was stopped for {stopped} s, which no clock of the run counts"));
    }
    Ok(Ended { ending, notes, booted, load })
}

/// Why a machine with CXL devices has no checkpoint.
const CXL: &str = "the guest was booted because it has CXL devices, whose registers QEMU does not save";

/// Runs a guest from its checkpoint, which is made if it is missing. Returns its ending, and whether it was booted after
/// all; none if there is no checkpoint and it has to be booted.
fn saved(
    launch: &Launch<'_>,
    item: &[u8],
    store: &Store,
    notes: &mut Vec<String>,
) -> Result<Option<(Finished, bool)>, VmError> {
    let checkpoint = match begin(launch, item, store, notes)? {
        Start::Checkpoint(checkpoint) => checkpoint,
        Start::Ended(finished) => return Ok(Some((finished, true))),
        Start::Boot => return Ok(None),
    };
    match from(launch, item, &checkpoint) {
        Ok(finished) => Ok(Some((finished, false))),
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

/// How a guest starts.
pub(super) enum Start {
    /// From this checkpoint.
    Checkpoint(Checkpoint),
    /// It has already ended, during the boot for a checkpoint.
    Ended(Finished),
    /// By a boot; the last note says why.
    Boot,
}

/// Finds or makes the checkpoint of a guest.
pub(super) fn begin(
    launch: &Launch<'_>,
    item: &[u8],
    store: &Store,
    notes: &mut Vec<String>,
) -> Result<Start, VmError> {
    // QEMU does not save the state of `cxl-type3` (10.0.2: a decoder of a restored guest does not commit, ETIMEDOUT).
    if launch.machine.cxl {
        notes.push(CXL.to_owned());
        return Ok(Start::Boot);
    }
    let key = checkpoint::key::key(launch, item.len())?;
    loop {
        match store.find(&key)? {
            Lookup::Intact(found) => return Ok(Start::Checkpoint(found)),
            Lookup::Damaged(why) => {
                notes.push(format!("the checkpoint {key} is damaged and made anew: {why}"));
            }
            Lookup::Missing => {}
        }
        match Making::begin(store, &key).map(|making| making.map(|making| make(launch, item, making))) {
            // It is there by now.
            Ok(None | Some(Ok(BootResult::Saved))) => {}
            Ok(Some(Ok(BootResult::Ended(finished)))) => return Ok(Start::Ended(finished)),
            Ok(Some(Err(error))) | Err(error) if error.is_interrupt() => return Err(error),
            Ok(Some(Err(error))) | Err(error) => {
                notes.push(format!("no checkpoint could be saved, so the guest was booted: {error}"));
                return Ok(Start::Boot);
            }
        }
    }
}

/// Boots a guest and runs it.
fn boot(launch: &Launch<'_>, item: &[u8]) -> Result<Finished, VmError> {
    let folder = prepare(launch, item)?;
    let started = start::through_vng(launch, launch.machine, folder.path(), ResultsPort::Connected)?;
    let at_ready_point: AtReadyPoint<'_> = Box::new(|qmp| {
        save::go_on(qmp)?;
        Ok(true)
    });
    match follow(launch, &folder, started, &[], Phase::Boot { at_ready_point })? {
        Watched::Ended(finished) => Ok(finished),
        Watched::LeftStopped => Err(VmError::NoCheckpoint("the guest was left stopped".to_owned())),
    }
}

/// The result of a boot for a checkpoint.
enum BootResult {
    /// The checkpoint is there.
    Saved,
    /// The guest ended before its ready point.
    Ended(Finished),
}

/// Boots a guest whose memory is in files, saves it at its ready point and ends it there.
fn make(launch: &Launch<'_>, item: &[u8], making: Making) -> Result<BootResult, VmError> {
    let folder = prepare(launch, item)?;
    making.check_space(launch.machine)?;
    for memory in &launch.machine.memories {
        link(&making.ram(memory)?, &folder.path().join(ram::file(memory)))?;
    }
    let machine = ram::shared(launch.machine, folder.path());
    let started = start::through_vng(launch, &machine, folder.path(), ResultsPort::Unconnected)?;
    let argv = started.argv.clone();
    let state = folder.path().join(file::STATE);
    // By a link: the path of the cache may have characters that are special in QEMU's addresses.
    link(&making.state(), &state)?;
    let at_ready_point: AtReadyPoint<'_> = Box::new(|qmp| {
        save::save(qmp, &state)?;
        Ok(false)
    });
    match follow(launch, &folder, started, &[], Phase::Boot { at_ready_point })? {
        Watched::LeftStopped => publish(launch, &folder, making, &argv).map(|()| BootResult::Saved),
        // It went past its ready point, and cannot send its results.
        Watched::Ended(Finished { ending: Ending::RanOut { clock: Clock::Shutdown, .. }, .. }) => {
            Err(VmError::NoCheckpoint("the guest did not stop at its ready point".to_owned()))
        }
        Watched::Ended(finished) => Ok(BootResult::Ended(finished)),
    }
}

fn publish(launch: &Launch<'_>, folder: &RunFolder, making: Making, argv: &[String]) -> Result<(), VmError> {
    let console = fs::read(launch.results.join(CONSOLE_LOG))?;
    let describe = format!("{} on {}", launch.plan.scenario, launch.describe);
    let memories = &launch.machine.memories;
    let argv = ram::private(argv, memories, folder.path());
    Ok(making.publish(&argv, &folder.path().to_string_lossy(), memories, &console, &describe)?)
}

/// Why a guest could not be run from a checkpoint.
enum RestoreError {
    /// QEMU does not accept it; a boot may succeed.
    Refused(VmError),
    /// The run itself failed.
    Failed(VmError),
}

/// Starts from a checkpoint and runs the guest on.
fn from(launch: &Launch<'_>, item: &[u8], checkpoint: &Checkpoint) -> Result<Finished, RestoreError> {
    let Restored { folder, started, qmp, .. } =
        restore(launch, item, checkpoint, false).map_err(|error| match error.is_interrupt() {
            true => RestoreError::Failed(error),
            false => RestoreError::Refused(error),
        })?;
    let phase = Phase::Scenario { stopped: qmp };
    match follow(launch, &folder, started, &checkpoint.console, phase).map_err(RestoreError::Failed)? {
        Watched::Ended(finished) => Ok(finished),
        Watched::LeftStopped => Err(RestoreError::Failed(VmError::NoCheckpoint(
            "the guest stopped at its ready point again".to_owned(),
        ))),
    }
}

/// A guest that is stopped at its ready point.
pub(super) struct Restored {
    pub folder: RunFolder,
    pub started: Started,
    pub qmp: Qmp,
    /// The gdb stub, if it is wanted.
    pub gdb: Option<Gdb>,
}

/// Starts QEMU from a checkpoint, with a gdb stub if it is `debugged`, and leaves the guest stopped.
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
        argv.extend(start::gdb_arguments(place));
    }
    let started = start::directly(launch, place, &argv)?;
    let mut qmp = Qmp::connect(&place.join(file::QMP))?;
    // Before the guest is restored: QEMU would stop it for a new debugger.
    let gdb =
        debugged.then(|| start::connect(place, file::GDB, "gdb")).transpose()?.map(Gdb::new).transpose()?;
    save::restore(&mut qmp, &state)?;
    Ok(Restored { folder, started, qmp, gdb })
}

/// Follows a guest to its end. `before` is the console's output before the checkpoint.
fn follow(
    launch: &Launch<'_>,
    folder: &RunFolder,
    started: Started,
    before: &[u8],
    phase: Phase<'_>,
) -> Result<Watched, VmError> {
    let Started { mut process, results, console, pid, parent, .. } = started;
    let (sender, events) = mpsc::channel();
    let log = launch.results.join(CONSOLE_LOG);
    guest_state::discard(launch.results)?;
    let hung = Hung {
        results: launch.results.to_owned(),
        scratch: folder.path().to_owned(),
        system_map: launch.system_map.clone(),
    };
    let console = console::listen(console, &log, before, sender)?;
    let (delivery, deliveries) = mpsc::channel();
    let place = launch.results.to_owned();
    let receiver = results.map(|results| {
        std::thread::spawn(move || {
            // The watch may be over already.
            let _ = delivery.send(results::receive(&results, &place));
            results::wait_for_end(&results);
        })
    });
    let socket = folder.path().join(file::QMP);
    let qemu = WatchedQemu { group: &mut process.group, parent, pid, socket, hung };
    let watched = Watch::new(qemu, launch.clocks, events, deliveries).run(phase);
    process.end()?;
    // QEMU has ended, and so do all channels and threads.
    console.wait();
    let _ = receiver.map(JoinHandle::join);
    if let Ok(Watched::Ended(Finished { state: Some(state), .. })) = &watched {
        state.store(launch.results)?;
    }
    watched.map_err(|error| with_last_lines(error, &launch.results.join(VNG_LOG)))
}

/// The error with what QEMU printed, which is complete now.
fn with_last_lines(error: VmError, log: &Path) -> VmError {
    match (error, start::last_lines(log)) {
        (VmError::QemuEnded { moment, how, .. }, lines) if !lines.is_empty() => {
            let lines = format!("; the last lines of {} are:\n{lines}", shown(log));
            VmError::QemuEnded { moment, how, lines }
        }
        (error, _) => error,
    }
}

fn prepare(launch: &Launch<'_>, item: &[u8]) -> Result<RunFolder, VmError> {
    let folder = RunFolder::new()?;
    let place = folder.path();
    fs::write(place.join(file::INITRD), initramfs::archive(launch.agent)?)?;
    fs::write(place.join(file::PLAN), item)?;
    // A link, so that the path of the kernel may have any name.
    link(&fs::canonicalize(launch.bzimage)?, &place.join(file::KERNEL))?;
    Ok(folder)
}

fn link(from: &Path, to: &Path) -> Result<(), VmError> {
    Ok(fs::os::unix::fs::symlink(from, to)?)
}
