//! The fields of one record.

use super::format::RawFormat;
use super::layout::{Dynamic, Items};
use super::typed::TypedField;
use crate::trace::print_fmt::{Fields, Int, IntType, RecordText, Steps, flags, symbol};
use crate::trace::value::{Kind, Value as FieldValue};
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
    /// An array.
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
        let format = self.format?;
        let place = format.fields.iter().position(|field| field.name == name)?;
        if format.fields[place].items.is_some() {
            return self.bytes(place).map(Value::Bytes);
        }
        let number = self.number(place)?;
        Some(match format.fields[place].signed {
            true => Value::Signed(number.bits() as i64),
            false => Value::Unsigned(number.bits()),
        })
    }

    /// The value of a field; none where the record is shorter than its format says.
    pub fn value(&self, field: &TypedField) -> Option<FieldValue> {
        let number = || self.number(field.place);
        Some(match field.kind {
            Kind::Unsigned => FieldValue::Unsigned(number()?.bits()),
            Kind::Signed => FieldValue::Signed(number()?.bits() as i64),
            Kind::Text => match &field.table {
                Some(table) => FieldValue::Text(symbol(number()?.bits(), table).into_owned()),
                None => {
                    let bytes = self.bytes(field.place)?;
                    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
                    FieldValue::Text(String::from_utf8_lossy(&bytes[..end]).into_owned())
                }
            },
            Kind::Words => FieldValue::Words(flags(number()?.bits(), field.table.as_ref()?)),
            Kind::UnsignedList => {
                FieldValue::UnsignedList(self.items(field.place)?.map(|item| item.bits()).collect())
            }
            Kind::SignedList => {
                FieldValue::SignedList(self.items(field.place)?.map(|item| item.bits() as i64).collect())
            }
        })
    }

    /// What the kernel prints of it, by its own `print fmt`.
    ///
    /// # Errors
    /// Why that cannot be computed here.
    pub(crate) fn text(&self, steps: &mut Steps) -> Result<RecordText, String> {
        let format = self.format.ok_or("its format is not recorded")?;
        format.print_fmt.text(self, steps)
    }

    /// The numbers of a field that is an array.
    pub(super) fn items(&self, field: usize) -> Option<impl Iterator<Item = Int>> {
        let Items::Numbers(ty) = self.format?.fields.get(field)?.items? else { return None };
        let bytes = self.bytes(field)?;
        Some(
            bytes
                .chunks_exact(usize::from(ty.bytes))
                .filter_map(move |bytes| Some(Int::new(unsigned(bytes)?, ty))),
        )
    }
}

impl Fields for Record<'_> {
    fn number(&self, field: usize) -> Option<Int> {
        let field = self.format?.fields.get(field)?;
        let bytes = self.bytes.get(field.offset..)?.get(..field.size)?;
        let ty = IntType { bytes: u8::try_from(field.size).ok()?, signed: field.signed };
        Some(Int::new(unsigned(bytes)?, ty))
    }

    fn item(&self, field: usize, index: usize) -> Option<Int> {
        self.items(field)?.nth(index)
    }

    fn bytes(&self, field: usize) -> Option<&[u8]> {
        let field = self.format?.fields.get(field)?;
        field.items?;
        let bytes = self.bytes.get(field.offset..)?.get(..field.size)?;
        let Some(dynamic) = field.dynamic else { return Some(bytes) };
        // The length above, the place below.
        let value = unsigned(bytes)? as usize;
        let from = if dynamic == Dynamic::FromField { field.offset + field.size } else { 0 };
        self.bytes.get(from.checked_add(value & 0xffff)?..)?.get(..value >> 16)
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
