//! Saves a guest at its ready point, and restores it, over QMP.
//!
//! Memory is in files that the saved guest maps shared and later guests map privately, page by page as they need it
//! ([`super::ram`]); only the state of the devices is saved and read here, 200 KB. QEMU's migration cannot be used to save:
//! its thread reads the host's clock without the replay mutex and aborts in record mode (10.0.2, `replay_save_clock`).
//! `xen-save-devices-state` works in the main loop and writes the same sections, which QEMU reads as a migration without
//! memory. (`xen-load-devices-state` aborts in 10.0.2: `yank_unregister_instance`.)

use super::error::VmError;
use super::qmp::Qmp;
use crate::host::{interrupt, text};
use serde_json::{Value, json};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// Saving and restoring take a few milliseconds.
const PATIENCE: Duration = Duration::from_secs(60);
const STEP: Duration = Duration::from_millis(2);

/// QEMU's state of a guest that its watchdog card has stopped: it is at its ready point.
pub(super) const AT_READY_POINT: &str = "watchdog";

/// Further arguments of a QEMU that waits for a saved guest: it is stopped afterwards, and accepts sections that no
/// migration wrote.
pub(super) const INCOMING: &[&str] = &[
    "-S",
    "-incoming",
    "defer",
    "-global",
    "migration.send-configuration=off",
    "-machine",
    "suppress-vmdesc=on",
];

/// Saves the state of the devices of a stopped guest in `file`, which QEMU makes.
pub(super) fn save(qmp: &mut Qmp, file: &Path) -> io::Result<()> {
    qmp.execute("xen-save-devices-state", json!({"filename": file})).map(drop)
}

/// Restores the state in `file` in a QEMU that was started with [`INCOMING`]. The guest is left stopped.
pub(super) fn restore(qmp: &mut Qmp, file: &Path) -> Result<(), VmError> {
    // The results port must be open before the guest is restored: otherwise it would get the event later, at a time that
    // depends on the host.
    wait(|| Ok(all_connected(&qmp.execute("query-chardev", json!({}))?).then_some(())))?;
    qmp.execute("migrate-incoming", json!({"uri": format!("file:{}", file.to_string_lossy())}))?;
    wait(|| {
        let answer = qmp.execute("query-migrate", json!({}))?;
        match answer["status"].as_str() {
            Some("completed") => Ok(Some(())),
            Some("failed") => Err(io::Error::other(failure(&answer))),
            _ => Ok(None),
        }
    })?;
    wait(|| Ok((qmp.status()? != "inmigrate").then_some(())))
}

/// Lets a stopped guest run.
pub(super) fn go_on(qmp: &mut Qmp) -> io::Result<()> {
    qmp.execute("cont", json!({})).map(drop)
}

/// Whether no socket in the answer to `query-chardev` waits for a connection.
fn all_connected(chardevs: &Value) -> bool {
    let all = chardevs.as_array().map(Vec::as_slice).unwrap_or_default();
    let waits = |name: &Value| name.as_str().is_some_and(|name| name.starts_with("disconnected:"));
    !all.iter().any(|chardev| waits(&chardev["filename"]))
}

fn failure(answer: &Value) -> String {
    let why = answer["error-desc"].as_str().unwrap_or("without a reason");
    format!("QEMU cannot restore the guest: {}", text::quote(why))
}

/// Calls `poll` until it returns something.
fn wait(mut poll: impl FnMut() -> io::Result<Option<()>>) -> Result<(), VmError> {
    let until = Instant::now() + PATIENCE;
    while poll()?.is_none() {
        interrupt::check()?;
        if Instant::now() > until {
            let text = format!("QEMU was not done after {} s", PATIENCE.as_secs());
            return Err(io::Error::new(io::ErrorKind::TimedOut, text).into());
        }
        std::thread::sleep(STEP);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_without_a_connection_is_noticed() {
        let of = |name: &str| json!([{"label": "serial0", "filename": "file"}, {"filename": name}]);
        assert!(!all_connected(&of("disconnected:unix:/r/results.sock,server=on")));
        assert!(all_connected(&of("unix:/r/results.sock,server=on <-> peer")));
    }
}
