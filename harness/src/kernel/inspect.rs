//! Checks that a folder is a kernel tree with the parts that damonlab tests, and reads the header of a bzImage.

use super::error::KernelError;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// The oldest series on which the scenarios were measured.
pub const OLDEST: &str = "6.12";

/// The files of a tree as text, wherever they are.
pub trait Tree {
    /// The text of the file at `path` below the root of the tree, if there is one.
    fn text(&self, path: &str) -> Option<String>;
}

impl Tree for Path {
    fn text(&self, path: &str) -> Option<String> {
        Some(String::from_utf8_lossy(&std::fs::read(self.join(path)).ok()?).into_owned())
    }
}

/// Files at the root of a tree that append to its release, in the order of scripts/setlocalversion: linux-next and the real-time
/// tree have one.
const LOCAL_VERSIONS: &[&str] = &["localversion", "localversion-next", "localversion-rt"];

/// The release of a tree as its Makefile and its `localversion` files have it: `7.3.4-rc1`, `7.4.0-rc3-next-20261127`. `place`
/// is its name in messages.
///
/// # Errors
/// It is not a kernel tree, or has no DAMON that is configured through sysfs.
pub fn tree(tree: &(impl Tree + ?Sized), place: &Path) -> Result<String, KernelError> {
    let makefile = tree.text("Makefile").unwrap_or_default();
    let mut release = release_in(&makefile).ok_or_else(|| KernelError::NotATree(place.to_owned()))?;
    LOCAL_VERSIONS.iter().filter_map(|name| tree.text(name)).for_each(|text| release += local_version(&text));
    let too_old = |missing| {
        let release = release.clone();
        Err(KernelError::TooOld { dir: place.to_owned(), release, missing, wanted: OLDEST })
    };
    let Some(options) = tree.text("mm/damon/Kconfig") else { return too_old("DAMON (mm/damon)") };
    if !defines(&options, "DAMON_SYSFS") {
        return too_old("sysfs interface of DAMON (DAMON_SYSFS in mm/damon/Kconfig)");
    }
    Ok(release)
}

/// Whether the text of a Kconfig file defines the option `symbol`.
pub(super) fn defines(kconfig: &str, symbol: &str) -> bool {
    kconfig.lines().any(|line| {
        let mut words = line.split_whitespace();
        matches!(words.next(), Some("config" | "menuconfig")) && words.next() == Some(symbol)
    })
}

/// Whether the tree has the DAMON tracepoint `name`.
pub fn has_event(tree: &(impl Tree + ?Sized), name: &str) -> bool {
    let events = tree.text("include/trace/events/damon.h").unwrap_or_default();
    // TRACE_EVENT(name, and TRACE_EVENT_CONDITION(name,
    events.lines().any(|line| {
        let event = line.trim().strip_prefix("TRACE_EVENT").and_then(|rest| rest.split_once('('));
        event.is_some_and(|(_, rest)| rest.split(',').next() == Some(name))
    })
}

fn release_in(makefile: &str) -> Option<String> {
    let value = |name: &str| {
        makefile
            .lines()
            .take(16)
            .find_map(|line| Some(line.strip_prefix(name)?.trim_start().strip_prefix('=')?.trim()))
    };
    let number =
        |name| value(name).filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()));
    let (version, patchlevel) = (number("VERSION")?, number("PATCHLEVEL")?);
    let sublevel = number("SUBLEVEL").unwrap_or("0");
    Some(format!("{version}.{patchlevel}.{sublevel}{}", value("EXTRAVERSION").unwrap_or_default()))
}

/// What a `localversion` file appends: its one word, if it may be part of a release.
fn local_version(text: &str) -> &str {
    let word = text.trim();
    let sound = |c: char| c.is_ascii_alphanumeric() || "-._+~".contains(c);
    if word.len() <= 64 && word.chars().all(sound) { word } else { "" }
}

/// Checks that a file with a boot header has what the header announces: the setup code of `setup_sects` sectors and one boot
/// sector, and the protected-mode code of `syssize` times 16 bytes. A signature may follow. `xloadflags` of a kernel for
/// x86-64 has a 64-bit entry point.
fn complete(path: &Path, file: &mut std::fs::File) -> Result<(), KernelError> {
    let bad = |reason| KernelError::NotAnImage { path: path.to_owned(), reason };
    let mut header = [0; 0x264];
    let read = file.rewind().and_then(|()| file.read_exact(&mut header));
    read.map_err(|_| bad("it is shorter than its boot header"))?;
    let short = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
    let long = |at: usize| u64::from(short(at)) | u64::from(short(at + 2)) << 16;
    // Protocol 2.12 (Linux 3.8) has all the fields.
    if short(0x206) < 0x20c || short(0x236) & 1 == 0 {
        return Err(bad("its header has no 64-bit entry point (xloadflags)"));
    }
    let sectors = match header[0x1f1] {
        0 => 4,
        sectors => u64::from(sectors),
    };
    let (setup, code, needed) = ((sectors + 1) * 512, long(0x1f4) * 16, long(0x260));
    let (wanted, found) = (setup + code, file.metadata()?.len());
    if found < wanted {
        return Err(KernelError::CutOff { path: path.to_owned(), wanted, found });
    }
    if code == 0 || needed < code || long(0x248) + long(0x24c) > code {
        return Err(bad("its header contradicts itself (syssize, payload_length, init_size)"));
    }
    Ok(())
}

/// The release in the header of a bzImage (Documentation/arch/x86/boot.rst: `header` at 0x202, `kernel_version` at 0x20e,
/// which counts from 0x200), if it has one.
pub fn image(path: &Path) -> Result<Option<String>, KernelError> {
    let bad = |reason| KernelError::NotAnImage { path: path.to_owned(), reason };
    let mut file = std::fs::File::open(path)
        .map_err(|cause| KernelError::NoSuchPath { path: path.to_owned(), cause })?;
    let mut setup = [0; 0x210];
    file.read_exact(&mut setup).map_err(|_| bad("it is shorter than a boot sector and its header"))?;
    if &setup[0x202..0x206] != b"HdrS" {
        return Err(bad("the magic HdrS is not at 0x202"));
    }
    complete(path, &mut file)?;
    let offset = u16::from_le_bytes([setup[0x20e], setup[0x20f]]);
    if offset == 0 {
        return Ok(None);
    }
    let text = version_at(&mut file, u64::from(offset) + 0x200)
        .map_err(|_| bad("its version string cannot be read"))?;
    Ok(text.split_whitespace().next().map(str::to_owned))
}

fn version_at(file: &mut std::fs::File, offset: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(offset))?;
    file.take(256).read_to_end(&mut bytes)?;
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    Ok(crate::host::text::printable(&String::from_utf8_lossy(&bytes[..end])))
}

/// A bzImage without code, for tests: a header, and the release at 0x380.
#[cfg(test)]
pub(crate) fn bzimage(version: &str) -> Vec<u8> {
    let mut bytes = vec![0; 0x600];
    let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
    put(0x1f1, &[1]);
    put(0x1f4, &0x20u32.to_le_bytes());
    put(0x202, b"HdrS\x0f\x02");
    put(0x20e, &0x180u16.to_le_bytes());
    put(0x236, &[1]);
    put(0x24c, &0x80u32.to_le_bytes());
    put(0x260, &0x1_0000u32.to_le_bytes());
    put(0x380, version.as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fault::{Fault, Faulty};
    use fs_err as fs;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::create_dir_all(dir.path().join(name).parent().unwrap()).unwrap();
            fs::write(dir.path().join(name), text).unwrap();
        }
        dir
    }

    const MAKEFILE: &str =
        "# SPDX\nVERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 0\nEXTRAVERSION = -rc3\nNAME = x\n";

    #[test]
    fn a_folder_that_is_not_a_kernel_tree_is_refused() {
        let dir = folder(&[("Makefile", "all:\n\tcc main.c\n")]);
        assert!(matches!(tree(dir.path(), dir.path()), Err(KernelError::NotATree(_))));
    }

    #[test]
    fn a_kernel_without_damon_or_its_sysfs_is_refused_with_what_is_missing_and_what_is_wanted() {
        let dir = folder(&[("Makefile", MAKEFILE)]);
        assert_eq!(
            tree(dir.path(), dir.path()).unwrap_err().to_string(),
            format!(
                "linux 6.12.0-rc3 in {} has no DAMON (mm/damon): wanted 6.12 or newer",
                dir.path().display()
            )
        );
        let dir = folder(&[("Makefile", MAKEFILE), ("mm/damon/Kconfig", "config DAMON\n")]);
        let error = tree(dir.path(), dir.path()).unwrap_err().to_string();
        assert!(error.contains("has no sysfs interface of DAMON"), "{error}");
    }

    #[test]
    fn the_release_of_a_tree_is_in_its_makefile_and_its_localversion_files() {
        let options = ("mm/damon/Kconfig", "menuconfig DAMON\nconfig DAMON_SYSFS\n");
        let release = |more: &[(&str, &str)]| {
            let dir = folder(&[&[("Makefile", MAKEFILE), options], more].concat());
            tree(dir.path(), dir.path()).unwrap()
        };
        assert_eq!(release(&[]), "6.12.0-rc3");
        assert_eq!(release(&[("localversion-next", "-next-20261127\n")]), "6.12.0-rc3-next-20261127");
        assert_eq!(release(&[("localversion", "+"), ("localversion-rt", "-rt\u{1b}[2J")]), "6.12.0-rc3+");
    }

    #[test]
    fn an_event_is_found_by_its_whole_name() {
        let header = ("include/trace/events/damon.h", "TRACE_EVENT(damos_esz,\n\tTP_PROTO(int damos_sz),\n");
        let dir = folder(&[header]);
        assert!(has_event(dir.path(), "damos_esz"));
        assert!(!has_event(dir.path(), "damos") && !has_event(dir.path(), "damos_sz"));
    }

    fn changed(version: &str, at: usize, value: u8) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bzImage");
        let mut bytes = bzimage(version);
        bytes[at] = value;
        fs::write(&path, bytes).unwrap();
        image(&path).unwrap_err().to_string()
    }

    #[test]
    fn an_image_that_is_cut_off_is_refused_with_both_sizes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bzImage");
        let whole = bzimage("7.3.4");
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        let error = image(&path).unwrap_err();
        assert_eq!(error.fault(), Fault::BadInput);
        let text =
            "is cut off: its header announces 1536 bytes, and the file has 1535; copy or build it again";
        assert!(error.to_string().ends_with(text), "{error}");
        fs::write(&path, [whole, vec![7; 100]].concat()).unwrap();
        assert!(image(&path).is_ok(), "a signature may follow");
    }

    #[test]
    fn an_image_for_another_processor_or_with_impossible_sizes_is_refused() {
        assert!(changed("7.3.4", 0x236, 0).ends_with("its header has no 64-bit entry point (xloadflags)"));
        assert!(changed("7.3.4", 0x206, 0x0b).ends_with("(xloadflags)"));
        for at in [0x24d, 0x262] {
            assert!(
                changed("7.3.4", at, 0xff * u8::from(at == 0x24d)).contains("contradicts itself"),
                "{at:x}"
            );
        }
    }

    #[test]
    fn the_release_of_an_image_is_in_its_header() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bzImage");
        fs::write(&path, bzimage("7.3.4-test (user@host) #1 SMP")).unwrap();
        assert_eq!(image(&path).unwrap().as_deref(), Some("7.3.4-test"));
    }

    #[test]
    fn a_file_without_the_magic_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vmlinux");
        fs::write(&path, [0x7f; 0x400]).unwrap();
        assert!(
            image(&path)
                .unwrap_err()
                .to_string()
                .ends_with("is not an x86 bzImage: the magic HdrS is not at 0x202")
        );
        fs::write(&path, "").unwrap();
        assert!(matches!(image(&path), Err(KernelError::NotAnImage { .. })));
    }
}
