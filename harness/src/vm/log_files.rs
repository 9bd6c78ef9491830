//! The names of the files that a guest leaves in its results besides the sections that it sends.

/// The console's whole text, in the recording.
pub const CONSOLE_LOG: &str = "console.txt";
/// What virtme-ng and QEMU said; it names host paths, so nothing compares it.
pub const VNG_LOG: &str = "vng.log";
/// virtme-ng's command line, a word a line, of a guest that was booted.
pub const VNG_ARGV: &str = "vng.argv";
/// QEMU's command line, a word a line.
pub const QEMU_ARGV: &str = "qemu.argv";
