//! The fields of one record.

use super::format::RawFormat;
use damonlab_protocol::units::Nanos;
use std::fmt;

/// One event of the ring buffer.
#[derive(Debug, Clone, PartialEq)]
pub struct Record<'a> {
    /// The CPU.
    pub cpu: u16,
    /// When, in whole nanoseconds; the text has it rounded.
    pub time: Nanos,
    /// Its layout, where that was recorded.
    pub format: Option<&'a RawFormat>,
    pub(super) bytes: &'a [u8],
}

/// A field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// An unsigned number.
    Unsigned(u64),
    /// A number with a sign.
    Signed(i64),
    /// A dynamic array.
    Bytes(&'a [u8]),
}

/// As the kernel prints it: `%lu`, `%d`, `__print_hex`.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Unsigned(value) => value.fmt(f),
            Value::Signed(value) => value.fmt(f),
            Value::Bytes(bytes) => {
                for (nth, byte) in bytes.iter().enumerate() {
                    write!(f, "{}{byte:02x}", if nth == 0 { "" } else { " " })?;
                }
                Ok(())
            }
        }
    }
}

impl Record<'_> {
    /// When, in microseconds, rounded as for the text (`ns2usecs`).
    pub fn micros(&self) -> u64 {
        self.time.0.saturating_add(500) / 1000
    }

    /// A field by its name; none where the event has no such field, or the record no such bytes.
    pub fn field(&self, name: &str) -> Option<Value<'_>> {
        let field = self.format?.field(name)?;
        let bytes = self.bytes.get(field.offset..)?.get(..field.size)?;
        let value = unsigned(bytes)?;
        if field.dynamic {
            // `__data_loc`: the length above, the place below.
            let (length, place) = (value as usize >> 16, value as usize & 0xffff);
            return self.bytes.get(place..)?.get(..length).map(Value::Bytes);
        }
        let unused = 64 - 8 * field.size as u32;
        Some(match field.signed {
            true => Value::Signed((value << unused) as i64 >> unused),
            false => Value::Unsigned(value),
        })
    }
}

/// A number of one to eight bytes.
fn unsigned(bytes: &[u8]) -> Option<u64> {
    let mut whole = [0; 8];
    whole.get_mut(..bytes.len()).filter(|_| !bytes.is_empty())?.copy_from_slice(bytes);
    Some(u64::from_le_bytes(whole))
}

/// The number of a record's event: `common_type`, which is first.
pub(super) fn number(bytes: &[u8]) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.first_chunk()?))
}
