//! Sub-buffers to timed payloads (`kernel/trace/ring_buffer.c`).
//!
//! A sub-buffer is `time stamp: u64, commit: u64, data`; an event in it `type_len: 5 bits, time_delta: 27
//! bits` and, by `type_len`, its payload or a time stamp. `events/header_event` of tracefs has the numbers.

use damonlab_protocol::record::SUB_BUFFER;
use damonlab_protocol::units::Nanos;
use std::fmt;

pub(super) const HEADER: usize = 16;
pub(super) const ALIGNMENT: usize = 4;
/// `RB_MISSED_EVENTS` and `RB_MISSED_STORED` are the two bits above.
const COMMIT_MASK: u64 = (1 << 30) - 1;
pub(super) const DELTA_BITS: u32 = 27;
const PADDING: u32 = 29;
pub(super) const TIME_EXTEND: u32 = 30;
const TIME_STAMP: u32 = 31;
/// An absolute time stamp has 59 bits; the rest is that of the time before (`rb_fix_abs_ts`).
const ABSOLUTE_BITS: u32 = 59;

/// Where a sub-buffer stops making sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The sub-buffer, from 0.
    pub page: usize,
    /// The byte in its data.
    pub at: usize,
    /// What is wrong there.
    pub why: &'static str,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sub-buffer {}, byte {}: {}", self.page, self.at, self.why)
    }
}

/// Checks `events/header_page` against what this file reads.
pub(super) fn check_header(text: &str) -> Result<(), &'static str> {
    for (field, place) in
        [("timestamp", "offset:0;\tsize:8;"), ("commit", "offset:8;\tsize:8;"), ("data", "offset:16;")]
    {
        let line = text.lines().find(|line| line.contains(&format!(" {field};")));
        line.filter(|line| line.contains(place)).ok_or(field)?;
    }
    Ok(())
}

/// Calls `each` with every event of one CPU and its time.
pub(super) fn events<'a>(bytes: &'a [u8], mut each: impl FnMut(Nanos, &'a [u8])) -> Result<(), Damage> {
    for (page, bytes) in bytes.chunks(SUB_BUFFER).enumerate() {
        let damaged = |(at, why)| Damage { page, at, why };
        Page::new(bytes).and_then(|mut page| page.read(&mut each)).map_err(damaged)?;
    }
    Ok(())
}

/// The data of one sub-buffer, how far it is read, and the time there.
struct Page<'a> {
    data: &'a [u8],
    at: usize,
    time: u64,
}

type Wrong = (usize, &'static str);

impl<'a> Page<'a> {
    fn new(bytes: &'a [u8]) -> Result<Page<'a>, Wrong> {
        let (time, commit) = u64_at(bytes, 0).zip(u64_at(bytes, 8)).ok_or((0, "no header"))?;
        let length = usize::try_from(commit & COMMIT_MASK).unwrap_or(usize::MAX);
        let data = bytes.get(HEADER..).and_then(|data| data.get(..length));
        Ok(Page { data: data.ok_or((0, "more data than a sub-buffer holds"))?, at: 0, time })
    }

    fn read(&mut self, each: &mut impl FnMut(Nanos, &'a [u8])) -> Result<(), Wrong> {
        while self.at < self.data.len() {
            let head = self.word(0)?;
            let (kind, delta) = (head & 31, u64::from(head >> 5));
            match kind {
                PADDING if delta == 0 => break,
                // A discarded event: its time counts, its bytes do not.
                PADDING => {
                    self.time = self.time.wrapping_add(delta);
                    self.take(ALIGNMENT, self.word(1)? as usize)?;
                }
                TIME_EXTEND => {
                    let high = u64::from(self.word(1)?) << DELTA_BITS;
                    self.time = self.time.wrapping_add(high | delta);
                    self.take(2 * ALIGNMENT, 0)?;
                }
                TIME_STAMP => {
                    let low = (u64::from(self.word(1)?) << DELTA_BITS) | delta;
                    self.time = absolute(low, self.time);
                    self.take(2 * ALIGNMENT, 0)?;
                }
                0 => {
                    self.time = self.time.wrapping_add(delta);
                    // The length counts itself.
                    let length = (self.word(1)? as usize).checked_sub(ALIGNMENT);
                    let length = length.ok_or((self.at, "an event shorter than its length"))?;
                    each(Nanos(self.time), self.take(2 * ALIGNMENT, length)?);
                }
                words => {
                    self.time = self.time.wrapping_add(delta);
                    each(Nanos(self.time), self.take(ALIGNMENT, words as usize * ALIGNMENT)?);
                }
            }
        }
        Ok(())
    }

    /// The `nth` 32-bit word from here.
    fn word(&self, nth: usize) -> Result<u32, Wrong> {
        let bytes = self.data.get(self.at + nth * ALIGNMENT..).and_then(|bytes| bytes.first_chunk());
        bytes.map(|bytes| u32::from_le_bytes(*bytes)).ok_or((self.at, "an event that is cut"))
    }

    /// Goes on after a head and a payload, which it gives back.
    fn take(&mut self, head: usize, payload: usize) -> Result<&'a [u8], Wrong> {
        let from = self.at + head;
        let taken = from.checked_add(payload).and_then(|end| self.data.get(from..end));
        let taken = taken.ok_or((self.at, "an event longer than its sub-buffer"))?;
        self.at = from + payload.next_multiple_of(ALIGNMENT);
        Ok(taken)
    }
}

fn absolute(low: u64, before: u64) -> u64 {
    let high = before >> ABSOLUTE_BITS << ABSOLUTE_BITS;
    let time = high | low;
    // The low part wrapped since.
    if time < before && high != 0 { time.wrapping_add(1 << ABSOLUTE_BITS) } else { time }
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
