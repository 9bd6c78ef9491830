//! Asks the guest's kernel about its tasks: a break and a letter on its serial console (`Documentation/admin-guide/sysrq.rst`).
//!
//! The kernel answers from its interrupt handler, so it does unless interrupts are off. The letter is put into the serial
//! port by the port itself, in loopback mode: under `rr=record` QEMU (10.0.2) does not deliver what is written to the
//! console's socket while the guest is idle.

use crate::vm::qmp::Qmp;
use crate::vm::save;
use serde_json::json;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// The console's name in QEMU.
const CONSOLE: &str = "damonlab-console";

/// The ports of ttyS1: its data, and its modem control register.
const DATA: u16 = 0x2f8;
const CONTROL: u16 = 0x2fc;
/// The bit of loopback mode in the latter.
const LOOPBACK: u8 = 1 << 4;

/// All messages of the kernel go to the console.
pub(super) const ALL_MESSAGES: u8 = b'9';
/// The state and the stack of every task.
pub(super) const TASKS: u8 = b't';
/// The locks that are held, of a kernel with lockdep.
pub(super) const LOCKS: u8 = b'd';

/// The whole kernel log again, of kernels since 6.16.
pub(super) const LOG: u8 = b'R';

/// The kernel answers when it has run for a moment; on a busy host that takes longer.
const FIRST_WORD: Duration = Duration::from_secs(2);
/// An answer has ended when the console was silent for so long.
const SILENCE: Duration = Duration::from_millis(400);
const STEP: Duration = Duration::from_millis(5);

/// The log of what the guest prints.
pub(super) struct Console<'a>(pub &'a Path);

impl Console<'_> {
    /// How much the guest has printed.
    pub fn length(&self) -> u64 {
        self.0.metadata().map_or(0, |meta| meta.len())
    }

    /// Waits until the console is silent, and `until` at most. Returns whether it printed anything.
    fn wait(&self, before: u64, until: Instant) -> bool {
        let first = (Instant::now() + FIRST_WORD).min(until);
        let (mut length, mut since) = (before, Instant::now());
        loop {
            let now = Instant::now();
            let found = self.length();
            if found != length {
                (length, since) = (found, now);
            }
            let silent = length != before && now.duration_since(since) > SILENCE;
            if silent || now > until || (length == before && now > first) {
                return length != before;
            }
            std::thread::sleep(STEP);
        }
    }
}

/// Sends one letter to a stopped guest and lets it run until it has answered, and `until` at most. It runs afterwards.
/// Returns whether it answered.
pub(super) fn press(qmp: &mut Qmp, console: &Console<'_>, letter: u8, until: Instant) -> io::Result<bool> {
    let before = console.length();
    // Both while the guest stands: the kernel takes a letter within five seconds of a break, and the time of an idle guest
    // flies.
    qmp.execute("chardev-send-break", json!({"id": CONSOLE}))?;
    let control = control(&qmp.monitor(&format!("i /b {CONTROL:#x}"))?)
        .ok_or_else(|| io::Error::other("QEMU does not show the guest's serial port"))?;
    for (port, value) in [(CONTROL, control | LOOPBACK), (DATA, letter), (CONTROL, control)] {
        qmp.monitor(&format!("o /b {port:#x} {value:#x}"))?;
    }
    save::go_on(qmp)?;
    Ok(console.wait(before, until))
}

/// The value in `portb[0x02fc] = 0x0b`.
fn control(answer: &str) -> Option<u8> {
    u8::from_str_radix(answer.split_once("= 0x")?.1.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_of_a_port_is_read() {
        assert_eq!(control("portb[0x02fc] = 0x0b\r\n"), Some(0x0b));
        for answer in ["", "portb[0x02fc] = 0x", "unknown command: 'i'", "= 0x100"] {
            assert_eq!(control(answer), None, "{answer}");
        }
    }
}
