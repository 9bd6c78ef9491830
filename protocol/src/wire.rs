//! How results leave the guest: sections with a length each, a checksum over all, an acknowledgement.
//!
//! ```text
//! stream  = MAGIC section* end
//! section = name-length:u16le name:utf8 length:u64le bytes      name-length > 0
//! end     = 0:u16le total:u64le blake3:32 bytes                 over all that came before `end`
//! answer  = ACK, from the host, once everything is on its disk
//! ```
//!
//! The reader trusts nothing: names must come from the caller's list, sizes have a limit, and a
//! stream that ends early is an error of its own.

use std::io::{self, Read, Write};

/// What a stream begins with: a name and the version of this format.
pub const MAGIC: &[u8; 8] = b"dmnlab01";

/// What the host answers once it has checked and stored everything.
pub const ACK: &[u8; 8] = b"dmnl-ack";

const CHUNK: usize = 64 << 10;

/// Why a stream of results was refused.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The channel itself failed, or ended before the stream did.
    #[error("results channel: {0}")]
    Io(#[from] io::Error),
    /// The receiver could not store what came: nothing is wrong with the guest.
    #[error("cannot store the results: {0}")]
    Store(io::Error),
    /// The first bytes are not [`MAGIC`].
    #[error("results begin with {0:02x?}, not with the mark of this version")]
    Magic([u8; 8]),
    /// A name that the host does not know.
    #[error("unexpected section '{0}' in the results")]
    Section(String),
    /// The same section twice.
    #[error("section '{0}' came twice")]
    Twice(String),
    /// More than the host is willing to store.
    #[error("section '{section}' of the results is larger than {limit} bytes")]
    TooLarge {
        /// The section.
        section: String,
        /// Its limit.
        limit: u64,
    },
    /// The count or the checksum at the end differs from what arrived.
    #[error("results are damaged: {0}")]
    Damaged(&'static str),
}

/// Writes a stream.
pub struct Sender<W: Write> {
    out: W,
    hash: blake3::Hasher,
    total: u64,
}

impl<W: Write> Sender<W> {
    /// Begins a stream.
    pub fn new(out: W) -> io::Result<Self> {
        let mut sender = Sender { out, hash: blake3::Hasher::new(), total: 0 };
        sender.put(MAGIC)?;
        Ok(sender)
    }

    /// Sends one section of exactly `length` bytes from `body`.
    pub fn section(&mut self, name: &str, length: u64, mut body: impl Read) -> io::Result<()> {
        let name_length = u16::try_from(name.len()).map_err(io::Error::other)?;
        self.put(&name_length.to_le_bytes())?;
        self.put(name.as_bytes())?;
        self.put(&length.to_le_bytes())?;
        let mut left = length;
        let mut chunk = [0; CHUNK];
        while left > 0 {
            let want = chunk.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            body.read_exact(&mut chunk[..want])?;
            self.put(&chunk[..want])?;
            left -= want as u64;
        }
        Ok(())
    }

    /// Ends the stream and gives the channel back, for the acknowledgement.
    pub fn finish(mut self) -> io::Result<W> {
        let total = self.total;
        let hash = *self.hash.finalize().as_bytes();
        self.out.write_all(&0u16.to_le_bytes())?;
        self.out.write_all(&total.to_le_bytes())?;
        self.out.write_all(&hash)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.total += bytes.len() as u64;
        self.out.write_all(bytes)
    }
}

/// Reads a stream to its end, and hands each section's bytes to `store(name, chunk)` as they come.
/// An empty section is announced with one empty chunk.
///
/// `known` are the names that may come, each once, with the largest size of each.
pub fn receive(
    input: impl Read,
    known: &[(&str, u64)],
    mut store: impl FnMut(&str, &[u8]) -> io::Result<()>,
) -> Result<Vec<String>, WireError> {
    let mut input = Counted { input, hash: blake3::Hasher::new(), total: 0 };
    let mut magic = [0; 8];
    input.fill(&mut magic)?;
    if &magic != MAGIC {
        return Err(WireError::Magic(magic));
    }
    let mut seen: Vec<String> = Vec::new();
    loop {
        let (total, hash) = (input.total, input.hash.clone());
        let mut name_length = [0; 2];
        input.fill(&mut name_length)?;
        let name_length = usize::from(u16::from_le_bytes(name_length));
        if name_length == 0 {
            check_end(&mut input.input, total, &hash)?;
            return Ok(seen);
        }
        let (name, limit) = section_name(&mut input, name_length, known, &seen)?;
        let mut length = [0; 8];
        input.fill(&mut length)?;
        let length = u64::from_le_bytes(length);
        if length > limit {
            return Err(WireError::TooLarge { section: name, limit });
        }
        copy_section(&mut input, &name, length, &mut store)?;
        seen.push(name);
    }
}

fn section_name<R: Read>(
    input: &mut Counted<R>,
    length: usize,
    known: &[(&str, u64)],
    seen: &[String],
) -> Result<(String, u64), WireError> {
    let mut name = vec![0; length];
    input.fill(&mut name)?;
    let name = String::from_utf8_lossy(&name).into_owned();
    let Some((_, limit)) = known.iter().find(|(known, _)| *known == name) else {
        let shown: String = name.chars().take(60).map(|c| if c.is_control() { '?' } else { c }).collect();
        return Err(WireError::Section(shown));
    };
    if seen.contains(&name) {
        return Err(WireError::Twice(name));
    }
    Ok((name, *limit))
}

fn copy_section<R: Read>(
    input: &mut Counted<R>,
    name: &str,
    length: u64,
    store: &mut impl FnMut(&str, &[u8]) -> io::Result<()>,
) -> Result<(), WireError> {
    store(name, &[]).map_err(WireError::Store)?;
    let mut left = length;
    let mut chunk = [0; CHUNK];
    while left > 0 {
        let want = chunk.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        input.fill(&mut chunk[..want])?;
        store(name, &chunk[..want]).map_err(WireError::Store)?;
        left -= want as u64;
    }
    Ok(())
}

fn check_end(input: &mut impl Read, total: u64, hash: &blake3::Hasher) -> Result<(), WireError> {
    let mut said_total = [0; 8];
    input.read_exact(&mut said_total)?;
    let mut said_hash = [0; 32];
    input.read_exact(&mut said_hash)?;
    if u64::from_le_bytes(said_total) != total {
        return Err(WireError::Damaged("the count of bytes differs"));
    }
    if said_hash != *hash.finalize().as_bytes() {
        return Err(WireError::Damaged("the checksum differs"));
    }
    Ok(())
}

struct Counted<R: Read> {
    input: R,
    hash: blake3::Hasher,
    total: u64,
}

impl<R: Read> Counted<R> {
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.input.read_exact(buffer)?;
        self.hash.update(buffer);
        self.total += buffer.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn sent(sections: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut sender = Sender::new(Vec::new()).unwrap();
        for (name, body) in sections {
            sender.section(name, body.len() as u64, body.as_slice()).unwrap();
        }
        sender.finish().unwrap()
    }

    fn received(stream: &[u8], limit: u64) -> Result<BTreeMap<String, Vec<u8>>, WireError> {
        let mut got: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        receive(stream, &[("trace.txt", limit), ("guest.json", limit)], |name, chunk| {
            got.entry(name.to_owned()).or_default().extend_from_slice(chunk);
            Ok(())
        })?;
        Ok(got)
    }

    proptest! {
        #[test]
        fn what_is_sent_arrives(trace in prop::collection::vec(any::<u8>(), 0..200_000)) {
            let stream = sent(&[("trace.txt", trace.clone()), ("guest.json", Vec::new())]);
            let got = received(&stream, 1 << 20).unwrap();
            prop_assert_eq!(&got["trace.txt"], &trace);
            prop_assert!(got["guest.json"].is_empty());
        }

        #[test]
        fn one_wrong_byte_anywhere_is_found(at in 0usize..200, flip in 1u8..) {
            let mut stream = sent(&[("trace.txt", vec![7; 150])]);
            let at = at % stream.len();
            stream[at] ^= flip;
            prop_assert!(received(&stream, 1 << 20).is_err());
        }

        #[test]
        fn a_stream_cut_anywhere_is_an_error(keep in 0usize..200) {
            let stream = sent(&[("trace.txt", vec![7; 150])]);
            let keep = keep % stream.len();
            prop_assert!(received(&stream[..keep], 1 << 20).is_err());
        }
    }

    #[test]
    fn an_unknown_section_is_refused_without_its_escapes() {
        let error = received(&sent(&[("../\u{1b}[31mpasswd", vec![])]), 1 << 20).unwrap_err();
        assert_eq!(error.to_string(), "unexpected section '../?[31mpasswd' in the results");
    }

    #[test]
    fn more_than_the_limit_is_refused_before_it_is_stored() {
        let error = received(&sent(&[("trace.txt", vec![0; 100])]), 99).unwrap_err();
        assert!(matches!(error, WireError::TooLarge { limit: 99, .. }), "{error}");
    }

    #[test]
    fn a_section_cannot_come_twice() {
        let error = received(&sent(&[("guest.json", vec![]), ("guest.json", vec![])]), 99).unwrap_err();
        assert!(matches!(error, WireError::Twice(_)), "{error}");
    }
}
