//! Watches a running guest: console, results, process and clocks.
//!
//! If several things happen at once, complete results win, then a panic, then the end of QEMU, then a clock.

use super::console::ConsoleEvent;
use super::error::VmError;
use super::guest_state::{self, Hung, Taken};
use super::host_time::HostTime;
use super::log_files::CONSOLE_LOG;
use super::monitor::Monitor;
use super::qemu_end::{self, EndedBy, Parent};
use super::qmp::Qmp;
use super::save;
use crate::host::interrupt;
use crate::host::process::Group;
use crate::recording::HostLoad;
use crate::scenario::Clocks;
use damonlab_protocol::wire::WireError;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How often interrupts and clocks are checked.
const TICK: Duration = Duration::from_millis(5);

/// How long QEMU and virtme-ng may take to end once the console has.
const EXIT_PATIENCE: Duration = Duration::from_secs(10);

/// States of the machine in which QEMU has stopped it for an error of QEMU or the host (`RunState` of QMP).
const QEMU_FAILED: &[&str] = &["internal-error", "io-error"];

/// The clocks of a run, which limit its phases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// From the start of QEMU to the agent's ready mark.
    Boot,
    /// From the ready mark to the end of the plan.
    Scenario,
    /// From the end of the plan to the last byte of the results, and again from there to the end of QEMU. Results that
    /// are complete are judged, whether QEMU ends or not.
    Shutdown,
    /// Over the whole run.
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

impl Clock {
    /// When something happened, while this clock ran.
    pub fn moment(self) -> &'static str {
        match self {
            Clock::Boot => "before the agent was ready",
            Clock::Scenario => "while the scenario ran",
            Clock::Shutdown | Clock::Hard => "while it sent the results",
        }
    }
}

/// How a guest ended.
#[derive(Debug)]
pub enum Ending {
    /// All results arrived, and were checked and acknowledged.
    Delivered,
    /// The kernel panicked, for this reason.
    Panicked(String),
    /// The guest ended QEMU without results.
    Lost {
        /// The phase in which it ended.
        during: Clock,
        /// How, as QEMU names it: `guest-reset`.
        reason: String,
    },
    /// A clock ran out.
    RanOut {
        /// The clock.
        clock: Clock,
        /// Its limit.
        limit: Duration,
        /// The state of the machine.
        status: String,
    },
    /// The guest printed without end.
    EndlessOutput,
    /// The results were damaged, too large, or in another format.
    BadResults(WireError),
}

/// The phase of a guest when the watch begins.
pub(super) enum Phase<'a> {
    /// It boots, and stops at its ready point.
    Boot {
        /// What to do there.
        at_ready_point: AtReadyPoint<'a>,
    },
    /// It is stopped at its ready point.
    Scenario {
        /// The monitor of QEMU.
        stopped: Qmp,
    },
}

/// Called at the ready point; returns whether the guest continues.
pub(super) type AtReadyPoint<'a> = Box<dyn FnOnce(&mut Qmp) -> Result<bool, VmError> + 'a>;

/// The result of a watch.
pub(super) enum Watched {
    /// The guest has ended.
    Ended(Finished),
    /// The guest is left stopped at its ready point, to be ended.
    LeftStopped,
}

/// A guest that has ended, and what its host gave it.
pub(super) struct Finished {
    pub ending: Ending,
    /// From the ready point to the end of the plan; none if it did not get there.
    pub load: Option<HostLoad>,
    /// How long damonlab or QEMU was stopped.
    pub stopped: Duration,
    /// What it did when its clock had run out.
    pub state: Option<Box<Taken>>,
}

/// The QEMU of a watch.
pub(super) struct WatchedQemu<'a> {
    pub group: &'a mut Group,
    pub parent: Parent,
    pub pid: i32,
    /// Its monitor.
    pub socket: PathBuf,
    /// How it is asked if it hangs.
    pub hung: Hung,
}

/// A watch over one guest.
pub(super) struct Watch<'a> {
    qemu: WatchedQemu<'a>,
    console: Receiver<ConsoleEvent>,
    deliveries: Receiver<Result<(), WireError>>,
    monitor: Monitor,
    clocks: &'a Clocks,
    time: HostTime,
    load: Option<HostLoad>,
    started: Instant,
    phase: Clock,
    phase_start: Instant,
    /// The time that no clock counted when the phase began.
    lost_before: Duration,
    at_ready_point: Option<AtReadyPoint<'a>>,
}

impl<'a> Watch<'a> {
    /// A watch over the guest of `qemu`.
    pub(super) fn new(
        qemu: WatchedQemu<'a>,
        clocks: &'a Clocks,
        console: Receiver<ConsoleEvent>,
        deliveries: Receiver<Result<(), WireError>>,
    ) -> Watch<'a> {
        let now = Instant::now();
        Watch {
            time: HostTime::new(qemu.pid, now),
            monitor: Monitor::at(qemu.socket.clone()),
            qemu,
            console,
            deliveries,
            clocks,
            load: None,
            started: now,
            phase: Clock::Boot,
            phase_start: now,
            lost_before: Duration::ZERO,
            at_ready_point: None,
        }
    }

    /// Waits for the ending. The caller kills the processes that are left.
    pub(super) fn run(mut self, from: Phase<'a>) -> Result<Watched, VmError> {
        match from {
            Phase::Boot { at_ready_point } => {
                self.at_ready_point = Some(at_ready_point);
                self.monitor.connect(self.qemu.group)?;
            }
            Phase::Scenario { stopped } => {
                save::go_on(self.monitor.insert(stopped))?;
                self.enter(Clock::Scenario);
            }
        }
        loop {
            if let Some(ending) = self.check()? {
                self.end_of_load();
                let (load, stopped, state) = (self.load, self.time.stopped(), self.state_after(&ending));
                return Ok(Watched::Ended(Finished { ending, load, stopped, state }));
            }
            if self.is_left_stopped()? {
                return Ok(Watched::LeftStopped);
            }
        }
    }

    /// Checks everything, for a tick at most.
    fn check(&mut self) -> Result<Option<Ending>, VmError> {
        interrupt::check()?;
        self.time.tick(Instant::now());
        // An error if the guest was ended because somebody killed its watchdog. The end of QEMU is noticed by its console.
        self.qemu.group.try_wait()?;
        if let Some(ending) = self.results()? {
            return Ok(Some(ending));
        }
        match self.console.recv_timeout(TICK) {
            Ok(ConsoleEvent::Ready) => self.enter(Clock::Scenario),
            Ok(ConsoleEvent::Draining) => self.enter(Clock::Shutdown),
            Ok(ConsoleEvent::Panic(reason)) => return self.after_panic(Ending::Panicked(reason)).map(Some),
            Ok(ConsoleEvent::TooMuchOutput) => return Ok(Some(Ending::EndlessOutput)),
            Ok(ConsoleEvent::NotLogged) => {
                return Err(io::Error::other(format!("cannot write {}", CONSOLE_LOG)).into());
            }
            Ok(ConsoleEvent::End) | Err(RecvTimeoutError::Disconnected) => {
                return self.after_the_end().map(Some);
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        // The wait may have been long, if damonlab was stopped.
        self.time.tick(Instant::now());
        match self.ran_out() {
            Some((clock, limit)) => self.after_clock(clock, limit).map(Some),
            None => Ok(None),
        }
    }

    fn enter(&mut self, phase: Clock) {
        let now = Instant::now();
        match phase {
            Clock::Scenario => self.time.measure(now),
            _ => self.end_of_load(),
        }
        self.phase = phase;
        self.phase_start = now;
        self.lost_before = self.time.lost();
    }

    /// Stores the load of the host, if the scenario runs.
    fn end_of_load(&mut self) {
        if self.phase == Clock::Scenario {
            self.load = Some(self.time.load(Instant::now()));
        }
    }

    /// After the agent's ready mark, polls QEMU until the guest is stopped, and acts then. A guest without a watchdog card
    /// never stops, and is polled until it drains.
    fn is_left_stopped(&mut self) -> Result<bool, VmError> {
        if self.phase != Clock::Scenario {
            return Ok(false);
        }
        let Some(act) = self.at_ready_point.take() else { return Ok(false) };
        // A QEMU that is about to end does not answer; its end is noticed elsewhere.
        if self.monitor.status_now(self.phase.moment())?.is_some_and(|status| status == save::AT_READY_POINT)
        {
            let continues = act(self.monitor.qmp()?)?;
            self.enter(Clock::Scenario);
            return Ok(!continues);
        }
        self.at_ready_point = Some(act);
        Ok(false)
    }

    /// The ending if the results have arrived, after the power-off that follows a complete delivery.
    fn results(&mut self) -> Result<Option<Ending>, VmError> {
        match self.deliveries.try_recv() {
            Ok(Ok(())) => {
                // QEMU's main loop decides which channels to poll when it wakes, and while it sleeps it may have left out
                // this one: the guest's opening of the port does not wake it. A command does, after the acknowledgement.
                let _ = self.monitor.status();
                let limit = self.clocks.shutdown;
                if self.wait_for_exit(limit)? || self.monitor.guest_is_off() {
                    return Ok(Some(Ending::Delivered));
                }
                // The guest has read the acknowledgement: its kernel hangs, or QEMU.
                self.after_clock(Clock::Shutdown, limit).map(Some)
            }
            Ok(Err(WireError::Store(cause))) => Err(cause.into()),
            // A channel that just ends is no ending: the console has the reason.
            Ok(Err(WireError::Io(_))) | Err(_) => Ok(None),
            Ok(Err(error)) => Ok(Some(Ending::BadResults(error))),
        }
    }

    /// The console has ended, hence QEMU; the results may arrive at the same time.
    fn after_the_end(&mut self) -> Result<Ending, VmError> {
        let until = Instant::now() + EXIT_PATIENCE;
        loop {
            // Before the next look: they count even if damonlab was stopped meanwhile.
            let late = Instant::now() > until;
            match self.deliveries.recv_timeout(TICK) {
                Ok(Ok(())) => return Ok(Ending::Delivered),
                Ok(Err(WireError::Store(cause))) => return Err(cause.into()),
                Ok(Err(WireError::Io(_))) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(Err(error)) => return Ok(Ending::BadResults(error)),
                Err(RecvTimeoutError::Timeout) if late => break,
                Err(RecvTimeoutError::Timeout) => interrupt::check()?,
            }
        }
        self.without_results()
    }

    /// QEMU has ended without results: the guest is lost, unless QEMU or the host ended it.
    fn without_results(&mut self) -> Result<Ending, VmError> {
        self.wait_for_exit(EXIT_PATIENCE)?;
        let status = self.qemu.group.try_wait()?;
        let shutdown = self.monitor.shutdown();
        let during = self.phase;
        match qemu_end::of(shutdown, status, self.qemu.parent) {
            EndedBy::Guest(reason) => Ok(Ending::Lost { during, reason }),
            EndedBy::Host(how) => {
                Err(VmError::QemuEnded { how, moment: during.moment(), lines: String::new() })
            }
        }
    }

    /// A clock has run out: the guest hangs, unless QEMU has given up or hangs itself.
    fn after_clock(&mut self, clock: Clock, limit: Duration) -> Result<Ending, VmError> {
        let status = self.monitor.answer(clock.moment())?;
        if QEMU_FAILED.contains(&status.as_str()) {
            return Err(VmError::QemuGaveUp { status, moment: clock.moment() });
        }
        Ok(Ending::RanOut { clock, limit, status })
    }

    /// The state of a guest that hangs. What has been measured of the run does not count the time that it takes.
    fn state_after(&mut self, ending: &Ending) -> Option<Box<Taken>> {
        let Ending::RanOut { status, .. } = ending else { return None };
        let qmp = self.monitor.qmp().ok()?;
        Some(Box::new(guest_state::take(qmp, &self.qemu.hung, status == "running")))
    }

    /// After a panic the kernel prints a backtrace; then `panic=-1` ends QEMU.
    fn after_panic(&mut self, ending: Ending) -> Result<Ending, VmError> {
        self.wait_for_exit(EXIT_PATIENCE)?;
        Ok(ending)
    }

    /// Whether QEMU ended by itself within `limit`.
    fn wait_for_exit(&mut self, limit: Duration) -> Result<bool, VmError> {
        let until = Instant::now() + limit;
        while Instant::now() < until && self.qemu.group.try_wait()?.is_none() {
            interrupt::check()?;
            std::thread::sleep(TICK);
        }
        Ok(self.qemu.group.try_wait()?.is_some())
    }

    fn ran_out(&self) -> Option<(Clock, Duration)> {
        let limit = match self.phase {
            Clock::Boot => self.clocks.boot,
            Clock::Scenario => self.clocks.scenario,
            Clock::Shutdown | Clock::Hard => self.clocks.shutdown,
        };
        let lost = self.time.lost();
        if self.phase_start.elapsed() > limit + lost.saturating_sub(self.lost_before) {
            return Some((self.phase, limit));
        }
        let hard = self.clocks.hard();
        (self.started.elapsed() > hard + lost).then_some((Clock::Hard, hard))
    }
}
