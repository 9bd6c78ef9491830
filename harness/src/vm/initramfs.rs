//! The whole file system of a guest: one cpio archive with the agent as `/init`.
//!
//! The archive depends on the agent's bytes only (no times, no owners), so equal agents boot equally.

use cpio::newc::{Builder, trailer};
use std::io::{self, Write};

/// The statically linked agent; see `build.rs`.
pub const AGENT: &[u8] = include_bytes!(env!("DAMONLAB_GUEST"));

const DIRECTORY: u32 = 0o040_755;
const EXECUTABLE: u32 = 0o100_755;
const CHARACTER_DEVICE: u32 = 0o020_600;

/// The archive in newc format: mount points, `/dev/console`, `/init`.
///
/// Linux opens `/dev/console` for PID 1 before devtmpfs can be mounted; without the node the agent would start without
/// standard output (`init/main.c: console_on_rootfs`).
pub fn archive(agent: &[u8]) -> io::Result<Vec<u8>> {
    let size = u32::try_from(agent.len()).map_err(io::Error::other)?;
    let mut out = Vec::with_capacity(agent.len() + 4096);
    for (ino, folder) in (1..).zip(["dev", "proc", "sys", "run"]) {
        Builder::new(folder).ino(ino).nlink(2).mode(DIRECTORY).write(&mut out, 0).finish()?;
    }
    Builder::new("dev/console")
        .ino(10)
        .mode(CHARACTER_DEVICE)
        .rdev_major(5)
        .rdev_minor(1)
        .write(&mut out, 0)
        .finish()?;
    let mut init = Builder::new("init").ino(11).mode(EXECUTABLE).write(&mut out, size);
    init.write_all(agent)?;
    init.finish()?;
    trailer(&mut out)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_agents_give_equal_archives() {
        assert_eq!(archive(b"agent").unwrap(), archive(b"agent").unwrap());
    }

    #[test]
    fn init_is_executable_and_whole() {
        let archive = archive(b"agent").unwrap();
        let mut rest = archive.as_slice();
        loop {
            let mut reader = cpio::newc::Reader::new(rest).unwrap();
            assert!(!reader.entry().is_trailer(), "no /init in the archive");
            if reader.entry().name() == "init" {
                assert_eq!(reader.entry().mode(), EXECUTABLE);
                let mut content = Vec::new();
                io::copy(&mut reader, &mut content).unwrap();
                assert_eq!(content, b"agent");
                return;
            }
            rest = reader.finish().unwrap();
        }
    }

    #[test]
    fn the_agent_names_no_folder_of_the_host_so_that_every_checkout_has_the_same() {
        let checkout = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let home = std::env::home_dir().unwrap().join(".cargo");
        for folder in [checkout.parent().unwrap().to_owned(), home] {
            let folder = folder.to_str().unwrap().as_bytes();
            assert!(!AGENT.windows(folder.len()).any(|bytes| bytes == folder));
        }
    }

    #[test]
    fn the_agent_is_a_static_elf_file() {
        assert_eq!(&AGENT[..5], b"\x7fELF\x02", "not a 64-bit ELF file");
        let u16_at = |at: usize| u16::from_le_bytes([AGENT[at], AGENT[at + 1]]);
        // ELF-64: e_phoff at 32, e_phentsize at 54, e_phnum at 56; p_type begins a program header.
        let (size, count) = (usize::from(u16_at(54)), usize::from(u16_at(56)));
        let first = usize::from(u16_at(32));
        let kinds: Vec<u16> = (0..count).map(|index| u16_at(first + index * size)).collect();
        const PT_LOAD: u16 = 1;
        const PT_INTERP: u16 = 3;
        assert!(kinds.contains(&PT_LOAD), "{kinds:?}");
        assert!(!kinds.contains(&PT_INTERP), "the agent needs a dynamic linker");
    }
}
