//! Files as bytes and as lines, a chunk at a time.

use crate::host::regular_file::RegularFile;
use damonlab_protocol::units::Bytes;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// A longer line is taken in parts: a guest decides how long its lines are. A sample has some 10 KiB.
const LINE_LIMIT: u64 = 1 << 20;

const CHUNK: usize = 128 << 10;

/// A file of a recording. It is compared in chunks, so its length does not matter.
fn open(path: &Path) -> io::Result<BufReader<RegularFile>> {
    Ok(BufReader::with_capacity(CHUNK, RegularFile::open(path, Bytes(u64::MAX))?))
}

/// Whether two files have the same bytes.
pub(super) fn same_bytes(first: &Path, second: &Path) -> io::Result<bool> {
    let (mut first, mut second) = (open(first)?, open(second)?);
    loop {
        let (left, right) = (first.fill_buf()?, second.fill_buf()?);
        let length = left.len().min(right.len());
        if left[..length] != right[..length] {
            return Ok(false);
        }
        if length == 0 {
            return Ok(left.is_empty() && right.is_empty());
        }
        first.consume(length);
        second.consume(length);
    }
}

/// The lines of a file, one in memory at a time.
pub(super) struct Lines {
    reader: BufReader<RegularFile>,
    line: Vec<u8>,
    number: u64,
}

impl Lines {
    pub(super) fn open(path: &Path) -> io::Result<Lines> {
        Ok(Lines { reader: open(path)?, line: Vec::new(), number: 0 })
    }

    /// The next line that is not skipped, with its newline; empty at the end.
    fn advance(&mut self, skip: impl Fn(&[u8]) -> bool) -> io::Result<&[u8]> {
        loop {
            // A part of a long line that goes on has no newline, and no number of its own.
            if self.number == 0 || self.line.ends_with(b"\n") {
                self.number += 1;
            }
            self.line.clear();
            (&mut self.reader).take(LINE_LIMIT).read_until(b'\n', &mut self.line)?;
            if self.line.is_empty() || !skip(&self.line) {
                return Ok(&self.line);
            }
        }
    }

    /// How many lines `counts` takes.
    pub(super) fn count(mut self, counts: impl Fn(&[u8]) -> bool) -> io::Result<u64> {
        let (mut count, mut last) = (0, 0);
        while !self.advance(|_| false)?.is_empty() {
            count += u64::from(self.number != last && counts(&self.line));
            last = self.number;
        }
        Ok(count)
    }
}

/// Two lines that stand in the same place and differ; at the end of a file the line is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    /// The line's number, from 1: the first file's, or that of the file that goes on.
    pub(super) number: u64,
    pub(super) first: Vec<u8>,
    pub(super) second: Vec<u8>,
}

impl Pair {
    /// The first pair, leaving out lines that `skip` takes.
    pub(super) fn first(
        first: &Path,
        second: &Path,
        skip: impl Fn(&[u8]) -> bool,
    ) -> io::Result<Option<Pair>> {
        let (mut first, mut second) = (Lines::open(first)?, Lines::open(second)?);
        loop {
            let differs = first.advance(&skip)? != second.advance(&skip)?;
            if differs {
                let number = if first.line.is_empty() { second.number } else { first.number };
                return Ok(Some(Pair { number, first: first.line, second: second.line }));
            }
            if first.line.is_empty() {
                return Ok(None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fs_err as fs;

    fn file(folder: &Path, name: &str, content: &[u8]) -> std::path::PathBuf {
        let path = folder.join(name);
        fs::write(&path, content).unwrap();
        path
    }

    #[test]
    fn a_line_longer_than_the_limit_is_one_line_in_parts() {
        let folder = tempfile::tempdir().unwrap();
        let mut long = vec![b'x'; 3 << 20];
        long.extend(b"\nshort\n");
        let first = file(folder.path(), "first", &long);
        *long.last_mut().unwrap() = b'!';
        let second = file(folder.path(), "second", &long);
        assert_eq!(Lines::open(&first).unwrap().count(|_| true).unwrap(), 2);
        let pair = Pair::first(&first, &second, |_| false).unwrap().unwrap();
        assert_eq!((pair.number, pair.first.as_slice()), (2, b"short\n".as_slice()));
        assert!(!same_bytes(&first, &second).unwrap());
    }

    #[test]
    fn files_that_share_a_chunk_and_then_end_apart_are_not_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let first = file(folder.path(), "first", &vec![b'\n'; CHUNK]);
        let second = file(folder.path(), "second", &vec![b'\n'; CHUNK + 1]);
        assert!(!same_bytes(&first, &second).unwrap());
        assert!(same_bytes(&first, &first).unwrap());
    }
}
