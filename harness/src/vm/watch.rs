//! The watch over a running guest: console, results, process and clocks in one race.
//!
//! The order in which things are believed: what arrived whole and checked; then a panic; then the
//! end of QEMU; then a clock.

use super::console::Heard;
use super::error::VmError;
use super::log_files::CONSOLE_LOG;
use super::qmp::Qmp;
use super::save;
use crate::host::interrupt;
use crate::host::process::Group;
use crate::scenario::Clocks;
use damonlab_protocol::wire::WireError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How often interrupts and clocks are looked at.
const TICK: Duration = Duration::from_millis(5);

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

/// Where a guest is when the watch begins.
pub(super) enum Phase<'a> {
    /// It boots, and will stop at its ready point.
    Boot {
        /// What is to be done there.
        at_ready_point: AtReadyPoint<'a>,
    },
    /// It is stopped at its ready point.
    Scenario {
        /// The monitor of its QEMU.
        stopped: Qmp,
    },
}

/// Done at the ready point; says whether it let the guest go on.
pub(super) type AtReadyPoint<'a> = Box<dyn FnOnce(&mut Qmp) -> Result<bool, VmError> + 'a>;

/// What a watch saw.
pub(super) enum Watched {
    /// The guest's end.
    Ended(Ending),
    /// The guest is stopped at its ready point, and of no further use.
    LeftStopped,
}

/// Everything that is looked at.
pub(super) struct Watch<'a> {
    group: &'a mut Group,
    hearing: Receiver<Heard>,
    telling: Receiver<Result<(), WireError>>,
    socket: PathBuf,
    /// Connected when it is needed first.
    qmp: Option<Qmp>,
    clocks: &'a Clocks,
    started: Instant,
    phase: Clock,
    phase_start: Instant,
    at_ready_point: Option<AtReadyPoint<'a>>,
}

impl<'a> Watch<'a> {
    /// A watch over the guest of `group`, whose monitor is at `socket`.
    pub(super) fn new(
        group: &'a mut Group,
        socket: PathBuf,
        clocks: &'a Clocks,
        hearing: Receiver<Heard>,
        telling: Receiver<Result<(), WireError>>,
    ) -> Watch<'a> {
        let now = Instant::now();
        Watch {
            group,
            hearing,
            telling,
            socket,
            qmp: None,
            clocks,
            started: now,
            phase: Clock::Boot,
            phase_start: now,
            at_ready_point: None,
        }
    }

    /// Waits for the ending. The caller kills what is left.
    pub(super) fn run(mut self, from: Phase<'a>) -> Result<Watched, VmError> {
        match from {
            Phase::Boot { at_ready_point } => self.at_ready_point = Some(at_ready_point),
            Phase::Scenario { stopped } => {
                save::go_on(self.qmp.insert(stopped))?;
                self.enter(Clock::Scenario);
            }
        }
        loop {
            if let Some(ending) = self.look()? {
                return Ok(Watched::Ended(ending));
            }
            if self.is_left_stopped()? {
                return Ok(Watched::LeftStopped);
            }
        }
    }

    /// One look at everything, for a tick.
    fn look(&mut self) -> Result<Option<Ending>, VmError> {
        interrupt::check()?;
        if let Some(ending) = self.results()? {
            return Ok(Some(ending));
        }
        match self.hearing.recv_timeout(TICK) {
            Ok(Heard::Ready) => self.enter(Clock::Scenario),
            Ok(Heard::Draining) => self.enter(Clock::Shutdown),
            Ok(Heard::Panic(reason)) => return self.last_words(Ending::Panicked(reason)).map(Some),
            Ok(Heard::TooMuch) => return Ok(Some(Ending::Babble)),
            Ok(Heard::NotLogged) => {
                return Err(io::Error::other(format!("cannot write {}", CONSOLE_LOG)).into());
            }
            Ok(Heard::End) | Err(RecvTimeoutError::Disconnected) => return self.after_the_end().map(Some),
            Err(RecvTimeoutError::Timeout) => {}
        }
        let ran_out = self.ran_out();
        Ok(ran_out.map(|(clock, limit)| Ending::RanOut { clock, limit, status: self.status() }))
    }

    fn enter(&mut self, phase: Clock) {
        self.phase = phase;
        self.phase_start = Instant::now();
    }

    /// Between the agent's ready mark and its stop, which QEMU alone tells: looks for it, and acts there. A
    /// guest that has no watchdog card never stops, and is asked about until it drains.
    fn is_left_stopped(&mut self) -> Result<bool, VmError> {
        if self.phase != Clock::Scenario {
            return Ok(false);
        }
        let Some(act) = self.at_ready_point.take() else { return Ok(false) };
        // A QEMU that is on its way out does not answer; its end is heard elsewhere.
        if let Ok(qmp) = monitor(&mut self.qmp, &self.socket)
            && qmp.status().is_ok_and(|status| status == save::AT_READY_POINT)
        {
            let goes_on = act(qmp)?;
            self.enter(Clock::Scenario);
            return Ok(!goes_on);
        }
        self.at_ready_point = Some(act);
        Ok(false)
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
    fn after_the_end(&mut self) -> Result<Ending, VmError> {
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
        Ok(Ending::Lost { during: self.phase })
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

    fn ran_out(&self) -> Option<(Clock, Duration)> {
        let limit = match self.phase {
            Clock::Boot => self.clocks.boot,
            Clock::Scenario => self.clocks.scenario,
            Clock::Shutdown | Clock::Hard => self.clocks.shutdown,
        };
        if self.phase_start.elapsed() > limit {
            return Some((self.phase, limit));
        }
        let hard = self.clocks.hard();
        (self.started.elapsed() > hard).then_some((Clock::Hard, hard))
    }

    fn status(&mut self) -> String {
        monitor(&mut self.qmp, &self.socket)
            .and_then(Qmp::status)
            .unwrap_or_else(|cause| format!("not answering ({cause})"))
    }
}

/// QEMU's monitor, connected now or before: it takes one connection.
fn monitor<'q>(qmp: &'q mut Option<Qmp>, socket: &Path) -> io::Result<&'q mut Qmp> {
    match qmp {
        Some(qmp) => Ok(qmp),
        None => Ok(qmp.insert(Qmp::connect(socket)?)),
    }
}
