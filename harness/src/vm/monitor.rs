//! The monitor of a watched QEMU over the whole run: connected from the beginning, so that QEMU announces on it why it ends.

use super::error::VmError;
use super::qmp::{Qmp, Shutdown};
use crate::host::interrupt;
use crate::host::process::Group;
use std::io;
use std::path::PathBuf;

/// How many commands a monitor may leave unanswered, each for seconds.
const ATTEMPTS: usize = 6;

/// Why QEMU ends when the guest powers off (`SHUTDOWN_CAUSE_GUEST_SHUTDOWN` of QMP).
const POWERED_OFF: &str = "guest-shutdown";

/// A monitor, which accepts one connection.
pub(super) struct Monitor {
    socket: PathBuf,
    /// None only while QEMU does not answer.
    qmp: Option<Qmp>,
    /// How many commands in a row had no answer in time.
    unanswered: usize,
}

impl Monitor {
    /// Not connected yet.
    pub(super) fn at(socket: PathBuf) -> Monitor {
        Monitor { socket, qmp: None, unanswered: 0 }
    }

    /// Connects. A QEMU that has just ended does not answer, and one on a busy host takes its time.
    pub(super) fn connect(&mut self, qemu: &mut Group) -> Result<(), VmError> {
        for _ in 0..ATTEMPTS {
            interrupt::check()?;
            if self.qmp().is_ok() || qemu.try_wait()?.is_some() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Takes a connection that exists.
    pub(super) fn insert(&mut self, qmp: Qmp) -> &mut Qmp {
        self.qmp.insert(qmp)
    }

    /// The connection, made now or before.
    pub(super) fn qmp(&mut self) -> io::Result<&mut Qmp> {
        match &mut self.qmp {
            Some(qmp) => Ok(qmp),
            none => Ok(none.insert(Qmp::connect(&self.socket)?)),
        }
    }

    /// The state of the machine.
    pub(super) fn status(&mut self) -> io::Result<String> {
        let status = self.qmp().and_then(Qmp::status);
        self.unanswered = match &status {
            Err(cause) if cause.kind() == io::ErrorKind::TimedOut => self.unanswered + 1,
            _ => 0,
        };
        status
    }

    /// The state of the machine; none from a QEMU that is about to end, and for now from one that is busy.
    ///
    /// # Errors
    /// It has not answered for so long that it hangs.
    pub(super) fn status_now(&mut self, moment: &'static str) -> Result<Option<String>, VmError> {
        match self.status() {
            Ok(status) => Ok(Some(status)),
            Err(cause) if self.unanswered >= ATTEMPTS => {
                Err(VmError::QemuHangs { moment, cause, asked: self.unanswered })
            }
            Err(_) => Ok(None),
        }
    }

    /// The state of the machine. A QEMU that is busy answers at last, and one that hangs never does.
    pub(super) fn answer(&mut self, moment: &'static str) -> Result<String, VmError> {
        for _ in 1..ATTEMPTS {
            interrupt::check()?;
            if let Some(status) = self.status_now(moment)? {
                return Ok(status);
            }
        }
        self.status().map_err(|cause| VmError::QemuHangs { moment, cause, asked: ATTEMPTS })
    }

    /// Why QEMU ended, if it announced it.
    pub(super) fn shutdown(&mut self) -> Option<Shutdown> {
        self.qmp.as_mut().and_then(Qmp::shutdown)
    }

    /// Whether QEMU has announced that the guest powered off: then only QEMU itself is left.
    pub(super) fn guest_is_off(&mut self) -> bool {
        self.shutdown().is_some_and(|end| end.guest && end.reason == POWERED_OFF)
    }
}
