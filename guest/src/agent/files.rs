//! Reads and writes of kernel files, with errors that name the file, the value and the errno.
//!
//! A write is one `write(2)`: the kernel's store functions see the whole value or none of it.

use super::clock;
use damonlab_protocol::kernel_file::FileWrite;
use damonlab_protocol::units::Nanos;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// How often a write that meets the kernel's trylock (`-EBUSY`) is tried again, and after how long.
const BUSY_TRIES: u32 = 100;
const BUSY_WAIT: Nanos = Nanos(2_000_000);

/// No text file that the guest reads whole is larger.
const READ_LIMIT: u64 = 4 << 20;

/// So much is read of a file to see which value it has.
const READ_BACK_LIMIT: u64 = 1_000;

/// A kernel file that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {}", path.display(), errno_text(*errno))]
pub struct FileError {
    /// `read`, or `write 'value' to`.
    action: String,
    path: PathBuf,
    /// The kernel's answer.
    pub errno: Errno,
}

impl FileError {
    pub fn new(action: impl Into<String>, path: &Path, error: &io::Error) -> Self {
        FileError { action: action.into(), path: path.to_owned(), errno: errno_of(error) }
    }
}

/// The errno of an I/O error; one that std made up by itself counts as EIO.
pub fn errno_of(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

/// `EINVAL`
pub fn errno_name(errno: Errno) -> String {
    format!("{errno:?}")
}

fn errno_text(errno: Errno) -> String {
    format!("{errno:?} ({})", errno.desc())
}

/// A whole text file.
pub fn read(path: impl AsRef<Path>) -> Result<String, FileError> {
    let path = path.as_ref();
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(READ_LIMIT).read_to_end(&mut bytes))
        .map_err(|error| FileError::new("read", path, &error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A text file of one line, without the white space around it.
pub fn read_line(path: impl AsRef<Path>) -> Result<String, FileError> {
    read(path).map(|text| text.trim().to_owned())
}

/// One value into a file that must be there already.
pub fn write(path: impl AsRef<Path>, value: &str) -> Result<(), FileError> {
    let path = path.as_ref();
    write_once(path, value).map_err(|error| FileError::new(format!("write '{value}' to"), path, &error))
}

/// The same, repeated after `-EBUSY`, which DAMON's sysfs answers when its lock is taken.
pub fn write_patiently(path: impl AsRef<Path>, value: &str) -> Result<(), FileError> {
    for _ in 0..BUSY_TRIES {
        match write(&path, value) {
            Err(error) if error.errno == Errno::EBUSY => clock::sleep(BUSY_WAIT),
            other => return other,
        }
    }
    write(path, value)
}

/// The same for reading: DAMON's `state`, `pid` and `path` files take that lock too.
pub fn read_patiently(path: impl AsRef<Path>) -> Result<String, FileError> {
    for _ in 0..BUSY_TRIES {
        match read_line(&path) {
            Err(error) if error.errno == Errno::EBUSY => clock::sleep(BUSY_WAIT),
            other => return other,
        }
    }
    read_line(path)
}

/// The first line of a file that a scenario wrote, under the `name` that it has there; none where it cannot be read.
pub fn read_back(path: &Path, name: &str) -> Option<FileWrite> {
    let open = || OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path);
    for _ in 0..BUSY_TRIES {
        let mut bytes = Vec::new();
        match open().and_then(|file| file.take(READ_BACK_LIMIT).read_to_end(&mut bytes)) {
            Err(error) if errno_of(&error) == Errno::EBUSY => clock::sleep(BUSY_WAIT),
            Err(_) => return None,
            Ok(_) => {
                let text = String::from_utf8_lossy(&bytes);
                let value = text.lines().next().unwrap_or_default().trim_end().to_owned();
                return Some(FileWrite { path: name.to_owned(), value });
            }
        }
    }
    None
}

fn write_once(path: &Path, value: &str) -> io::Result<()> {
    let written = OpenOptions::new().write(true).open(path)?.write(value.as_bytes())?;
    if written == value.len() { Ok(()) } else { Err(Errno::EIO.into()) }
}

/// The names in a folder, sorted. A folder that is not there is empty.
pub fn names(folder: impl AsRef<Path>) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// The numbers N of the entries `<prefix>N` in a folder, sorted by value.
pub fn numbered<N: FromStr + Ord>(folder: impl AsRef<Path>, prefix: &str) -> Vec<N> {
    let mut numbers: Vec<N> =
        names(folder).iter().filter_map(|name| name.strip_prefix(prefix)?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers
}
