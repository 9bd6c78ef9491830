//! What an event is: of a type that its print format gives, or text.
//!
//! [`event_set`] makes the types of a table of tracepoints. Each entry is a tracepoint's `TP_printk`: literals and
//! fields in turn. The structure, the parser, the printer and the access by name all come from that entry.

use super::cursor::Cursor;
use super::value::{Kind, Value};
use damonlab_protocol::units::BasisPoints;
use std::fmt;

/// A field's value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Field<'a> {
    /// `%u`, `%lu`.
    Unsigned(u64),
    /// `%d`.
    Signed(i64),
    /// `__print_hex`.
    Bytes(HexBytes),
    /// A field of an event without a type, as it stands in the text.
    Text(&'a str),
}

impl Field<'_> {
    /// The value as a number; text that reads as a number is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Field::Unsigned(value) => Some(*value as f64),
            Field::Signed(value) => Some(*value as f64),
            Field::Bytes(_) => None,
            Field::Text(text) => match text.strip_prefix("0x") {
                Some(hex) => u64::from_str_radix(hex, 16).ok().map(|value| value as f64),
                None => text.parse().ok().filter(|value: &f64| value.is_finite()),
            },
        }
    }
}

impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Field::Unsigned(value) => value.fmt(f),
            Field::Signed(value) => value.fmt(f),
            Field::Bytes(bytes) => bytes.fmt(f),
            Field::Text(text) => f.write_str(text),
        }
    }
}

impl From<Field<'_>> for Value {
    fn from(field: Field<'_>) -> Value {
        match field {
            Field::Unsigned(value) => Value::Unsigned(value),
            Field::Signed(value) => Value::Signed(value),
            Field::Bytes(bytes) => {
                Value::UnsignedList(bytes.as_slice().iter().map(|byte| u64::from(*byte)).collect())
            }
            Field::Text(text) => Value::Text(text.to_owned()),
        }
    }
}

/// What can stand between two literals of a print format.
pub(crate) trait Part: Sized + Copy {
    /// The type of the value.
    const KIND: Kind;
    /// Takes the value from the text.
    fn scan(cursor: &mut Cursor<'_>) -> Option<Self>;
    /// The value, whatever its type. It prints as the kernel prints it.
    fn field(self) -> Field<'static>;
    /// Some value, for tests.
    #[cfg(test)]
    fn sample(number: u64) -> Self;
}

macro_rules! part {
    ($type:ty, $kind:ident, $cursor:ident => $scan:expr, $value:ident => $field:expr, $number:ident => $sample:expr) => {
        impl Part for $type {
            const KIND: Kind = Kind::$kind;
            #[inline]
            fn scan($cursor: &mut Cursor<'_>) -> Option<Self> {
                $scan
            }
            fn field(self) -> Field<'static> {
                let $value = self;
                $field
            }
            #[cfg(test)]
            fn sample($number: u64) -> Self {
                $sample
            }
        }
    };
}

part!(u64, Unsigned, text => text.unsigned(), value => Field::Unsigned(value), number => number);
part!(u32, Unsigned, text => text.unsigned()?.try_into().ok(), value => Field::Unsigned(value.into()), number => number as u32);
part!(i32, Signed, text => text.signed()?.try_into().ok(), value => Field::Signed(value.into()), number => number as i32);
part!(BasisPoints, Unsigned, text => text.unsigned().map(BasisPoints), bp => Field::Unsigned(bp.0), number => BasisPoints(number));

/// An array that `__print_hex` printed, at most [`HexBytes::MAX`] bytes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HexBytes {
    count: u8,
    bytes: [u8; Self::MAX],
}

impl HexBytes {
    /// How many bytes fit.
    pub const MAX: usize = 7;

    /// The bytes, in order.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.count)]
    }
}

impl Part for HexBytes {
    const KIND: Kind = Kind::UnsignedList;
    fn scan(cursor: &mut Cursor<'_>) -> Option<Self> {
        let mut found = HexBytes::default();
        while !cursor.is_empty() {
            if found.count > 0 {
                cursor.literal(" ")?;
            }
            *found.bytes.get_mut(usize::from(found.count))? = cursor.hex_byte()?;
            found.count += 1;
        }
        Some(found)
    }
    fn field(self) -> Field<'static> {
        Field::Bytes(self)
    }
    #[cfg(test)]
    fn sample(number: u64) -> Self {
        let mut bytes = [0; Self::MAX];
        let count = (number % 8) as u8;
        bytes[..usize::from(count)].copy_from_slice(&number.to_le_bytes()[..usize::from(count)]);
        HexBytes { count, bytes }
    }
}

impl fmt::Display for HexBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.as_slice().iter().enumerate() {
            write!(f, "{}{byte:02x}", if i == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

/// An event without a type: its text, and the `key=value` pairs in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// The event's name.
    pub name: Box<str>,
    /// What follows `name: `.
    pub text: Box<str>,
}

impl Other {
    /// The value of `name=value`.
    pub(crate) fn field(&self, name: &str) -> Option<Field<'_>> {
        self.fields().find(|(key, _)| *key == name).map(|(_, value)| Field::Text(value))
    }

    /// The `key=value` pairs, in order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.text.split_ascii_whitespace().filter_map(|word| word.split_once('='))
    }
}

/// The text of an event that has a type is not what its print format gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormatMismatch;

/// Fields as a text names them, each with the name that it has in the ring buffer's record.
pub type RecordNames = &'static [(&'static str, &'static str)];

/// The name of an event, and its fields with their types.
pub type EventShape = (&'static str, &'static [(&'static str, Kind)]);

/// The events of a trace: those that have a type, and [`Other`].
pub trait EventSet: fmt::Display + Sized + 'static {
    /// The events that have a type.
    const SHAPES: &'static [EventShape];

    /// The name of the tracepoint.
    fn name(&self) -> &str;

    /// A field by its name; where the text has no name for it (`age` of a region), by the tracepoint's.
    fn field(&self, name: &str) -> Option<Field<'_>>;

    /// What follows `name: `, of an event that has no type.
    fn untyped(&self) -> Option<&str>;

    /// The names of the fields, for messages.
    fn field_names(&self) -> Vec<&str>;

    /// The bytes of text that it holds, in pieces of memory of their own: none for a type.
    fn text_length(&self) -> Option<usize>;

    /// Reads what follows `name: `.
    fn scan(name: &str, text: &str) -> Result<Self, FormatMismatch>;
}

/// An event that has a type.
pub trait TypedEvent: Sized + 'static {
    /// The set that it belongs to.
    type Set: EventSet;

    /// The tracepoint's name.
    const NAME: &'static str;

    /// The event, where it is of this type.
    fn of(event: &Self::Set) -> Option<&Self>;
}

/// Makes an [`EventSet`] of tracepoints. A field that the record has under another name than the text says so:
/// `ctx_idx as context_idx`.
macro_rules! event_set {
    (@record $field:ident) => { stringify!($field) };
    (@record $field:ident $record:ident) => { stringify!($record) };
    ($(#[$set_doc:meta])* $set:ident $(
        $(#[$doc:meta])* $variant:ident $name:literal {
            $($literal:literal $(#[$field_doc:meta])* $field:ident $(as $record:ident)?: $type:ty,)+
        }
    )+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub struct $variant {
                $(#[doc = concat!("The field `", stringify!($field), "`.")] $(#[$field_doc])* pub $field: $type,)+
            }

            impl $variant {
                /// The tracepoint's name.
                pub const NAME: &'static str = $name;

                fn scan(cursor: &mut $crate::trace::Cursor<'_>) -> Option<Self> {
                    $(cursor.literal($literal)?; let $field = <$type as $crate::trace::Part>::scan(cursor)?;)+
                    cursor.is_empty().then_some($variant { $($field),+ })
                }

                fn field(&self, name: &str) -> Option<$crate::trace::Field<'static>> {
                    match name {
                        $(stringify!($field) => Some($crate::trace::Part::field(self.$field)),)+
                        _ => None,
                    }
                }
            }

            impl $crate::trace::TypedEvent for $variant {
                type Set = $set;
                const NAME: &'static str = $name;

                fn of(event: &$set) -> Option<&Self> {
                    match event {
                        $set::$variant(event) => Some(event),
                        _ => None,
                    }
                }
            }

            impl std::fmt::Display for $variant {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    $(f.write_str($literal)?; $crate::trace::Part::field(self.$field).fmt(f)?;)+
                    Ok(())
                }
            }
        )+

        $(#[$set_doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $set {
            $($(#[$doc])* $variant($variant),)+
            /// Any other event.
            Other(Box<$crate::trace::Other>),
        }

        impl $set {
            /// The names of the events that have a type, in the order of the table.
            pub const KNOWN: &'static [&'static str] = &[$($name),+];
            /// Each of them with its fields, in the order of the text.
            pub const FIELDS: &'static [(&'static str, &'static [&'static str])] =
                &[$(($name, &[$(stringify!($field)),+])),+];
            /// Each of them with its fields, and the name that each has in the ring buffer's record.
            pub const RECORDS: &'static [(&'static str, $crate::trace::RecordNames)] =
                &[$(($name, &[$((stringify!($field), $crate::trace::event_set!(@record $field $($record)?))),+])),+];
        }

        impl $crate::trace::EventSet for $set {
            const SHAPES: &'static [$crate::trace::EventShape] = &[$(($name, &[
                $((stringify!($field), <$type as $crate::trace::Part>::KIND)),+
            ])),+];

            fn name(&self) -> &str {
                match self {
                    $($set::$variant(_) => $name,)+
                    $set::Other(other) => &other.name,
                }
            }

            fn field(&self, name: &str) -> Option<$crate::trace::Field<'_>> {
                match self {
                    $($set::$variant(event) => event.field(name),)+
                    $set::Other(other) => other.field(name),
                }
            }

            fn untyped(&self) -> Option<&str> {
                if let $set::Other(other) = self { Some(&other.text) } else { None }
            }

            fn field_names(&self) -> Vec<&str> {
                match self {
                    $($set::$variant(_) => vec![$(stringify!($field)),+],)+
                    $set::Other(other) => other.fields().map(|(key, _)| key).collect(),
                }
            }

            fn text_length(&self) -> Option<usize> {
                match self {
                    $($set::$variant(_) => None,)+
                    $set::Other(other) => Some(other.name.len() + other.text.len()),
                }
            }

            fn scan(name: &str, text: &str) -> Result<$set, $crate::trace::FormatMismatch> {
                let mut cursor = $crate::trace::Cursor::new(text);
                match name {
                    $($name => $variant::scan(&mut cursor).map($set::$variant).ok_or($crate::trace::FormatMismatch),)+
                    _ => Ok($set::Other(Box::new($crate::trace::Other { name: name.into(), text: text.into() }))),
                }
            }
        }

        /// `name: text`, as in a trace.
        impl std::fmt::Display for $set {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}: ", $crate::trace::EventSet::name(self))?;
                match self {
                    $($set::$variant(event) => event.fmt(f),)+
                    $set::Other(other) => f.write_str(&other.text),
                }
            }
        }

        #[cfg(test)]
        impl $set {
            /// One event of each type, with fields made of such numbers.
            pub(crate) fn samples(mut number: impl FnMut() -> u64) -> Vec<$set> {
                vec![$($set::$variant($variant {
                    $($field: $crate::trace::Part::sample(number())),+
                })),+]
            }
        }
    };
}
pub(crate) use event_set;
