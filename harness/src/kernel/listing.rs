//! Lists of the files of a source or a working copy, with a hash of their content.
//!
//! Stored as text, a line for each file, so that a list of a hundred thousand files loads fast and is readable.

use super::error::KernelError;
use crate::host::regular_file::cached_text;
use fs_err as fs;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::io;
use std::path::Path;

/// The content of a file: 128 bits of BLAKE3 over its bytes or, for a file of an unpacked release, which does not change,
/// over the version of the release and the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Content(u128);

impl Content {
    /// The hash of bytes.
    pub fn of(bytes: &[u8]) -> Content {
        let hash = blake3::hash(bytes);
        let mut first = [0; 16];
        first.copy_from_slice(&hash.as_bytes()[..16]);
        Content(u128::from_be_bytes(first))
    }

    /// Parses the output of `Display`.
    pub fn parse(text: &str) -> Option<Content> {
        u128::from_str_radix(text, 16).ok().map(Content)
    }

    /// The hash for the file `path` of the release `version`, without reading it.
    pub fn of_release(version: &str, path: &str) -> Content {
        Content::of(format!("release {version}\0{path}").as_bytes())
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The kind of a file, which is all that is stored of its mode, as in git.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// A file that is not executable.
    Plain,
    /// An executable file.
    Executable,
    /// A symbolic link, whose content is its target.
    Link,
}

impl FileKind {
    const ALL: [(FileKind, char); 3] =
        [(FileKind::Plain, 'f'), (FileKind::Executable, 'x'), (FileKind::Link, 'l')];

    fn letter(self) -> char {
        FileKind::ALL.iter().find(|(kind, _)| *kind == self).map_or('f', |(_, letter)| *letter)
    }

    fn of_letter(text: &str) -> Option<FileKind> {
        FileKind::ALL.iter().find(|(_, letter)| text.chars().eq([*letter])).map(|(kind, _)| *kind)
    }
}

/// One file of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its kind.
    pub kind: FileKind,
    /// The hash of its content.
    pub content: Content,
}

/// Files by their path below the tree's root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing(pub BTreeMap<String, Entry>);

impl Listing {
    /// Reads a stored list; none if it is missing or incomplete.
    pub fn load(path: &Path) -> Option<Listing> {
        let text = cached_text(path)?;
        let mut lines = text.lines();
        let count: usize = lines.next()?.strip_prefix("files ")?.parse().ok()?;
        let mut files = BTreeMap::new();
        for line in lines {
            let mut fields = line.splitn(3, ' ');
            let kind = FileKind::of_letter(fields.next()?)?;
            let content = Content::parse(fields.next()?)?;
            files.insert(fields.next()?.to_owned(), Entry { kind, content });
        }
        (files.len() == count).then_some(Listing(files))
    }

    /// Stores the list, whole or not at all.
    pub fn store(&self, path: &Path) -> io::Result<()> {
        crate::host::paths::write_atomic(path, self.text().as_bytes())
    }

    fn text(&self) -> String {
        let mut text = format!("files {}\n", self.0.len());
        for (path, Entry { kind, content }) in &self.0 {
            let _ = writeln!(text, "{} {content} {path}", kind.letter());
        }
        text
    }

    /// A digest of the whole tree, whatever its place.
    pub fn digest(&self) -> String {
        blake3::hash(self.text().as_bytes()).to_hex()[..32].to_owned()
    }

    /// A digest of the files that decide what a configuration means.
    pub fn kconfig_digest(&self) -> String {
        let decides = |path: &str| {
            let name = path.rsplit('/').next().unwrap_or(path);
            name.starts_with("Kconfig")
                || path.starts_with("scripts/kconfig/")
                || path.starts_with("kernel/configs/")
                || path.starts_with("scripts/Kconfig")
                || path.ends_with("-version.sh")
                || path.starts_with("arch/x86/configs/")
        };
        let part =
            self.0.iter().filter(|(path, _)| decides(path)).map(|(path, entry)| (path.clone(), *entry));
        Listing(part.collect()).digest()
    }
}

/// Lists an unpacked release without reading its files.
pub fn of_release(dir: &Path, version: &str) -> Result<Listing, KernelError> {
    let mut files = BTreeMap::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(dir.join(&folder))? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| !name.contains('\n')) else {
                let name = name.to_string_lossy().into_owned();
                return Err(KernelError::BadName { dir: dir.to_owned(), name });
            };
            let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            let meta = fs::symlink_metadata(entry.path())?;
            if meta.is_dir() {
                folders.push(path);
                continue;
            }
            if let Some(kind) = kind_of(&meta) {
                let content = Content::of_release(version, &path);
                files.insert(path, Entry { kind, content });
            }
        }
    }
    Ok(Listing(files))
}

/// The kind of a file; none for sockets, devices and the like.
pub(super) fn kind_of(meta: &std::fs::Metadata) -> Option<FileKind> {
    use std::os::unix::fs::PermissionsExt;
    match meta.file_type() {
        kind if kind.is_symlink() => Some(FileKind::Link),
        kind if kind.is_file() && meta.permissions().mode() & 0o100 != 0 => Some(FileKind::Executable),
        kind if kind.is_file() => Some(FileKind::Plain),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Listing {
        let entry = |kind, text: &str| Entry { kind, content: Content::of(text.as_bytes()) };
        Listing(BTreeMap::from([
            ("Makefile".to_owned(), entry(FileKind::Plain, "all:")),
            ("scripts/run me".to_owned(), entry(FileKind::Executable, "#!/bin/sh")),
            ("link".to_owned(), entry(FileKind::Link, "Makefile")),
        ]))
    }

    #[test]
    fn a_stored_list_loads_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list");
        sample().store(&path).unwrap();
        assert_eq!(Listing::load(&path), Some(sample()));
    }

    #[test]
    fn an_incomplete_list_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list");
        let text = sample().text();
        fs::write(&path, &text[..text.len() / 2]).unwrap();
        assert_eq!(Listing::load(&path), None);
    }

    #[test]
    fn the_mode_changes_the_digest() {
        let mut other = sample();
        other.0.get_mut("Makefile").unwrap().kind = FileKind::Executable;
        assert_ne!(other.digest(), sample().digest());
    }

    #[test]
    fn only_kconfig_files_decide_what_a_configuration_means() {
        let mut other = sample();
        other.0.insert("mm/damon/core.c".into(), Entry { kind: FileKind::Plain, content: Content::of(b"") });
        assert_eq!(other.kconfig_digest(), sample().kconfig_digest());
        other.0.insert("mm/damon/Kconfig".into(), Entry { kind: FileKind::Plain, content: Content::of(b"") });
        assert_ne!(other.kconfig_digest(), sample().kconfig_digest());
    }
}
