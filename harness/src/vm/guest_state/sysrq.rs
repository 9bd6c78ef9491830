//! Asks the guest's kernel about its tasks: a break and a letter on its serial console (`Documentation/admin-guide/sysrq.rst`).
//!
//! The kernel answers from its interrupt handler, so it does unless interrupts are off.

use crate::vm::qmp::Qmp;
use crate::vm::save;
use serde_json::json;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// The console's name in QEMU.
const CONSOLE: &str = "damonlab-console";

/// All messages of the kernel go to the console.
pub(super) const ALL_MESSAGES: u8 = b'9';
/// The state and the stack of every task.
pub(super) const TASKS: u8 = b't';
/// The locks that are held, of a kernel with lockdep.
pub(super) const LOCKS: u8 = b'd';

/// The kernel answers when it has run for a moment; on a busy host that takes longer.
const FIRST_WORD: Duration = Duration::from_secs(2);
/// An answer has ended when the console was silent for so long.
const SILENCE: Duration = Duration::from_millis(400);
const STEP: Duration = Duration::from_millis(5);

/// The two ends of a console: what is written to it, and the log of what the guest writes.
pub(super) struct Console<'a> {
    pub input: &'a UnixStream,
    pub log: &'a Path,
}

impl Console<'_> {
    /// How much the guest has printed.
    pub fn length(&self) -> u64 {
        self.log.metadata().map_or(0, |meta| meta.len())
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
    let mut input = console.input;
    input.write_all(&[letter])?;
    std::thread::sleep(STEP);
    save::go_on(qmp)?;
    Ok(console.wait(before, until))
}
