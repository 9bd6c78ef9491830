//! The digest of a file that is mostly holes: the file of a node's memory has every page of the guest at its place, and
//! pages that are zero are left out.

use crate::host::regular_file::RegularFile;
use damonlab_protocol::units::Bytes;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::AsFd;
use std::path::Path;

use nix::errno::Errno;
use nix::unistd::{Whence, lseek};

const CHUNK: usize = 1 << 20;

/// blake3 over the length, and over each chunk that is not zero with its place. The digest does not depend on the holes
/// that a file system makes.
pub(super) fn digest(path: &Path) -> io::Result<String> {
    let mut file = RegularFile::open(path, Bytes(u64::MAX))?.into_file();
    let length = file.metadata()?.len();
    let mut hasher = blake3::Hasher::new();
    hasher.update(&length.to_le_bytes());
    let mut chunk = vec![0; CHUNK];
    let mut at = 0;
    while let Some(data) = next_data(&file, at)? {
        // Chunks are aligned, so that the places of holes do not matter.
        at = data - data % CHUNK as u64;
        file.seek(SeekFrom::Start(at))?;
        let size = fill(&mut file, &mut chunk)?;
        if chunk[..size].iter().any(|byte| *byte != 0) {
            hasher.update(&at.to_le_bytes()).update(&chunk[..size]);
        }
        at += CHUNK as u64;
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// The place of the next data at or after `from`.
fn next_data(file: &File, from: u64) -> io::Result<Option<u64>> {
    let from = i64::try_from(from).map_err(io::Error::other)?;
    match lseek(file.as_fd(), from, Whence::SeekData) {
        Ok(at) => Ok(u64::try_from(at).ok()),
        Err(Errno::ENXIO) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// Fills `chunk` up to the end of the file.
fn fill(file: &mut File, chunk: &mut [u8]) -> io::Result<usize> {
    let mut size = 0;
    while size < chunk.len() {
        match file.read(&mut chunk[size..])? {
            0 => break,
            read => size += read,
        }
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// A file with 5000 bytes of data at `place`, either in a hole or after zeros that were written.
    fn file(place: u64, hole: bool) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        if !hole {
            file.write_all(&vec![0; usize::try_from(place).unwrap()]).unwrap();
        }
        file.seek(SeekFrom::Start(place)).unwrap();
        file.write_all(&[7; 5000]).unwrap();
        file.as_file().set_len(32 << 20).unwrap();
        file
    }

    #[test]
    fn holes_and_written_zeros_have_equal_digests() {
        let place = 9_123_457;
        assert_eq!(digest(file(place, true).path()).unwrap(), digest(file(place, false).path()).unwrap());
    }

    #[test]
    fn moved_data_missing_data_and_another_length_are_noticed() {
        let first = digest(file(4096, true).path()).unwrap();
        assert_ne!(first, digest(file(4097, true).path()).unwrap());
        let cut = file(4096, true);
        cut.as_file().set_len(8000).unwrap();
        assert_ne!(first, digest(cut.path()).unwrap());
        let shorter = file(4096, true);
        shorter.as_file().set_len(31 << 20).unwrap();
        assert_ne!(first, digest(shorter.path()).unwrap());
    }
}
