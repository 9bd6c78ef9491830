//! What every event has beside its own fields, under the names of the kernel's histogram triggers.

use super::line::Line;
use super::value::{Kind, Value};

/// The names, each with its type. A time is in microseconds.
pub const COMMON_FIELDS: &[(&str, Kind)] = &[
    ("common_comm", Kind::Text),
    ("common_cpu", Kind::Unsigned),
    ("common_pid", Kind::Signed),
    ("common_timestamp", Kind::Unsigned),
];

impl<E> Line<E> {
    /// The value of one of [`COMMON_FIELDS`].
    pub fn common(&self, name: &str) -> Option<Value> {
        Some(match name {
            "common_comm" => Value::Text(self.comm.as_str().to_owned()),
            "common_cpu" => Value::Unsigned(self.cpu.into()),
            "common_pid" => Value::Signed(self.pid.into()),
            "common_timestamp" => Value::Unsigned(self.time.micros()),
            _ => return None,
        })
    }
}
