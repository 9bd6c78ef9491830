//! `trace.dat`, version 6: what `trace-cmd report` and KernelShark open.
//!
//! A recording with a raw record keeps its own ring-buffer pages and `format` files. Of an older one the text is encoded: an
//! event by its `format`, and one without a known format as its text. The layout is that of trace-cmd's
//! `trace-cmd.dat.v6(5)`.

mod encoded;
mod file;
mod flags;
mod write;

pub(super) use write::write;
