//! Tracepoint text, as the kernel renders it, to typed events and back.

/// A whole `trace` file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trace {}
