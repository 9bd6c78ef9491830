//! The value of a field, with its type: what rules and expectations compute with.

use std::fmt;

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number without a sign, up to 64 bits; also a pointer.
    Unsigned,
    /// A number with a sign.
    Signed,
    /// A text: characters, or the name that `__print_symbolic` has for a number.
    Text,
    /// The names that `__print_flags` has for the bits of a number.
    Words,
    /// An array of numbers without a sign.
    UnsignedList,
    /// An array of numbers with a sign.
    SignedList,
}

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Of [`Kind::Unsigned`].
    Unsigned(u64),
    /// Of [`Kind::Signed`].
    Signed(i64),
    /// Of [`Kind::Text`].
    Text(String),
    /// Of [`Kind::Words`].
    Words(Vec<String>),
    /// Of [`Kind::UnsignedList`].
    UnsignedList(Vec<u64>),
    /// Of [`Kind::SignedList`].
    SignedList(Vec<i64>),
}

impl Kind {
    /// Whether it is one number.
    pub fn is_number(self) -> bool {
        matches!(self, Kind::Unsigned | Kind::Signed)
    }
}

impl Value {
    /// The value, if it is one number.
    pub fn number(&self) -> Option<f64> {
        match self {
            Value::Unsigned(value) => Some(*value as f64),
            Value::Signed(value) => Some(*value as f64),
            _ => None,
        }
    }
}

/// Numbers in decimal, flags as in most events' text: `A|B`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Unsigned(value) => value.fmt(f),
            Value::Signed(value) => value.fmt(f),
            Value::Text(text) => f.write_str(text),
            Value::Words(words) => f.write_str(&words.join("|")),
            Value::UnsignedList(items) => list(f, items),
            Value::SignedList(items) => list(f, items),
        }
    }
}

fn list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: &[T]) -> fmt::Result {
    let items: Vec<String> = items.iter().map(T::to_string).collect();
    write!(f, "[{}]", items.join(", "))
}
