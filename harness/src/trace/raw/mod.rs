//! The ring buffer's own bytes to records: what an event's fields were, whatever its text says.
//!
//! [`RawTrace`] is a whole `trace.raw`: the `format` files of the recorded events and each CPU's sub-buffers.
//! [`RawTrace::records`] gives the events in the order of the text. The guest is not trusted: every length is
//! checked against the bytes that are there.

mod blocks;
mod error;
mod fields;
mod format;
mod layout;
mod pages;
mod sub_buffers;
mod typed;

pub use blocks::{RawTrace, blocks};
pub use error::RawError;
pub use fields::{Record, Value};
pub use format::RawFormat;
pub use layout::{Dynamic, RawField};
pub use pages::Damage;
pub use sub_buffers::{LONGEST_PAYLOAD, SubBuffers};
pub use typed::TypedField;

#[cfg(test)]
pub(crate) mod tests;
