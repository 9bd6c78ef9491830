//! A git ref of a user's tree: its files and their content.
//!
//! Only git's objects are read; the checkout does not matter and does not change. Each blob is hashed once and remembered,
//! so that the next ref costs what differs.

use super::error::KernelError;
use super::inspect::{self, Tree};
use super::listing::{Content, Entry, FileKind, Listing};
use super::user_tree;
use crate::host::process::Group;
use crate::host::regular_file::cached_text;
use crate::host::text::{foreign, shown};
use crate::host::{command, git, interrupt, paths};
use fs_err as fs;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

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
        let output = command::capture(&mut git)?;
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
        git.args(["cat-file", "--batch"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut group = Group::spawn(&mut git)?;
        let (input, output) = (group.leader().stdin.take(), group.leader().stdout.take());
        let (Some(mut input), Some(output)) = (input, output) else {
            return Err(io::Error::other("git cat-file has no pipes").into());
        };
        let request: String = ids.iter().map(|id| format!("{id}\n")).collect();
        std::thread::scope(|scope| {
            // Both pipes can fill up: one thread writes while the other reads.
            scope.spawn(move || input.write_all(request.as_bytes()));
            let mut output = BufReader::new(output);
            ids.iter().try_for_each(|id| {
                interrupt::check()?;
                let bytes = next(&mut output, id)?;
                Ok::<_, KernelError>(take(id, &bytes)?)
            })
        })
    }
}

impl Tree for GitRef {
    fn text(&self, path: &str) -> Option<String> {
        let mut git = git::at(&self.dir);
        git.args(["cat-file", "blob"]).arg(format!("{}:{path}", self.tree));
        let output = command::capture(&mut git).ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// The next object of `git cat-file --batch`: `ID blob SIZE`, its bytes, and a newline.
fn next(output: &mut impl BufRead, id: &str) -> io::Result<Vec<u8>> {
    let mut head = String::new();
    output.read_line(&mut head)?;
    let size = head.strip_prefix(id).and_then(|rest| rest.strip_prefix(" blob ")).map(str::trim);
    let size: u64 = size
        .and_then(|size| size.parse().ok())
        .ok_or_else(|| io::Error::other(format!("git prints for {id}: '{}'", foreign(head.trim()))))?;
    let mut bytes = Vec::new();
    output.by_ref().take(size + 1).read_to_end(&mut bytes)?;
    match bytes.pop() {
        Some(b'\n') => Ok(bytes),
        _ => Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("git ended in the middle of {id}"))),
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
