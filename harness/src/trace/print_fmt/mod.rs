//! The `print fmt` of a `format` file: its C expressions, read and evaluated on a record, which gives the event's text.
//!
//! The kernel's own functions are those of `include/trace/stages/stage3_trace_output.h`. What needs the kernel's memory
//! (`%p`, `%pS`) has no value here: it is a gap in the text, and [`PrintFmt::reason`] says why.

mod conversion;
mod evaluate;
mod expr;
mod int;
mod parse;
mod pieces;
mod record_text;
mod token;

pub(crate) use evaluate::Steps;
pub(super) use evaluate::{Fields, flags, symbol};
pub(super) use expr::Table;
pub(super) use int::{Int, IntType};
pub use pieces::PrintFmt;
pub(crate) use record_text::RecordText;

#[cfg(test)]
mod tests;
