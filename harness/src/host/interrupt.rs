//! Ctrl-C and `kill`, as a flag that every waiting loop checks.
//!
//! The first signal asks for an orderly end: loops return [`Interrupted`], guards kill their
//! children, temporary folders go. The second ends the process at once; the watchdogs of
//! [`super::process`] still take the children along.

use super::fault::{Fault, Faulty};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

static STOP: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// The user asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

impl Faulty for Interrupted {
    fn fault(&self) -> Fault {
        Fault::Interrupted
    }
}

/// Begins to listen for SIGINT, SIGTERM and SIGHUP. Later calls change nothing.
pub fn listen() -> io::Result<()> {
    let flag = Arc::new(AtomicBool::new(false));
    if STOP.set(Arc::clone(&flag)).is_err() {
        return Ok(());
    }
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
        // Order matters: the exit is registered first, so it sees the flag as it was before this signal.
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&flag))?;
        signal_hook::flag::register(signal, Arc::clone(&flag))?;
    }
    Ok(())
}

/// Fails once the user has asked to stop.
pub fn check() -> Result<(), Interrupted> {
    match STOP.get() {
        Some(flag) if flag.load(Ordering::SeqCst) => Err(Interrupted),
        _ => Ok(()),
    }
}
