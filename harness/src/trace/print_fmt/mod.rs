//! The `print fmt` of a `format` file: its C expressions, read and evaluated on a record, which gives the event's text.
//!
//! The kernel's own functions are those of `include/trace/stages/stage3_trace_output.h`. What needs the kernel's memory
//! (`%p`, `%pS`, strings behind a pointer) has no value here, and [`PrintFmt::reason`] says so.

mod conversion;
mod evaluate;
mod expr;
mod int;
mod parse;
mod pieces;
mod token;

pub(crate) use evaluate::Steps;
pub(super) use evaluate::{Fields, flags, symbol};
pub(super) use expr::Table;
pub(super) use int::{Int, IntType};
pub use pieces::PrintFmt;

#[cfg(test)]
mod tests;
