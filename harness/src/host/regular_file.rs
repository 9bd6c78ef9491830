//! Reads files that somebody else may have made, so that none of them can block, mislead or exhaust damonlab: only a
//! regular file, under its own name, up to a limit.
//!
//! A link may lead to any other file, a FIFO blocks whoever opens it, and a device may have no end.

use super::fault::{Fault, Faulty};
use super::text::shown;
use damonlab_protocol::units::Bytes;
use nix::fcntl::OFlag;
use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::{self, Read, Take};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is something else.
    #[error("{path} is {found}; wanted: a regular file. Replace it by the file itself", path = shown(.path))]
    NotRegular {
        /// Its path.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// It is larger than any file of its kind.
    #[error("{path} has {found}; wanted: at most {limit}. It is not a file that damonlab wrote", path = shown(.path))]
    TooLarge {
        /// Its path.
        path: PathBuf,
        /// Its size.
        found: Bytes,
        /// The limit.
        limit: Bytes,
    },
    /// Its bytes are no text.
    #[error("{path} is not UTF-8 text from byte {at} on", path = shown(.path))]
    NotText {
        /// Its path.
        path: PathBuf,
        /// The first byte that is none.
        at: usize,
    },
    /// The system cannot read it.
    #[error("cannot read {path}: {cause}", path = shown(.path))]
    Io {
        /// Its path.
        path: PathBuf,
        /// The system's error.
        cause: io::Error,
    },
}

impl ReadError {
    /// Whether there is no file.
    pub fn is_not_found(&self) -> bool {
        matches!(self, ReadError::Io { cause, .. } if cause.kind() == io::ErrorKind::NotFound)
    }
}

impl Faulty for ReadError {
    fn fault(&self) -> Fault {
        match self {
            ReadError::Io { .. } => Fault::Infra,
            ReadError::NotRegular { .. } | ReadError::TooLarge { .. } | ReadError::NotText { .. } => {
                Fault::BadInput
            }
        }
    }
}

impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> io::Error {
        let kind = match &error {
            ReadError::Io { cause, .. } => cause.kind(),
            _ => io::ErrorKind::InvalidData,
        };
        io::Error::new(kind, error)
    }
}

/// A regular file that is open for reading, up to the length that it had when it was opened.
#[derive(Debug)]
pub struct RegularFile {
    content: Take<File>,
    length: Bytes,
}

impl RegularFile {
    /// Opens the file at `path`, which has at most `limit` bytes.
    ///
    /// # Errors
    /// It is a link, a folder, a FIFO, a socket or a device; it is larger; it cannot be opened.
    pub fn open(path: &Path, limit: Bytes) -> Result<RegularFile, ReadError> {
        let failed = |cause| ReadError::Io { path: path.to_owned(), cause };
        // A device may act when it is opened, so what it is comes first.
        check(path, &std::fs::symlink_metadata(path).map_err(failed)?, limit)?;
        let file = opened(OpenOptions::new().read(true), path).map_err(failed)?;
        let meta = file.metadata().map_err(failed)?;
        check(path, &meta, limit)?;
        Ok(RegularFile { content: file.take(meta.len()), length: Bytes(meta.len()) })
    }

    /// The length of the file when it was opened.
    pub fn length(&self) -> Bytes {
        self.length
    }

    /// The open file.
    pub fn into_file(self) -> File {
        self.content.into_inner()
    }
}

impl Read for RegularFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.content.read(buffer)
    }
}

/// The bytes of the regular file at `path`, which has at most `limit` of them.
pub fn bytes(path: &Path, limit: Bytes) -> Result<Vec<u8>, ReadError> {
    let mut file = RegularFile::open(path, limit)?;
    let mut bytes = Vec::with_capacity(usize::try_from(file.length.0).unwrap_or_default());
    let failed = |cause| ReadError::Io { path: path.to_owned(), cause };
    file.read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// The text of the regular file at `path`, which has at most `limit` bytes.
pub fn text(path: &Path, limit: Bytes) -> Result<String, ReadError> {
    String::from_utf8(bytes(path, limit)?)
        .map_err(|error| ReadError::NotText { path: path.to_owned(), at: error.utf8_error().valid_up_to() })
}

/// The largest file of a cache that is read at once: a list of all files of a kernel's source.
const CACHED: Bytes = Bytes(64 << 20);

/// The text of a file of a cache, which can be made again; none if there is no such text.
pub fn cached_text(path: &Path) -> Option<String> {
    text(path, CACHED).ok()
}

/// Sets the time of the last use of a file, which is made if it is missing.
pub fn touch(path: &Path) -> io::Result<()> {
    let file = opened(OpenOptions::new().create(true).truncate(false).write(true), path)?;
    file.set_modified(SystemTime::now())
}

/// Opens `path` so that neither a FIFO nor a link can stand for a file. The caller looks at what was opened.
pub(super) fn opened(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NOCTTY;
    options.custom_flags(flags.bits()).open(path)
}

fn check(path: &Path, meta: &Metadata, limit: Bytes) -> Result<(), ReadError> {
    if !meta.is_file() {
        return Err(ReadError::NotRegular { path: path.to_owned(), found: kind(meta.file_type()) });
    }
    if meta.len() > limit.0 {
        return Err(ReadError::TooLarge { path: path.to_owned(), found: Bytes(meta.len()), limit });
    }
    Ok(())
}

/// What an entry of a folder is, where it is no regular file.
pub(super) fn kind(of: FileType) -> &'static str {
    match of {
        of if of.is_dir() => "a folder",
        of if of.is_symlink() => "a symbolic link",
        of if of.is_fifo() => "a FIFO",
        of if of.is_socket() => "a socket",
        of if of.is_char_device() || of.is_block_device() => "a device",
        of if of.is_file() => "a regular file",
        _ => "no file",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    const LIMIT: Bytes = Bytes(8);

    fn refusal(path: &Path) -> String {
        let error = bytes(path, LIMIT).unwrap_err();
        assert_eq!(error.fault(), Fault::BadInput, "{error}");
        error.to_string()
    }

    #[test]
    fn what_is_no_regular_file_is_named_and_never_blocks() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "text").unwrap();
        std::fs::create_dir(at("folder")).unwrap();
        symlink(at("file"), at("link")).unwrap();
        symlink("/dev/zero", at("endless")).unwrap();
        nix::unistd::mkfifo(&at("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let _listener = UnixListener::bind(at("socket")).unwrap();
        let cases = [
            ("folder", "a folder"),
            ("link", "a symbolic link"),
            ("endless", "a symbolic link"),
            ("fifo", "a FIFO"),
            ("socket", "a socket"),
        ];
        for (name, found) in cases {
            let wanted = format!("{} is {found}; wanted: a regular file", at(name).display());
            assert!(refusal(&at(name)).starts_with(&wanted), "{}", refusal(&at(name)));
        }
        assert!(refusal(Path::new("/dev/zero")).starts_with("/dev/zero is a device; "));
        assert_eq!(bytes(&at("file"), LIMIT).unwrap(), b"text");
    }

    #[test]
    fn a_file_beyond_the_limit_is_refused_before_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert!(refusal(&path).contains("wanted: at most 8"), "{}", refusal(&path));
        std::fs::write(&path, [b'x'; 8]).unwrap();
        assert_eq!(text(&path, LIMIT).unwrap(), "xxxxxxxx");
    }

    #[test]
    fn text_that_is_none_is_named_with_its_byte() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"ab\xff").unwrap();
        assert!(text(&path, LIMIT).unwrap_err().to_string().ends_with("is not UTF-8 text from byte 2 on"));
    }

    #[test]
    fn a_missing_file_is_told_from_one_that_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        assert!(bytes(&folder.path().join("none"), LIMIT).unwrap_err().is_not_found());
        assert!(!bytes(folder.path(), LIMIT).unwrap_err().is_not_found());
    }
}
