//! The part of QEMU's gdb stub that writes to the devices of a stopped guest.
//!
//! The remote serial protocol: `$text#checksum`, answered by `+` and a packet of the same form (GDB manual, appendix E). `Qqemu.PhyMemMode` makes addresses physical (QEMU, `docs/system/gdb.rst`).

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// An answer is a few bytes.
const LIMIT: u64 = 64 << 10;
const PATIENCE: Duration = Duration::from_secs(10);

/// The one connection that the stub takes: it must be closed before a debugger connects.
#[derive(Debug)]
pub(super) struct Gdb {
    reader: BufReader<UnixStream>,
}

impl Gdb {
    /// Uses `stream`. QEMU stops a running guest for it.
    pub(super) fn new(stream: UnixStream) -> io::Result<Gdb> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut gdb = Gdb { reader: BufReader::new(stream) };
        gdb.succeed("Qqemu.PhyMemMode:1")?;
        Ok(gdb)
    }

    /// Writes 32 bits to a physical address.
    pub(super) fn write(&mut self, address: u64, value: u32) -> io::Result<()> {
        let bytes: String = value.to_le_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        self.succeed(&format!("M{address:x},4:{bytes}"))
    }

    fn succeed(&mut self, command: &str) -> io::Result<()> {
        self.reader.get_mut().write_all(packet(command).as_bytes())?;
        match self.answer()?.as_str() {
            "OK" => Ok(()),
            other => Err(io::Error::other(format!("QEMU's gdb stub answers '{other}' to {command}"))),
        }
    }

    /// The next packet, acknowledged.
    fn answer(&mut self) -> io::Result<String> {
        let mut skipped = Vec::new();
        (&mut self.reader).take(LIMIT).read_until(b'$', &mut skipped)?;
        let mut text = Vec::new();
        (&mut self.reader).take(LIMIT).read_until(b'#', &mut text)?;
        if text.pop() != Some(b'#') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut checksum = [0; 2];
        self.reader.read_exact(&mut checksum)?;
        self.reader.get_mut().write_all(b"+")?;
        Ok(crate::host::text::printable(&String::from_utf8_lossy(&text)))
    }
}

fn packet(text: &str) -> String {
    let sum = text.bytes().fold(0u8, u8::wrapping_add);
    format!("${text}#{sum:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_have_the_checksum_of_the_protocol() {
        assert_eq!(packet("OK"), "$OK#9a");
        assert_eq!(packet("qSupported"), "$qSupported#37");
    }

    #[test]
    fn an_error_of_the_stub_is_reported_with_the_command() {
        let (stream, mut stub) = UnixStream::pair().unwrap();
        stub.write_all(b"+$OK#9a+$E14#aa").unwrap();
        let mut gdb = Gdb::new(stream).unwrap();
        let error = gdb.write(0xfebd_0000, 1).unwrap_err();
        assert_eq!(error.to_string(), "QEMU's gdb stub answers 'E14' to Mfebd0000,4:01000000");
        let mut sent = [0; 64];
        let length = stub.read(&mut sent).unwrap();
        assert!(String::from_utf8_lossy(&sent[..length]).starts_with("$Qqemu.PhyMemMode:1#"));
    }
}
