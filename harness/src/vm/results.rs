//! Receives the results: a stream of sections, each checked and written to a file of the recording, then acknowledged
//! (`damonlab_protocol::wire`).

use crate::recording::LIMITS;
use damonlab_protocol::wire::{self, ACK, WireError};
use fs_err as fs;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// Receives all sections into `folder` and acknowledges them. It blocks until the guest has sent everything or the channel
/// ends.
pub fn receive(stream: UnixStream, folder: &Path) -> Result<(), WireError> {
    let mut store = Store { folder: folder.to_owned(), open: None };
    let reader = io::BufReader::with_capacity(64 << 10, &stream);
    let sections: Vec<(&str, u64)> = LIMITS.iter().map(|(name, limit)| (*name, limit.0)).collect();
    wire::receive(reader, &sections, |name, chunk| store.put(name, chunk))?;
    store.close().map_err(WireError::Store)?;
    (&stream).write_all(ACK)?;
    Ok(())
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

    #[test]
    fn a_complete_delivery_is_acknowledged() {
        let folder = tempfile::tempdir().unwrap();
        let (host, mut guest) = UnixStream::pair().unwrap();
        let place = folder.path().to_owned();
        let host = std::thread::spawn(move || receive(host, &place));
        let mut sender = wire::Sender::new(guest.try_clone().unwrap()).unwrap();
        sender.section(section::TRACE, 5, &b"# t\na"[..]).unwrap();
        sender.section(section::DMESG, 0, &b""[..]).unwrap();
        sender.finish().unwrap();
        let mut answer = [0; 8];
        guest.read_exact(&mut answer).unwrap();
        host.join().unwrap().unwrap();
        assert_eq!(&answer, ACK);
        assert_eq!(fs::read(folder.path().join(section::TRACE)).unwrap(), b"# t\na");
        assert!(fs::read(folder.path().join(section::DMESG)).unwrap().is_empty());
    }
}
