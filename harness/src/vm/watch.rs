//! The watch over a running guest: console, results, process and clocks in one race.
//!
//! The order in which things are believed: what arrived whole and checked; then a panic; then the
//! end of QEMU; then a clock.

use super::VmError;
use super::console::Heard;
use super::qmp::Qmp;
use crate::host::interrupt;
use crate::host::process::Group;
use crate::scenario::Clocks;
use damonlab_guest::wire::WireError;
use std::fmt;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How often interrupts and clocks are looked at.
const TICK: Duration = Duration::from_millis(20);

/// The clocks of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// From the start of QEMU to the agent's ready mark.
    Boot,
    /// From there to the end of the plan.
    Scenario,
    /// From there to the last byte of the results, and again from there to QEMU's end.
    Shutdown,
    /// Over all of them.
    Hard,
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Clock::Boot => "boot",
            Clock::Scenario => "scenario",
            Clock::Shutdown => "shutdown",
            Clock::Hard => "hard",
        })
    }
}

/// How a guest ended.
#[derive(Debug)]
pub enum Ending {
    /// Everything arrived, was checked and acknowledged.
    Delivered,
    /// The kernel panicked, with its reason.
    Panicked(String),
    /// QEMU ended and no results had come.
    Lost {
        /// Which clock was running: the phase in which it was lost.
        during: Clock,
    },
    /// A clock ran out.
    RanOut {
        /// Which.
        clock: Clock,
        /// Its limit.
        limit: Duration,
        /// What QEMU said it was doing.
        status: String,
    },
    /// The guest printed without end.
    Babble,
    /// The results were damaged, too large, or not ours.
    BadResults(WireError),
}

/// Everything that is looked at.
pub(super) struct Watch<'a> {
    pub group: &'a mut Group,
    pub hearing: Receiver<Heard>,
    pub telling: Receiver<Result<(), WireError>>,
    pub qmp: PathBuf,
    pub clocks: &'a Clocks,
    pub started: Instant,
}

impl Watch<'_> {
    /// Waits for the ending. The caller kills what is left.
    pub(super) fn run(mut self) -> Result<Ending, VmError> {
        let mut phase = Clock::Boot;
        let mut phase_start = self.started;
        loop {
            interrupt::check()?;
            if let Some(ending) = self.results()? {
                return Ok(ending);
            }
            match self.hearing.recv_timeout(TICK) {
                Ok(Heard::Ready) => (phase, phase_start) = (Clock::Scenario, Instant::now()),
                Ok(Heard::Draining) => (phase, phase_start) = (Clock::Shutdown, Instant::now()),
                Ok(Heard::Panic(reason)) => return self.last_words(Ending::Panicked(reason)),
                Ok(Heard::TooMuch) => return Ok(Ending::Babble),
                Ok(Heard::NotLogged) => {
                    let cause = std::io::Error::other(format!("cannot write {}", super::CONSOLE_LOG));
                    return Err(cause.into());
                }
                Ok(Heard::End) | Err(RecvTimeoutError::Disconnected) => {
                    return self.after_the_end(phase);
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Some((clock, limit)) = self.ran_out(phase, phase_start) {
                let status = self.status();
                return Ok(Ending::RanOut { clock, limit, status });
            }
        }
    }

    /// The results, if they came; waits for the power-off that follows a good delivery.
    fn results(&mut self) -> Result<Option<Ending>, VmError> {
        match self.telling.try_recv() {
            Ok(Ok(())) => {
                let limit = self.clocks.shutdown;
                if self.wait_for_exit(limit)? {
                    return Ok(Some(Ending::Delivered));
                }
                let status = self.status();
                Ok(Some(Ending::RanOut { clock: Clock::Shutdown, limit, status }))
            }
            Ok(Err(WireError::Store(cause))) => Err(cause.into()),
            // A channel that just ends says nothing: the console knows why the guest is gone.
            Ok(Err(WireError::Io(_))) | Err(_) => Ok(None),
            Ok(Err(error)) => Ok(Some(Ending::BadResults(error))),
        }
    }

    /// The console has ended, hence QEMU; the results may have come in the same moment.
    fn after_the_end(&mut self, phase: Clock) -> Result<Ending, VmError> {
        let until = Instant::now() + Duration::from_secs(5);
        while Instant::now() < until {
            match self.telling.recv_timeout(TICK) {
                Ok(Ok(())) => return Ok(Ending::Delivered),
                Ok(Err(WireError::Store(cause))) => return Err(cause.into()),
                Ok(Err(WireError::Io(_))) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(Err(error)) => return Ok(Ending::BadResults(error)),
                Err(RecvTimeoutError::Timeout) => interrupt::check()?,
            }
        }
        Ok(Ending::Lost { during: phase })
    }

    /// After a panic the kernel still prints its trace; `panic=-1` then ends QEMU.
    fn last_words(&mut self, ending: Ending) -> Result<Ending, VmError> {
        self.wait_for_exit(Duration::from_secs(10))?;
        Ok(ending)
    }

    /// Whether QEMU ended by itself within `limit`. The caller's caller kills what did not.
    fn wait_for_exit(&mut self, limit: Duration) -> Result<bool, VmError> {
        let until = Instant::now() + limit;
        while Instant::now() < until && self.group.try_wait()?.is_none() {
            interrupt::check()?;
            std::thread::sleep(TICK);
        }
        Ok(self.group.try_wait()?.is_some())
    }

    fn ran_out(&self, phase: Clock, phase_start: Instant) -> Option<(Clock, Duration)> {
        let limit = match phase {
            Clock::Boot => self.clocks.boot,
            Clock::Scenario => self.clocks.scenario,
            Clock::Shutdown | Clock::Hard => self.clocks.shutdown,
        };
        if phase_start.elapsed() > limit {
            return Some((phase, limit));
        }
        let hard = self.clocks.hard();
        (self.started.elapsed() > hard).then_some((Clock::Hard, hard))
    }

    fn status(&self) -> String {
        Qmp::connect(&self.qmp)
            .and_then(|mut qmp| qmp.status())
            .unwrap_or_else(|cause| format!("not answering ({cause})"))
    }
}
