//! The ready point: the machine stops itself there, so that the host can save it.
//!
//! A stop that the host asks for comes at a moment of the host's choice, and no two saved guests would be
//! alike. Here the guest arms the watchdog card that virtme-ng gives every machine (i6300esb, QEMU's
//! `hw/watchdog/wdt_i6300esb.c`) and sleeps; QEMU runs with `-action watchdog=pause`. The card's timer is
//! one of virtual time, and with the CPU idle it fires in QEMU's main loop, which stops the machine before
//! the CPU can run again: always at the same instruction. What stops a CPU from inside (a pvpanic port, a
//! breakpoint) does not do: it counts as idle while the machine still runs, and the clock may jump.

use super::{Failure, clock, files};
use damonlab_guest::units::Nanos;
use nix::sys::mman::{MapFlags, ProtFlags, mmap};
use std::fs::{File, OpenOptions};
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const DEVICES: &str = "/sys/bus/pci/devices";
/// Vendor and device.
const CARD: (&str, &str) = ("0x8086", "0x25ab");

/// Configuration space: what expiry does and how fast the timer counts; the switch.
const CONFIG: (u64, [u8; 2]) = (0x60, (COUNT_MICROSECONDS | NO_INTERRUPT).to_le_bytes());
const SWITCH_ON: (u64, [u8; 1]) = (0x68, [1 << 1]);
const COUNT_MICROSECONDS: u16 = 1 << 2;
/// QEMU can send none, and says so on its standard error for the other types.
const NO_INTERRUPT: u16 = 1;

/// Registers, as words of the card's memory.
const TIMER_1: usize = 0;
const TIMER_2: usize = 1;
const RELOAD: usize = 3;
/// Both, in this order, before each write to a timer.
const UNLOCK: [u32; 2] = [0x80, 0x86];

/// Until what the boot has left to do is done: the CPU must be idle when the card fires.
const SETTLE: Nanos = Nanos(200_000_000);
/// A unit is 960 ns.
const FIRST_STAGE: u32 = 1;
const SECOND_STAGE: u32 = 10_000;
/// Well past both stages.
const SLEEP: Nanos = Nanos(40_000_000);

/// Stops the machine once, if it has the card; goes on when the host lets it.
pub fn stop_here() -> Result<(), Failure> {
    clock::sleep(SETTLE);
    if let Some(card) = card() {
        arm(&card)?;
    }
    clock::sleep(SLEEP);
    Ok(())
}

fn card() -> Option<PathBuf> {
    let is =
        |device: &Path, file: &str, id: &str| files::read_line(device.join(file)).is_ok_and(|is| is == id);
    files::names(DEVICES)
        .iter()
        .map(|name| Path::new(DEVICES).join(name))
        .find(|device| is(device, "vendor", CARD.0) && is(device, "device", CARD.1))
}

fn arm(card: &Path) -> Result<(), Failure> {
    let open = |name: &str| {
        let path = card.join(name);
        let file = OpenOptions::new().read(true).write(true).open(&path);
        file.map_err(|error| files::FileError::new("open", &path, &error))
    };
    files::write(card.join("enable"), "1")?;
    set_timers(&open("resource0")?)?;
    let config = open("config")?;
    config.write_all_at(&CONFIG.1, CONFIG.0)?;
    config.write_all_at(&SWITCH_ON.1, SWITCH_ON.0)?;
    Ok(())
}

fn set_timers(memory: &File) -> Result<(), Failure> {
    let page = NonZeroUsize::MIN.saturating_add(4095);
    #[expect(unsafe_code, reason = "registers are written through a mapping")]
    // SAFETY: the kernel maps the card's one page; the registers lie in its first 16 bytes, aligned. The
    // mapping stays: this happens once.
    unsafe {
        let base =
            mmap(None, page, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_SHARED, memory, 0)?
                .cast::<u32>();
        for (timer, value) in [(TIMER_1, FIRST_STAGE), (TIMER_2, SECOND_STAGE)] {
            for word in UNLOCK {
                base.add(RELOAD).write_volatile(word);
            }
            base.add(timer).write_volatile(value);
        }
    }
    Ok(())
}
