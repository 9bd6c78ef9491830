//! The archive inside the program: the files that `build.rs` packed.

use crate::host::names::Key;
use flate2::read::GzDecoder;
use std::io::{self, Read};

/// A compressed cpio archive.
const ARCHIVE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/bundled.cpio.gz"));

/// A file of the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its path in the source tree.
    pub(super) name: String,
    /// Its content.
    pub(super) bytes: Vec<u8>,
}

/// All files, by name.
///
/// # Errors
/// The archive is damaged, and so is the program.
pub(super) fn entries() -> io::Result<Vec<Entry>> {
    let mut rest = Vec::new();
    GzDecoder::new(ARCHIVE).read_to_end(&mut rest)?;
    let mut rest = rest.as_slice();
    let mut entries = Vec::new();
    loop {
        let mut reader = cpio::newc::Reader::new(rest)?;
        if reader.entry().is_trailer() {
            return Ok(entries);
        }
        let name = reader.entry().name().to_owned();
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes)?;
        entries.push(Entry { name, bytes });
        rest = reader.finish()?;
    }
}

/// A name for the content.
pub(super) fn key() -> Key {
    Key::of(&blake3::hash(ARCHIVE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_has_every_kind_of_file_and_none_that_only_tests_read() {
        let entries = entries().unwrap();
        let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
        for name in [
            "examples/rules/goals.yaml",
            "kernel-config/base.config",
            "patches/regressions/14-eligible-divides-by-zero.patch",
            "scenarios/idle.yaml",
            "scenarios/machines/dram2.yaml",
            "snapshots/idle@behaviour.snap",
        ] {
            assert!(names.contains(&name), "{name} is not among {names:?}");
        }
        assert!(!names.iter().any(|name| name.starts_with("scenarios/invalid")), "{names:?}");
        assert!(names.is_sorted(), "{names:?}");
    }
}
