//! What the host does with the wall time of a guest. Time in which damonlab or QEMU was stopped, or in which QEMU waited for
//! a processor, counts for no clock: a guest that its host does not run does not hang.

use crate::host::processor_time::{self, ThreadTime};
use crate::recording::HostLoad;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How often QEMU is looked at.
const INTERVAL: Duration = Duration::from_millis(250);

/// damonlab looks every few milliseconds. After a longer gap than this it was stopped itself, or the host was.
const GAP: Duration = Duration::from_secs(1);

/// What is seen of QEMU.
#[derive(Debug, Default)]
struct Look {
    stopped: bool,
    threads: BTreeMap<u32, ThreadTime>,
}

impl Look {
    fn at(pid: i32) -> Look {
        Look { stopped: processor_time::is_stopped(pid), threads: processor_time::of_threads(pid) }
    }
}

/// The account of a guest's wall time.
#[derive(Debug)]
pub(super) struct HostTime {
    pid: i32,
    last_tick: Instant,
    last_look: Instant,
    threads: BTreeMap<u32, ThreadTime>,
    /// The time that the clocks do not count.
    lost: Duration,
    /// The part of it in which damonlab or QEMU was stopped.
    stopped: Duration,
    load: Load,
}

/// The sums since [`HostTime::measure`].
#[derive(Debug, Clone, Copy, Default)]
struct Load {
    wall: Duration,
    ran: Duration,
    waited: Duration,
    stopped: Duration,
}

impl HostTime {
    /// An account that begins `now`, of the QEMU with this pid.
    pub(super) fn new(pid: i32, now: Instant) -> HostTime {
        HostTime {
            pid,
            last_tick: now,
            last_look: now,
            threads: BTreeMap::new(),
            lost: Duration::ZERO,
            stopped: Duration::ZERO,
            load: Load::default(),
        }
    }

    /// To be called every few milliseconds.
    pub(super) fn tick(&mut self, now: Instant) {
        self.advance(now, false, Look::at);
    }

    /// The time so far that no clock counts.
    pub(super) fn lost(&self) -> Duration {
        self.lost
    }

    /// The time so far in which damonlab or QEMU was stopped.
    pub(super) fn stopped(&self) -> Duration {
        self.stopped
    }

    /// Begins to measure the load.
    pub(super) fn measure(&mut self, now: Instant) {
        self.advance(now, true, Look::at);
        self.load = Load::default();
    }

    /// The load since then.
    pub(super) fn load(&mut self, now: Instant) -> HostLoad {
        self.advance(now, true, Look::at);
        let Load { wall, ran, waited, stopped } = self.load;
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        HostLoad {
            wall_ms: millis(wall),
            ran_ms: millis(ran),
            waited_ms: millis(waited),
            stopped_ms: millis(stopped),
        }
    }

    fn advance(&mut self, now: Instant, due: bool, look: impl FnOnce(i32) -> Look) {
        let gap = now.saturating_duration_since(self.last_tick);
        self.last_tick = now;
        let span = now.saturating_duration_since(self.last_look);
        if !due && span < INTERVAL {
            return;
        }
        self.last_look = now;
        let Look { stopped, threads } = look(self.pid);
        let (ran, waited) = growth(&self.threads, &threads);
        // A process that has just ended shows nothing.
        if !threads.is_empty() {
            self.threads = threads;
        }
        let waited = waited.min(span);
        // While damonlab was stopped, QEMU may have run, and then the real clock lost nothing. Where the whole machine stood
        // still, as an outer guest whose host is busy does, QEMU looks as if it had run, so neither is told from the other.
        let away = if gap > GAP { gap } else { Duration::ZERO };
        let qemu_stopped = if stopped { span } else { Duration::ZERO };
        let stopped = away.max(qemu_stopped);
        self.stopped += stopped;
        self.lost += stopped.max(waited);
        self.load.wall += span;
        self.load.ran += ran;
        self.load.waited += waited;
        self.load.stopped += stopped;
    }
}

/// How long all threads together ran between two looks, and how long the one waited that waited most.
fn growth(before: &BTreeMap<u32, ThreadTime>, after: &BTreeMap<u32, ThreadTime>) -> (Duration, Duration) {
    let deltas = after.iter().filter_map(|(id, new)| {
        let old = before.get(id)?;
        Some((new.ran.saturating_sub(old.ran), new.waited.saturating_sub(old.waited)))
    });
    deltas
        .fold((Duration::ZERO, Duration::ZERO), |(ran, most), (more, waited)| (ran + more, most.max(waited)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn threads(waited: [u32; 2], ran: u32) -> Look {
        let of = |waited| ThreadTime { ran: ran * MS, waited: waited * MS };
        Look { stopped: false, threads: BTreeMap::from([(1, of(waited[0])), (2, of(waited[1]))]) }
    }

    fn begun() -> (HostTime, Instant) {
        let start = Instant::now();
        let mut time = HostTime::new(0, start);
        time.advance(start, true, |_| threads([0, 0], 0));
        (time, start)
    }

    #[test]
    fn the_clocks_do_not_count_the_gap_of_a_suspended_damonlab() {
        let (mut time, start) = begun();
        time.advance(start + 5 * MS, false, |_| unreachable!("too early for a look"));
        time.advance(start + 30_005 * MS, false, |_| threads([0, 0], 9000));
        assert_eq!((time.lost(), time.stopped()), (30_000 * MS, 30_000 * MS));
        assert_eq!(time.load.stopped, 30_000 * MS, "a guest on the real clock may have lost it");
    }

    #[test]
    fn the_clocks_do_not_count_the_time_of_a_stopped_qemu() {
        let (mut time, start) = begun();
        for number in 1..=60_000 / 250 {
            let now = start + number * 250 * MS;
            time.advance(now, false, |_| Look { stopped: true, ..threads([0, 0], 0) });
        }
        assert_eq!((time.lost(), time.load.stopped), (60_000 * MS, 60_000 * MS));
    }

    #[test]
    fn the_clocks_do_not_count_what_qemu_waited_for_a_processor() {
        let (mut time, start) = begun();
        time.advance(start + 250 * MS, false, |_| threads([100, 200], 20));
        time.advance(start + 500 * MS, false, |_| threads([300, 210], 30));
        assert_eq!((time.lost(), time.load.waited, time.load.ran), (400 * MS, 400 * MS, 60 * MS));
    }

    #[test]
    fn a_guest_that_its_host_runs_loses_nothing() {
        let (mut time, start) = begun();
        for number in 1..=100 {
            time.advance(start + number * 250 * MS, false, |_| threads([0, 0], number * 250));
        }
        assert_eq!((time.lost(), time.stopped()), (Duration::ZERO, Duration::ZERO));
    }
}
