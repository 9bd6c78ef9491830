//! Which snapshots are compared, which clock the guest has, and how much wall time a run may take.

use crate::grammar::{At, Checked, Fault, Scalar, Time};
use crate::scenario::raw::RawClocks;
use crate::scenario::{Clocks, GuestClock, SnapshotKind};
use damonlab_protocol::units::Nanos;
use std::time::Duration;

/// The values of `snapshot`.
pub(super) const SNAPSHOTS: &[&str] = &["interface", "behaviour"];

/// The kinds of `snapshot`.
pub(super) fn snapshot(raw: &[At<Scalar>]) -> Checked<Vec<SnapshotKind>> {
    let mut kinds = Vec::new();
    for value in raw {
        let kind = match value.value.0.as_str() {
            "interface" => SnapshotKind::Interface,
            "behaviour" => SnapshotKind::Behaviour,
            other => {
                return Err(
                    Fault::at(value, format!("there is no snapshot of '{other}'")).known(other, SNAPSHOTS)
                );
            }
        };
        if kinds.contains(&kind) {
            return Err(Fault::at(value, format!("'{}' is here twice", value.value.0)));
        }
        kinds.push(kind);
    }
    Ok(kinds)
}

/// `clock`.
pub(super) fn guest_clock(raw: Option<&At<Scalar>>) -> Checked<GuestClock> {
    let Some(value) = raw else { return Ok(GuestClock::default()) };
    let named = value.value.0.as_str();
    named
        .parse()
        .map_err(|_| Fault::at(value, format!("there is no clock '{named}'")).known(named, GuestClock::NAMES))
}

/// `clocks`, with the defaults for so much guest time.
pub(super) fn clocks(raw: &RawClocks, guest_time: Nanos) -> Checked<Clocks> {
    let defaults = Clocks::for_guest_time(guest_time);
    let clock = |raw: &Option<At<Time>>, default: Duration| match raw {
        None => Ok(default),
        Some(time) if time.value.0 < Nanos::from_millis(1_000) => {
            Err(Fault::at(time, format!("a clock of {} runs out before anything happens", time.value.0))
                .help("1s at least; clocks count wall time"))
        }
        Some(time) => Ok(Duration::from(time.value.0)),
    };
    Ok(Clocks {
        boot: clock(&raw.boot, defaults.boot)?,
        scenario: clock(&raw.scenario, defaults.scenario)?,
        shutdown: clock(&raw.shutdown, defaults.shutdown)?,
    })
}
