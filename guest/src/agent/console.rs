//! Lines on the console, and the power-off.

use damonlab_protocol::plan::ERROR_MARK;
use nix::sys::reboot::{RebootMode, reboot};
use std::fs::OpenOptions;
use std::io::Write;
use std::panic;

/// Writes one line in one write, so that the kernel's own lines do not land inside it.
pub fn line(text: &str) {
    let whole = format!("{text}\n");
    if let Ok(mut console) = OpenOptions::new().write(true).open("/dev/console") {
        // There is no other place to report that the console does not work.
        let _ = console.write_all(whole.as_bytes());
    }
}

/// Writes why the guest cannot go on: the first lines of the cause, each with the mark in front.
pub fn error(cause: &str) {
    for part in cause.lines().take(20) {
        line(&format!("{ERROR_MARK}{part}"));
    }
}

/// A panic of PID 1 would end in a kernel panic that hides its cause: write the cause and power off instead.
pub fn power_off_on_panic() {
    panic::set_hook(Box::new(|info| {
        error(&format!("the agent panicked: {info}"));
        power_off();
    }));
}

/// Syncs and powers off. Where the kernel cannot, PID 1 sleeps.
pub fn power_off() -> ! {
    nix::unistd::sync();
    let Err(errno) = reboot(RebootMode::RB_POWER_OFF);
    error(&format!("cannot power off: {errno}"));
    loop {
        nix::unistd::pause();
    }
}
