//! Why the bytes of a ring buffer cannot be read.

use super::pages::Damage;
use crate::host::text::foreign;

/// Why a `trace.raw` cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RawError {
    /// No `path length` where a block should begin.
    #[error("byte {at}: 'path length' was expected")]
    Head {
        /// The byte's place in the file.
        at: usize,
    },
    /// A block that is longer than the file.
    #[error("{} has {wanted} bytes, of which {found} are there", foreign(.path))]
    Cut {
        /// The block.
        path: String,
        /// Its length, as it says.
        wanted: usize,
        /// What is left of the file.
        found: usize,
    },
    /// Another layout of sub-buffers than this one.
    #[error("events/header_page: {0} is not where a 64-bit little-endian kernel has it")]
    Page(&'static str),
    /// A `format` file without its number, or with a field that makes no sense.
    #[error("{}: {why}", foreign(.path))]
    Format {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A sub-buffer that makes no sense.
    #[error("CPU {cpu}: {damage}")]
    Damaged {
        /// The CPU.
        cpu: u16,
        /// Where, and how.
        damage: Damage,
    },
}
