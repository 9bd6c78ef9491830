//! Steps in which programs of the host run.

use crate::grammar::{At, Checked, Fault, Flag, Time};
use crate::scenario::guest_clock::GuestClock;
use crate::scenario::raw_steps::{RawHostCommand, RawSelftests, RawStep};
use damonlab_protocol::plan::Step;
use damonlab_protocol::units::Nanos;

/// The longest that one program may take.
const MAX_WITHIN: Nanos = Nanos(3_600 * 1_000_000_000);

/// Whether the guest sees the host's files, which answer at the host's pace.
pub(super) fn root(raw: Option<&At<Flag>>, clock: GuestClock) -> Checked<bool> {
    match raw {
        Some(flag) if flag.value.0 && clock.is_virtual() => Err(Fault::at(
            flag,
            "on virtual time a guest sees no file of the host: the host decides when a read returns",
        )
        .help("clock: real; such a run does not repeat")),
        flag => Ok(flag.is_some_and(|flag| flag.value.0)),
    }
}

pub(super) fn command(place: &At<RawStep>, raw: &RawHostCommand, host_root: bool) -> Checked<Step> {
    needs_root(place, host_root)?;
    let name = &raw.name.value.0;
    let sound = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.len() > 64 || !name.chars().all(sound) {
        return Err(Fault::at(&raw.name, format!("'{name}' cannot name a program's result"))
            .help("up to 64 letters, digits, '-', '_' and '.'"));
    }
    if raw.run.value.is_empty() {
        return Err(Fault::at(&raw.run, "nothing to run").help("run: [damo, report, damon]"));
    }
    let run = raw.run.value.iter().map(|argument| argument.value.0.clone()).collect();
    let kdamonds = match &raw.prints {
        None => false,
        Some(what) if what.value.0 == "kdamonds" => true,
        Some(what) => {
            let message = format!("damonlab reads no '{}' in what a program prints", what.value.0);
            return Err(Fault::at(what, message).known(&what.value.0, &["kdamonds"]));
        }
    };
    Ok(Step::HostCommand { name: name.clone(), run, within: within(&raw.within)?, kdamonds })
}

pub(super) fn selftests(place: &At<RawStep>, raw: &RawSelftests, host_root: bool) -> Checked<Step> {
    needs_root(place, host_root)?;
    if let Some(why) = raw.skip.values().find(|why| why.value.0.trim().is_empty()) {
        return Err(Fault::at(why, "a test that is not run needs a reason").help("skip: {NAME: why}"));
    }
    let skip = raw.skip.iter().map(|(name, why)| (name.clone(), why.value.0.trim().to_owned())).collect();
    Ok(Step::Selftests { within: within(&raw.within)?, skip })
}

fn needs_root(place: &At<RawStep>, host_root: bool) -> Checked<()> {
    if host_root {
        return Ok(());
    }
    Err(Fault::at(place, "the guest has no programs but its own")
        .help("`host_root: true` shows it the host's files, all that you can read; it needs `clock: real`"))
}

fn within(raw: &At<Time>) -> Checked<Nanos> {
    let time = raw.value.0;
    if time < Nanos::from_millis(1_000) || time > MAX_WITHIN {
        return Err(Fault::at(raw, format!("a program cannot be killed after {time}")).help("1s to 60m"));
    }
    Ok(time)
}
