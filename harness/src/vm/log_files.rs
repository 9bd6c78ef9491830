//! The names of the files in a guest's results besides the sections that it sends.

pub use crate::recording::{CONSOLE_LOG, GUEST_STATE, VNG_LOG};

/// virtme-ng's command line, one argument a line, of a guest that was booted.
pub const VNG_ARGV: &str = "vng.argv";
/// QEMU's command line, one argument a line.
pub const QEMU_ARGV: &str = "qemu.argv";
