//! Where to stop a guest, as the user names it. Pure.

use crate::host::text::foreign;
use damonlab_protocol::units::Nanos;
use std::num::NonZeroUsize;
use std::str::FromStr;

/// Where to stop a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopPoint {
    /// At a guest time, as in the trace.
    Time(Nanos),
    /// Shortly before an event.
    Event {
        /// The name of the event.
        name: String,
        /// Its number among the events of that name, from 1.
        number: NonZeroUsize,
    },
    /// Shortly before the end: the last event, or, of a run that left no results, the last moment that is known of it.
    End,
}

/// The word for [`StopPoint::End`].
pub(super) const END: &str = "end";

/// A text that is not a [`StopPoint`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{}' is neither a guest time in seconds (12.345678), nor an event and its number (damos_esz:3), nor the word {END}",
    foreign(.0)
)]
pub struct ParseStopPointError(String);

impl FromStr for StopPoint {
    type Err = ParseStopPointError;

    fn from_str(text: &str) -> Result<StopPoint, ParseStopPointError> {
        let error = || ParseStopPointError(text.to_owned());
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            let number = text.trim_end_matches('s');
            // `parse` would accept 1e308.
            let plain = number.chars().all(|c| c.is_ascii_digit() || c == '.');
            let seconds: f64 = number.parse().ok().filter(|_| plain).ok_or_else(error)?;
            return Ok(StopPoint::Time(Nanos((seconds * 1e9).round() as u64)));
        }
        if text == END {
            return Ok(StopPoint::End);
        }
        let (name, number) = text.split_once(':').unwrap_or((text, "1"));
        let is_name_char = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(is_name_char) {
            return Err(error());
        }
        Ok(StopPoint::Event { name: name.to_owned(), number: number.parse().map_err(|_| error())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_point_is_a_time_a_numbered_event_or_the_end() {
        assert_eq!("12.345678".parse(), Ok(StopPoint::Time(Nanos(12_345_678_000))));
        assert_eq!("3s".parse(), Ok(StopPoint::Time(Nanos(3_000_000_000))));
        assert_eq!("end".parse(), Ok(StopPoint::End));
        let first = StopPoint::Event { name: "damos_esz".into(), number: NonZeroUsize::MIN };
        assert_eq!("damos_esz".parse(), Ok(first));
        for text in ["", "damos_esz:0", "a b", "12x", "1e308", "-1", "1.2.3"] {
            assert!(text.parse::<StopPoint>().is_err(), "{text}");
        }
    }
}
