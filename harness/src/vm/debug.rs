//! Stops a guest at a given guest time, for a debugger.
//!
//! A breakpoint stops a guest too, but then its clock jumps to the next timer (QEMU counts a stopped CPU as idle while the
//! machine still runs), so all but the first stop at times that differ from the recording. Here the machine's watchdog card
//! is armed while the guest is stopped at its ready point. The guest does not notice it, and follows the recording until
//! the card stops it.

use super::checkpoint::Store;
use super::console::{self, Logged};
use super::error::VmError;
use super::gdb::Gdb;
use super::guest::{self, Restored, Start};
use super::launch::Launch;
use super::log_files::CONSOLE_LOG;
use super::qmp::Qmp;
use super::run_folder::{RunFolder, file};
use super::start::Started;
use super::{plan, results, save};
use crate::host::interrupt;
use damonlab_protocol::units::Nanos;
use damonlab_protocol::watchdog_card::{self as card, Scale};
use serde_json::{Value, json};
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

const STEP: Duration = Duration::from_millis(5);

/// A stopped guest and its QEMU. Dropping it ends both.
pub struct Stopped {
    socket: PathBuf,
    started: Started,
    qmp: Qmp,
    listeners: (Logged, JoinHandle<()>),
    _folder: RunFolder,
}

impl Stopped {
    /// Where a debugger connects: `target remote SOCKET`.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Lets the guest run on, with no debugger.
    pub fn go_on(&mut self) -> Result<(), VmError> {
        Ok(save::go_on(&mut self.qmp)?)
    }

    /// Waits until QEMU has ended, whatever the debugger does. A guest that ran to its end has left its results beside its
    /// logs.
    ///
    /// # Errors
    /// The user interrupted the wait.
    pub fn wait(mut self) -> Result<(), VmError> {
        while self.started.process.group.try_wait()?.is_none() {
            interrupt::check()?;
            std::thread::sleep(STEP);
        }
        let (console, results) = self.listeners;
        console.wait();
        let _ = results.join();
        Ok(())
    }
}

/// Starts the guest of `launch` from its checkpoint, which is made if it is missing, and stops it `after` its ready point,
/// up to a millisecond earlier.
///
/// # Errors
/// The machine cannot have a checkpoint, or the guest ended before.
pub fn stop_after(launch: &Launch<'_>, store: &Store, after: Nanos) -> Result<Stopped, VmError> {
    let item = plan::item(launch.plan)?;
    let mut notes = Vec::new();
    let checkpoint = match guest::begin(launch, &item, store, &mut notes)? {
        Start::Checkpoint(checkpoint) => checkpoint,
        Start::Ended(_) | Start::Boot => {
            let why = notes.pop().unwrap_or_else(|| "the guest did not reach its ready point".to_owned());
            return Err(VmError::NoCheckpoint(why));
        }
    };
    let Restored { folder, mut started, mut qmp, gdb } = guest::restore(launch, &item, &checkpoint, true)?;
    let gdb = gdb.ok_or_else(|| io::Error::other("QEMU has no gdb stub"))?;
    arm_card(&mut qmp, gdb, after)?;
    let listeners = listen(launch, &mut started)?;
    save::go_on(&mut qmp)?;
    while qmp.status()? != save::AT_READY_POINT {
        interrupt::check()?;
        if started.process.group.try_wait()?.is_some() {
            return Err(VmError::NoCheckpoint("the guest ended before that time".to_owned()));
        }
        std::thread::sleep(STEP);
    }
    Ok(Stopped { socket: folder.path().join(file::GDB), started, qmp, listeners, _folder: folder })
}

/// Reads what the guest prints and sends: otherwise it would wait.
fn listen(launch: &Launch<'_>, started: &mut Started) -> Result<(Logged, JoinHandle<()>), VmError> {
    let (events, _) = mpsc::channel();
    let stream = started.console.try_clone()?;
    let console = console::listen(stream, &launch.results.join(CONSOLE_LOG), &[], events)?;
    let results = started.results.as_ref().map(UnixStream::try_clone).transpose()?;
    let place = launch.results.to_owned();
    // Errors in them do not matter here.
    let results = std::thread::spawn(move || drop(results.map(|results| results::receive(&results, &place))));
    Ok((console, results))
}

/// Arms the card of a stopped guest: its registers through the gdb stub, its configuration space through the ports of the
/// PCI host bridge (mechanism #1 of the PCI specification).
fn arm_card(qmp: &mut Qmp, mut gdb: Gdb, after: Nanos) -> Result<(), VmError> {
    let timers = card::timers(Scale::Coarse, after).ok_or_else(|| {
        VmError::NoCheckpoint("that time is not between 2 ms and 34 min after the start".to_owned())
    })?;
    let place = find_card(&qmp.execute("query-pci", json!({}))?)
        .ok_or_else(|| io::Error::other("the machine has no watchdog card"))?;
    for (timer, value) in card::TIMERS.into_iter().zip(timers) {
        for value in card::UNLOCK {
            gdb.write(place.memory + card::RELOAD, value)?;
        }
        gdb.write(place.memory + timer, value)?;
    }
    for (register, size, value) in
        [(card::CONFIG, 'h', u32::from(Scale::Coarse.config())), (card::SWITCH, 'b', u32::from(card::ON))]
    {
        let address = place.configuration | u32::from(register);
        monitor(qmp, &format!("o /w 0xcf8 {address:#x}"))?;
        monitor(qmp, &format!("o /{size} {:#x} {value:#x}", 0xcfc + (register & 3)))?;
    }
    Ok(())
}

fn monitor(qmp: &mut Qmp, line: &str) -> io::Result<()> {
    match qmp.monitor(line)?.trim() {
        "" => Ok(()),
        error => Err(io::Error::other(format!("QEMU's answer to '{line}': {error}"))),
    }
}

/// The place of the card.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Its registers in memory.
    memory: u64,
    /// The address of its configuration space, for the port 0xcf8.
    configuration: u32,
}

/// The card in the answer to `query-pci`.
pub(super) fn find_card(buses: &Value) -> Option<Place> {
    let devices = buses.as_array()?.iter().flat_map(|bus| bus["devices"].as_array()).flatten();
    let mut cards = devices.filter(|device| {
        let id = &device["id"];
        (id["vendor"].as_u64(), id["device"].as_u64()) == (Some(card::ID.0.into()), Some(card::ID.1.into()))
    });
    let device = cards.next()?;
    let number = |name: &str| device[name].as_u64().and_then(|number| u32::try_from(number).ok());
    let (bus, slot, function) = (number("bus")?, number("slot")?, number("function")?);
    Some(Place {
        memory: device["regions"][0]["address"].as_u64()?,
        configuration: 1 << 31 | bus << 16 | slot << 11 | function << 8,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_card_is_found_by_its_id_in_any_slot() {
        let bridge = json!({"bus": 0, "slot": 0, "function": 0, "id": {"vendor": 0x8086, "device": 0x29c0}});
        let card = json!({"bus": 0, "slot": 4, "function": 0, "id": {"vendor": 0x8086, "device": 0x25ab},
                          "regions": [{"bar": 0, "address": 0xfebd_5000_u64}]});
        let found = find_card(&json!([{"bus": 0, "devices": [bridge, card]}])).unwrap();
        assert_eq!(found, Place { memory: 0xfebd_5000, configuration: 0x8000_2000 });
        assert_eq!(find_card(&json!([{"bus": 0, "devices": []}])), None);
    }
}
