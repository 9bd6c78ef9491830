//! Receives the results: a stream of sections, each checked and written to a file of the recording, then acknowledged
//! (`damonlab_protocol::wire`).

use crate::recording::LIMITS;
use damonlab_protocol::wire::{self, ACK, WireError};
use fs_err as fs;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// The sections that a guest may send, and their limits.
pub(super) fn sections() -> Vec<(&'static str, u64)> {
    LIMITS.iter().map(|(name, limit)| (*name, limit.0)).collect()
}

/// Receives all sections into `folder` and acknowledges them. It blocks until the guest has sent everything or the channel
/// ends.
///
/// The caller keeps `stream` open until QEMU has ended: QEMU that finds it closed may discard an acknowledgement that it
/// has not read yet, and the guest sees the end of the channel instead ([`wait_for_end`]).
pub fn receive(stream: &UnixStream, folder: &Path) -> Result<(), WireError> {
    let mut store = Store { folder: folder.to_owned(), open: None };
    let reader = io::BufReader::with_capacity(64 << 10, stream);
    wire::receive(reader, &sections(), |name, chunk| store.put(name, chunk))?;
    store.close().map_err(WireError::Store)?;
    let mut channel = stream;
    channel.write_all(ACK)?;
    Ok(())
}

/// Blocks until QEMU closes its end of the channel, that is until it ends. Whatever still arrives is discarded.
pub fn wait_for_end(mut stream: &UnixStream) {
    // An error ends the channel too.
    let _ = io::copy(&mut stream, &mut io::sink());
}

/// Writes sections, one open file at a time; names come from [`LIMITS`] only.
struct Store {
    folder: PathBuf,
    open: Option<(String, io::BufWriter<fs::File>)>,
}

impl Store {
    fn put(&mut self, name: &str, chunk: &[u8]) -> io::Result<()> {
        if self.open.as_ref().is_none_or(|(open, _)| open != name) {
            self.close()?;
            let file = fs::File::create(self.folder.join(name))?;
            self.open = Some((name.to_owned(), io::BufWriter::new(file)));
        }
        match &mut self.open {
            Some((_, file)) => file.write_all(chunk),
            None => Ok(()),
        }
    }

    fn close(&mut self) -> io::Result<()> {
        match self.open.take() {
            Some((_, mut file)) => file.flush(),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use damonlab_protocol::record::section;
    use std::io::Read;

    /// Sends two sections as a guest does, and returns its end of the channel.
    fn send(guest: UnixStream) -> UnixStream {
        let mut sender = wire::Sender::new(guest).unwrap();
        sender.section(section::TRACE, 5, &b"# t\na"[..]).unwrap();
        sender.section(section::DMESG, 0, &b""[..]).unwrap();
        sender.finish().unwrap()
    }

    #[test]
    fn a_complete_delivery_is_acknowledged() {
        let folder = tempfile::tempdir().unwrap();
        let (host, guest) = UnixStream::pair().unwrap();
        let mut guest = send(guest);
        receive(&host, folder.path()).unwrap();
        let mut answer = [0; 8];
        guest.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, ACK);
        assert_eq!(fs::read(folder.path().join(section::TRACE)).unwrap(), b"# t\na");
        assert!(fs::read(folder.path().join(section::DMESG)).unwrap().is_empty());
    }

    #[test]
    fn the_channel_stays_open_after_the_acknowledgement_until_the_other_end_closes_it() {
        let folder = tempfile::tempdir().unwrap();
        let (host, guest) = UnixStream::pair().unwrap();
        let mut guest = send(guest);
        let place = folder.path().to_owned();
        let holder = std::thread::spawn(move || {
            receive(&host, &place).unwrap();
            wait_for_end(&host);
        });
        guest.read_exact(&mut [0; ACK.len()]).unwrap();
        // A closed channel would end this read with 0 bytes instead.
        guest.set_read_timeout(Some(std::time::Duration::from_millis(100))).unwrap();
        assert_eq!(guest.read(&mut [0]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(guest);
        holder.join().unwrap();
    }
}
