//! Tracepoint text, as the kernel renders it, to typed events and back.
//!
//! [`Trace`] is a whole `trace` file of a tracing instance, and [`Line`] one event of it. Which events have a type is
//! the choice of whoever reads: an [`EventSet`], made by `event_set`. What was lost, and what cannot be read, is
//! kept with its line number: a trace with holes proves nothing. [`formats`] reads the `format` files that say which
//! events a kernel has. [`Value`] is a field of any event, known or not, with the type that its format gives it.

mod common;
mod cursor;
mod event;
mod format;
mod line;
pub mod print_fmt;
pub mod raw;
mod value;
mod whole;

pub use common::COMMON_FIELDS;
pub(crate) use cursor::Cursor;
pub use event::{EventSet, EventShape, Field, FormatMismatch, HexBytes, Other, RecordNames, TypedEvent};
pub(crate) use event::{Part, event_set};
pub use format::{EventFormat, FormatError, FormatField, formats};
pub use line::{Comm, Line, LineError, Tgid};
pub use value::{Kind, Value};
pub use whole::{Entries, Loss, Trace, Unreadable};

#[cfg(test)]
mod tests;
