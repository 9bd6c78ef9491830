//! The names of the files in a guest's results besides the sections that it sends.

/// The whole output of the console.
pub const CONSOLE_LOG: &str = "console.txt";
/// The output of virtme-ng and QEMU. It has paths of the host, so it is never compared.
pub const VNG_LOG: &str = "vng.log";
/// virtme-ng's arguments, one in a line, of a guest that was booted.
pub const VNG_ARGV: &str = "vng.argv";
/// QEMU's command line, an argument in a line.
pub const QEMU_ARGV: &str = "qemu.argv";
