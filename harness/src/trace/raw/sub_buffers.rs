//! Timed payloads to sub-buffers: the way back of [`super::pages`].

use super::pages::{ALIGNMENT, DELTA_BITS, HEADER, TIME_EXTEND};
use damonlab_protocol::record::SUB_BUFFER;
use damonlab_protocol::units::Nanos;

/// The most words of a payload whose length stands in its head (`RINGBUF_TYPE_DATA_TYPE_LEN_MAX`).
const MOST_WORDS: usize = 28;

/// A payload is no longer than this, so that it fits into a sub-buffer with its head, its length and a time extension.
pub const LONGEST_PAYLOAD: usize = SUB_BUFFER - HEADER - 4 * ALIGNMENT;

/// Writes the sub-buffers of one CPU.
#[derive(Debug, Default)]
pub struct SubBuffers {
    bytes: Vec<u8>,
    /// Where the sub-buffer begins that is not full.
    begin: Option<usize>,
    time: u64,
}

impl SubBuffers {
    /// Adds an event. Its time is not before that of the event before it, and a longer payload than [`LONGEST_PAYLOAD`]
    /// is cut.
    pub fn push(&mut self, time: Nanos, payload: &[u8]) {
        let payload = &payload[..payload.len().min(LONGEST_PAYLOAD)];
        let words = payload.len().div_ceil(ALIGNMENT);
        // The head, a length, and a time extension.
        let needed = words * ALIGNMENT + 4 * ALIGNMENT;
        if self.begin.is_none_or(|begin| self.bytes.len() - begin + needed > SUB_BUFFER) {
            self.close();
            self.begin = Some(self.bytes.len());
            self.bytes.extend(time.0.to_le_bytes());
            self.bytes.extend([0; 8]);
            self.time = time.0;
        }
        let delta = time.0.saturating_sub(self.time);
        self.time = self.time.max(time.0);
        let low = delta & ((1 << DELTA_BITS) - 1);
        let high = delta >> DELTA_BITS;
        if high > 0 {
            self.word(low << 5 | u64::from(TIME_EXTEND));
            self.word(high);
        }
        let low = if high > 0 { 0 } else { low };
        if words > MOST_WORDS || words == 0 {
            self.word(low << 5);
            self.word((payload.len() + ALIGNMENT) as u64);
        } else {
            self.word(low << 5 | words as u64);
        }
        self.bytes.extend_from_slice(payload);
        self.bytes.resize(self.bytes.len().next_multiple_of(ALIGNMENT), 0);
    }

    /// All of them, each of [`SUB_BUFFER`] bytes.
    pub fn finish(mut self) -> Vec<u8> {
        self.close();
        self.bytes
    }

    /// The low 32 bits of `value`.
    fn word(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes()[..ALIGNMENT]);
    }

    fn close(&mut self) {
        let Some(begin) = self.begin.take() else { return };
        let commit = (self.bytes.len() - begin - HEADER) as u64;
        self.bytes[begin + 8..begin + HEADER].copy_from_slice(&commit.to_le_bytes());
        self.bytes.resize(begin + SUB_BUFFER, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::pages::events;
    use super::*;
    use proptest::prelude::*;

    fn read_back(events_of: &[(u64, Vec<u8>)]) -> Vec<(u64, Vec<u8>)> {
        let mut writer = SubBuffers::default();
        events_of.iter().for_each(|(time, payload)| writer.push(Nanos(*time), payload));
        let bytes = writer.finish();
        assert_eq!(bytes.len() % SUB_BUFFER, 0);
        let mut found = Vec::new();
        events(&bytes, |time, payload| found.push((time.0, payload.to_vec()))).unwrap();
        found
    }

    #[test]
    fn a_long_pause_and_a_long_payload_come_back() {
        let all = [(5, vec![1; 8]), (5 + (1 << 40), vec![2; 400]), (6 + (1 << 40), vec![3; LONGEST_PAYLOAD])];
        assert_eq!(read_back(&all), all);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(steps in prop::collection::vec((0u64..1 << 33, 1usize..300), 1..200)) {
            let mut time = 0;
            let all: Vec<_> = steps.into_iter().map(|(step, words)| {
                time += step;
                (time, vec![words as u8; words * ALIGNMENT])
            }).collect();
            prop_assert_eq!(read_back(&all), all);
        }
    }
}
