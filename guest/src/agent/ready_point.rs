//! The ready point: the machine stops itself there, so that the host can save it.
//!
//! A stop that the host asks for comes at a moment of the host's choice, and no two saved guests would be
//! alike. Here the guest arms the watchdog card that virtme-ng gives every machine (i6300esb, QEMU's
//! `hw/watchdog/wdt_i6300esb.c`) and sleeps; QEMU runs with `-action watchdog=pause`. The card's timer is
//! one of virtual time, and with the CPU idle it fires in QEMU's main loop, which stops the machine before
//! the CPU can run again: always at the same instruction. What stops a CPU from inside (a pvpanic port, a
//! breakpoint) does not do: it counts as idle while the machine still runs, and the clock may jump.

use super::failure::Failure;
use super::{clock, files};
use damonlab_protocol::units::Nanos;
use damonlab_protocol::watchdog_card::{self as card, Scale};
use nix::sys::mman::{MapFlags, ProtFlags, mmap};
use std::fs::{File, OpenOptions};
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const DEVICES: &str = "/sys/bus/pci/devices";

/// Until what the boot has left to do is done: the CPU must be idle when the card fires.
const SETTLE: Nanos = Nanos(200_000_000);
/// From arming the card to its firing.
const FUSE: Nanos = Nanos(9_600_960);
/// Well past it.
const SLEEP: Nanos = Nanos(40_000_000);

/// Stops the machine once, if it has the card; goes on when the host lets it. Gives back the moment of the
/// stop.
pub fn stop_here() -> Result<Option<Nanos>, Failure> {
    clock::sleep(SETTLE);
    let armed = find().map(|card| arm(&card)).transpose()?;
    clock::sleep(SLEEP);
    Ok(armed.map(|armed| Nanos(armed.0 + FUSE.0)))
}

fn find() -> Option<PathBuf> {
    let is = |device: &Path, file: &str, id: u16| {
        files::read_line(device.join(file)).is_ok_and(|is| is == format!("{id:#06x}"))
    };
    files::names(DEVICES)
        .iter()
        .map(|name| Path::new(DEVICES).join(name))
        .find(|device| is(device, "vendor", card::ID.0) && is(device, "device", card::ID.1))
}

/// Gives back when the card was switched on.
fn arm(device: &Path) -> Result<Nanos, Failure> {
    let open = |name: &str| {
        let path = device.join(name);
        let file = OpenOptions::new().read(true).write(true).open(&path);
        file.map_err(|error| files::FileError::new("open", &path, &error))
    };
    files::write(device.join("enable"), "1")?;
    set_timers(&open("resource0")?)?;
    let config = open("config")?;
    config.write_all_at(&Scale::Fine.config().to_le_bytes(), card::CONFIG.into())?;
    let now = clock::now();
    config.write_all_at(&[card::ON], card::SWITCH.into())?;
    Ok(now)
}

fn set_timers(memory: &File) -> Result<(), Failure> {
    let timers = card::timers(Scale::Fine, FUSE).ok_or("the watchdog card cannot wait so long")?;
    let page = NonZeroUsize::MIN.saturating_add(4095);
    #[expect(unsafe_code, reason = "registers are written through a mapping")]
    // SAFETY: the kernel maps the card's one page; the registers lie in its first 16 bytes, aligned. The
    // mapping stays: this happens once.
    unsafe {
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        let base = mmap(None, page, protection, MapFlags::MAP_SHARED, memory, 0)?.cast::<u8>();
        let write = |at: u64, word: u32| base.add(at as usize).cast::<u32>().write_volatile(word);
        for (timer, value) in card::TIMERS.into_iter().zip(timers) {
            card::UNLOCK.into_iter().for_each(|word| write(card::RELOAD, word));
            write(timer, value);
        }
    }
    Ok(())
}
