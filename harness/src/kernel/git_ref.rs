//! A git ref of a user's tree: its files and their content.
//!
//! Only git's objects are read; the checkout does not matter and does not change. Each blob is hashed once and remembered,
//! so that the next ref costs what differs.

use super::error::KernelError;
use super::inspect::{self, Tree};
use super::listing::{Content, Entry, FileKind, Listing};
use super::user_tree;
use crate::host::command::{self, Limits};
use crate::host::regular_file::cached_text;
use crate::host::text::{foreign, shown};
use crate::host::{git, paths};
use damonlab_protocol::units::Bytes;
use fs_err as fs;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A tree object of a repository.
#[derive(Debug, Clone)]
pub(super) struct GitRef {
    dir: PathBuf,
    /// The id of the tree object: equal for equal files.
    pub(super) tree: String,
    /// The release in its Makefile.
    pub(super) version: String,
}

/// A file of a tree object.
struct Blob {
    kind: FileKind,
    id: String,
}

impl GitRef {
    /// The ref `name` of the repository at `dir`.
    ///
    /// # Errors
    /// There is no such ref, or it is not a kernel that damonlab can test.
    pub(super) fn find(dir: &Path, name: &str) -> Result<GitRef, KernelError> {
        let unknown =
            |why: String| KernelError::NoSuchRef { dir: dir.to_owned(), name: name.to_owned(), why };
        let mut git = git::at(dir);
        git.args(["rev-parse", "--verify", "--end-of-options"]).arg(format!("{name}^{{tree}}"));
        let output = command::capture(&mut git, Limits::LOCAL)?;
        if !output.status.success() {
            return Err(unknown(output.stderr.trim().to_owned()));
        }
        let tree = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let found = GitRef { dir: dir.to_owned(), tree, version: String::new() };
        let place = PathBuf::from(format!("{}@{name}", dir.to_string_lossy()));
        let version = inspect::tree(&found, &place)?;
        Ok(GitRef { version, ..found })
    }

    /// Its files; `memory` is the file with the hashes of known blobs.
    pub(super) fn listing(&self, memory: &Path) -> Result<Listing, KernelError> {
        let blobs = self.blobs()?;
        let mut known = load(memory);
        let unknown: BTreeSet<&str> =
            blobs.values().map(|blob| blob.id.as_str()).filter(|id| !known.contains_key(*id)).collect();
        let mut hashed = Vec::new();
        self.each(unknown.iter().copied(), |id, bytes| {
            hashed.push((id.to_owned(), Content::of(bytes)));
            Ok(())
        })?;
        if !hashed.is_empty() {
            known.extend(hashed);
            let text: String = known.iter().map(|(id, content)| format!("{id} {content}\n")).collect();
            paths::write_atomic(memory, text.as_bytes())?;
        }
        let missing = |id: &str| io::Error::other(format!("{}: git did not print {id}", shown(&self.dir)));
        let entry = |(path, Blob { kind, id }): (String, Blob)| {
            let content = *known.get(&id).ok_or_else(|| missing(&id))?;
            Ok::<_, KernelError>((path, Entry { kind, content }))
        };
        Ok(Listing(blobs.into_iter().map(entry).collect::<Result<_, _>>()?))
    }

    /// Writes its files for which `wanted` is true below `into`.
    pub(super) fn extract(&self, into: &Path, wanted: impl Fn(&str) -> bool) -> Result<(), KernelError> {
        let mut places: BTreeMap<String, Vec<(FileKind, PathBuf)>> = BTreeMap::new();
        for (path, Blob { kind, id }) in self.blobs()?.into_iter().filter(|(path, _)| wanted(path)) {
            places.entry(id).or_default().push((kind, into.join(path)));
        }
        self.each(places.keys().map(String::as_str), |id, bytes| {
            places[id].iter().try_for_each(|(kind, place)| write(place, *kind, bytes))
        })
    }

    fn blobs(&self) -> Result<BTreeMap<String, Blob>, KernelError> {
        let mut git = git::at(&self.dir);
        let lines = user_tree::names_of(git.args(["ls-tree", "-r", "-z", &self.tree]), &self.dir)?;
        let blob = |line: &String| {
            let (about, path) = line.split_once('\t')?;
            let mut fields = about.split(' ');
            let kind = match fields.next()? {
                "100644" => FileKind::Plain,
                "100755" => FileKind::Executable,
                "120000" => FileKind::Link,
                // A submodule.
                _ => return None,
            };
            Some((path.to_owned(), Blob { kind, id: fields.nth(1)?.to_owned() }))
        };
        Ok(lines.iter().filter_map(blob).collect())
    }

    /// Calls `take` with each of `ids` and its bytes, in order.
    fn each<'a>(
        &self,
        ids: impl Iterator<Item = &'a str>,
        mut take: impl FnMut(&str, &[u8]) -> io::Result<()>,
    ) -> Result<(), KernelError> {
        let ids: Vec<&str> = ids.collect();
        if ids.is_empty() {
            return Ok(());
        }
        let mut git = git::at(&self.dir);
        let request: String = ids.iter().map(|id| format!("{id}\n")).collect();
        let mut objects = Objects { expected: ids.into(), unread: Vec::new() };
        command::stream(git.args(["cat-file", "--batch"]), request.as_bytes(), OBJECTS, |bytes| {
            objects.read(bytes, &mut take)
        })?;
        Ok(objects.all_read()?)
    }
}

/// All files of a kernel, which pass through one by one.
const OBJECTS: Limits = Limits { output: Bytes(64 << 30), ..Limits::LOCAL };

/// The output of `git cat-file --batch`.
struct Objects<'a> {
    /// The ids of what is still to come, in order.
    expected: VecDeque<&'a str>,
    /// The beginning of an object.
    unread: Vec<u8>,
}

impl Objects<'_> {
    /// Hands every object that is complete with `bytes` to `take`.
    fn read(&mut self, bytes: &[u8], take: &mut impl FnMut(&str, &[u8]) -> io::Result<()>) -> io::Result<()> {
        self.unread.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(id) = self.expected.front()
            && let Some((object, length)) = object(&self.unread[at..], id)?
        {
            take(id, object)?;
            at += length;
            self.expected.pop_front();
        }
        self.unread.drain(..at);
        Ok(())
    }

    fn all_read(&self) -> io::Result<()> {
        let cut =
            |id| io::Error::new(io::ErrorKind::UnexpectedEof, format!("git ended in the middle of {id}"));
        self.expected.front().map_or(Ok(()), |id| Err(cut(id)))
    }
}

impl Tree for GitRef {
    fn text(&self, path: &str) -> Option<String> {
        let mut git = git::at(&self.dir);
        git.args(["cat-file", "blob"]).arg(format!("{}:{path}", self.tree));
        let output =
            command::capture(&mut git, Limits::LOCAL).ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// The first object in `bytes`, `ID blob SIZE`, a newline, its bytes and a newline, and its length with all that; none if
/// it is not complete.
fn object<'b>(bytes: &'b [u8], id: &str) -> io::Result<Option<(&'b [u8], usize)>> {
    let Some(begin) = bytes.iter().position(|byte| *byte == b'\n').map(|end| end + 1) else {
        return Ok(None);
    };
    let head = String::from_utf8_lossy(&bytes[..begin - 1]);
    let odd = || io::Error::other(format!("git prints for {id}: '{}'", foreign(&head)));
    let size = head.strip_prefix(id).and_then(|rest| rest.strip_prefix(" blob "));
    let size: usize = size.and_then(|size| size.parse().ok()).ok_or_else(odd)?;
    match bytes[begin..].get(..=size) {
        None => Ok(None),
        Some([object @ .., b'\n']) => Ok(Some((object, begin + size + 1))),
        Some(_) => Err(odd()),
    }
}

fn write(place: &Path, kind: FileKind, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder)?;
    }
    match kind {
        FileKind::Link => {
            use std::os::unix::ffi::OsStrExt;
            std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(bytes), place)
        }
        FileKind::Plain => fs::write(place, bytes),
        FileKind::Executable => {
            fs::write(place, bytes)?;
            fs::set_permissions(place, std::fs::Permissions::from_mode(0o755))
        }
    }
}

fn load(memory: &Path) -> BTreeMap<String, Content> {
    let text = cached_text(memory).unwrap_or_default();
    let line = |line: &str| {
        let (id, content) = line.split_once(' ')?;
        Some((id.to_owned(), Content::parse(content)?))
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests;
