//! How often memory is sampled, and which counters a sample keeps.

use crate::grammar::{At, Checked, Fault, Scalar};
use crate::scenario::raw::RawSample;
use damonlab_protocol::units::Nanos;

/// The default of `sample.every`.
const DEFAULT_EVERY: Nanos = Nanos(1_000_000_000);

/// `sample.every`.
pub(super) fn every(raw: &RawSample) -> Checked<Nanos> {
    match &raw.every {
        None => Ok(DEFAULT_EVERY),
        Some(every) if every.value.0 < Nanos::from_millis(10) => Err(Fault::at(
            every,
            format!("a sample every {} would be most of what the guest does", every.value.0),
        )
        .help("10ms at least; 1s is the default")),
        Some(every) => Ok(every.value.0),
    }
}

/// What the names of the vmstat counters that are kept begin with; none for the default.
pub(super) fn vmstat(raw: &RawSample) -> Checked<Vec<String>> {
    let Some(list) = &raw.vmstat else { return Ok(Vec::new()) };
    let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let prefix = |raw: &At<Scalar>| {
        let text = &raw.value.0;
        if text.is_empty() || !text.chars().all(sound) {
            return Err(Fault::at(raw, format!("no counter's name begins with '{text}'"))
                .help("names of /proc/vmstat or what they begin with, for instance pgdemote_"));
        }
        Ok(text.clone())
    };
    if list.value.is_empty() {
        return Err(Fault::at(list, "no counter is kept").help("leave `vmstat` out for the default ones"));
    }
    list.value.iter().map(prefix).collect()
}
