//! The seal of a recording: a file with the size and the digest of every other file, written last.
//!
//! A sealed recording is read only as it was recorded. The seal finds damage (a copy that stopped, a disk that failed, an
//! editor), not malice: whoever can change a recording can seal it again.

use super::layout::{LIMITS, META, OWN_FILES, RULES, SMALL_LIMIT, Seal, limit};
use crate::host::names::EntryName;
use crate::host::paths::write_atomic;
use crate::host::regular_file::{self, ReadError, RegularFile};
use crate::host::text::{foreign, shown};
use damonlab_protocol::units::Bytes;
use fs_err as fs;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The file with the digests.
pub const DIGESTS: &str = "digests.json";

const VERSION: u32 = 1;

/// So many damages are listed one by one.
const LISTED: usize = 10;

/// The content of [`DIGESTS`].
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Digests {
    version: u32,
    files: BTreeMap<EntryName, Digest>,
}

/// What a file had when it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Digest {
    size: u64,
    blake3: String,
}

/// A recording that is not as it was recorded.
#[derive(Debug)]
pub struct Damage {
    /// Its folder.
    pub dir: PathBuf,
    /// What is wrong, a file each: its name, what was expected, what was found.
    pub files: Vec<String>,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = self.files.len().saturating_sub(LISTED);
        let listed: Vec<&str> = self.files.iter().take(LISTED).map(String::as_str).collect();
        write!(f, "the recording {} is damaged: {}", shown(&self.dir), listed.join("; "))?;
        if more > 0 {
            write!(f, "; and {more} more files")?;
        }
        write!(f, ". Copy it again from where it came from, or run the scenario again")
    }
}

/// Seals a complete recording.
pub fn seal(dir: &Path) -> io::Result<()> {
    let mut files = BTreeMap::new();
    for name in entries(dir)? {
        let digest = of(RegularFile::open(&dir.join(&name), limit(&name))?)?;
        files.insert(EntryName::new(name).map_err(io::Error::other)?, digest);
    }
    let text = serde_json::to_vec_pretty(&Digests { version: VERSION, files }).map_err(io::Error::other)?;
    write_atomic(&dir.join(DIGESTS), &text)
}

/// Compares every file of a recording with its seal. Without a seal, it finds what is no file. `must_be` sealed is what
/// `recording.json` has on it.
///
/// # Errors
/// All that is damaged, or a file that cannot be read.
pub(super) fn verify(dir: &Path, must_be: bool) -> Result<Seal, VerifyError> {
    let text = match regular_file::bytes(&dir.join(DIGESTS), SMALL_LIMIT) {
        Err(error) if error.is_not_found() && !must_be => return unsealed(dir),
        Err(error) if error.is_not_found() => {
            let missing = format!("{DIGESTS} is missing, which was written last");
            return Err(damage(dir, vec![missing]));
        }
        text => text?,
    };
    let failed = |cause: serde_json::Error| damage(dir, vec![format!("{DIGESTS}: {cause}")]);
    let digests: Digests = serde_json::from_slice(&text).map_err(failed)?;
    if digests.version != VERSION {
        let found =
            format!("{DIGESTS} has version {}; this damonlab reads version {VERSION}", digests.version);
        return Err(damage(dir, vec![found]));
    }
    let mut files = Vec::new();
    for (name, wanted) in &digests.files {
        files.extend(difference(dir, name, wanted)?.map(|what| format!("{} {what}", foreign(name))));
    }
    let extra = entries(dir)?.into_iter().filter(|name| !digests.files.contains_key(name.as_str()));
    files.extend(extra.map(|name| format!("{} was not recorded: it has no digest", foreign(&name))));
    if !digests.files.contains_key(META) {
        files.push(format!("{DIGESTS} has no digest of {META}"));
    }
    if files.is_empty() { Ok(Seal::Intact) } else { Err(damage(dir, files)) }
}

/// Why a recording was not verified.
#[derive(Debug, thiserror::Error)]
pub(super) enum VerifyError {
    #[error("{0}")]
    Damaged(Damage),
    #[error(transparent)]
    File(#[from] ReadError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

fn damage(dir: &Path, files: Vec<String>) -> VerifyError {
    VerifyError::Damaged(Damage { dir: dir.to_owned(), files })
}

/// Without digests, only what is no file of a recording can be found.
fn unsealed(dir: &Path) -> Result<Seal, VerifyError> {
    for name in OWN_FILES.iter().chain(&RULES).chain(LIMITS.iter().map(|(name, _)| name)) {
        match RegularFile::open(&dir.join(name), limit(name)) {
            Err(error) if !error.is_not_found() => return Err(error.into()),
            _ => {}
        }
    }
    Ok(Seal::Unsealed)
}

/// How a file differs from what was recorded.
fn difference(dir: &Path, name: &str, wanted: &Digest) -> Result<Option<String>, ReadError> {
    let path = dir.join(name);
    let file = match RegularFile::open(&path, limit(name)) {
        Ok(file) => file,
        Err(error) if error.is_not_found() => {
            return Ok(Some(format!("is missing, and had {}", Bytes(wanted.size))));
        }
        Err(ReadError::NotRegular { found, .. }) => {
            return Ok(Some(format!("is {found}, and was a regular file of {}", Bytes(wanted.size))));
        }
        Err(ReadError::TooLarge { found, .. }) => {
            return Ok(Some(format!("has {found}, and had {}", Bytes(wanted.size))));
        }
        Err(error) => return Err(error),
    };
    if file.length().0 != wanted.size {
        return Ok(Some(format!("has {}, and had {}", file.length(), Bytes(wanted.size))));
    }
    let found = of(file).map_err(|cause| ReadError::Io { path, cause })?;
    Ok((found != *wanted).then(|| {
        format!(
            "has other bytes than it had: digest {}..., was {:.12}...",
            &found.blake3[..12],
            wanted.blake3
        )
    }))
}

fn of(mut file: RegularFile) -> io::Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    let mut size = 0;
    let mut chunk = vec![0; 64 << 10];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            return Ok(Digest { size, blake3: hasher.finalize().to_hex().to_string() });
        }
        size += read as u64;
        hasher.update(&chunk[..read]);
    }
}

/// The sorted names in a recording's folder, without that of the seal.
fn entries(dir: &Path) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(dir)? {
        names.insert(entry?.file_name().to_string_lossy().into_owned());
    }
    names.remove(DIGESTS);
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::testing;
    use damonlab_protocol::record::section;

    fn sealed() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        testing::copy("pull-push-short", dir.path());
        seal(dir.path()).unwrap();
        dir
    }

    fn damages(dir: &Path) -> Vec<String> {
        match verify(dir, true) {
            Err(VerifyError::Damaged(damage)) => damage.files,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_copy_of_a_sealed_recording_is_intact_and_one_without_a_seal_is_not_known() {
        let dir = sealed();
        assert_eq!(verify(dir.path(), true).unwrap(), Seal::Intact);
        fs::remove_file(dir.path().join(DIGESTS)).unwrap();
        assert_eq!(verify(dir.path(), false).unwrap(), Seal::Unsealed);
        assert_eq!(damages(dir.path()), ["digests.json is missing, which was written last"]);
    }

    #[test]
    fn every_file_that_is_short_changed_missing_or_extra_is_named_with_both_values() {
        let trace = fs::read(testing::stored("pull-push-short").join(section::TRACE)).unwrap();
        let mut flipped = trace.clone();
        flipped[1000] ^= 1;
        type Act<'a> = Box<dyn Fn(&Path) + 'a>;
        let cases: [(Act<'_>, &str); 6] = [
            (
                Box::new(|path| fs::write(path, &trace[..100]).unwrap()),
                "trace.txt has 100 B, and had 39419 B",
            ),
            (
                Box::new(|path| fs::write(path, &flipped).unwrap()),
                "trace.txt has other bytes than it had: digest ",
            ),
            (Box::new(|path| fs::remove_file(path).unwrap()), "trace.txt is missing, and had 39419 B"),
            (
                Box::new(|path| {
                    fs::remove_file(path).unwrap();
                    fs::create_dir(path).unwrap();
                }),
                "trace.txt is a folder, and was a regular file of 39419 B",
            ),
            (
                Box::new(|path| {
                    fs::remove_file(path).unwrap();
                    nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap();
                }),
                "trace.txt is a FIFO, and was a regular file of 39419 B",
            ),
            (
                Box::new(|path| fs::write(path.with_file_name("notes"), "mine").unwrap()),
                "notes was not recorded: it has no digest",
            ),
        ];
        for (act, wanted) in cases {
            let dir = sealed();
            act(&dir.path().join(section::TRACE));
            let found = damages(dir.path());
            assert!(found.len() == 1 && found[0].starts_with(wanted), "{wanted}: {found:?}");
        }
    }

    #[test]
    fn a_seal_that_is_cut_or_leads_out_of_the_folder_is_damaged() {
        let dir = sealed();
        let path = dir.path().join(DIGESTS);
        let text = fs::read_to_string(&path).unwrap();
        for (change, wanted) in [
            (text[..text.len() / 2].to_owned(), "digests.json: EOF"),
            (text.replace("\"plan.json\"", "\"../plan.json\""), "\"../plan.json\" is not a name"),
            (text.replace("\"version\": 1", "\"version\": 9"), "digests.json has version 9; this "),
        ] {
            fs::write(&path, change).unwrap();
            assert!(damages(dir.path())[0].contains(wanted), "{wanted}: {:?}", damages(dir.path()));
        }
    }

    #[test]
    fn many_damages_are_counted() {
        let damage = Damage { dir: "d".into(), files: (0..12).map(|n| format!("file {n}")).collect() };
        let text = damage.to_string();
        assert!(text.contains("file 9; and 2 more files. Copy it again"), "{text}");
    }
}
