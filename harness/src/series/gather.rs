//! From a word of the user's to the mails that it stands for.

use super::error::SeriesError;
use super::{mbox, range};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A file may have so many bytes: a year of a busy list has less.
const FILE_LIMIT: u64 = 256 << 20;

/// What a word stands for.
pub enum Found {
    /// One file with one mail: it may be a part of a series.
    Alone(Mail),
    /// A whole series.
    Several(Vec<Mail>),
}

/// A mail as it was found.
pub struct Mail {
    /// The file.
    pub path: PathBuf,
    /// Which mail of that file, from 1; none if it is the only one.
    pub nth: Option<usize>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What `word` stands for: a file, a folder, or a range in a repository.
///
/// # Errors
/// Nothing is there, or more than is read.
pub fn find(word: &Path) -> Result<Found, SeriesError> {
    let unreadable = |cause| SeriesError::Unreadable { path: word.to_owned(), cause };
    match std::fs::metadata(word) {
        Ok(meta) if meta.is_dir() => folder(word),
        Ok(meta) if meta.is_file() => file(word),
        Ok(_) => Err(unreadable(io::Error::other("it is neither a file nor a folder"))),
        Err(cause) => match range::split(word) {
            Some((repository, range)) => {
                let bytes = range::patches(&repository, &range)?;
                Ok(Found::Several(mails(word, &bytes)))
            }
            None => Err(unreadable(cause)),
        },
    }
}

fn file(path: &Path) -> Result<Found, SeriesError> {
    let mut found = mails(path, &read(path)?);
    Ok(match found.len() {
        1 => Found::Alone(found.remove(0)),
        _ => Found::Several(found),
    })
}

fn mails(path: &Path, bytes: &[u8]) -> Vec<Mail> {
    let mails = mbox::mails(bytes);
    let several = mails.len() > 1;
    let mail = |(at, bytes)| Mail { path: path.to_owned(), nth: several.then_some(at + 1), bytes };
    mails.into_iter().enumerate().map(mail).collect()
}

/// A maildir, or the patches that `git format-patch` or `b4 am` put into a folder, by name.
fn folder(path: &Path) -> Result<Found, SeriesError> {
    let maildir = path.join("cur").is_dir() && path.join("new").is_dir();
    let mut files = Vec::new();
    if maildir {
        for part in ["cur", "new"] {
            files.extend(names(&path.join(part))?);
        }
    } else {
        files = names(path)?;
        let ends = ["patch", "diff", "eml", "mbox", "mbx", "cover"];
        files.retain(|file| file.extension().is_some_and(|end| ends.iter().any(|wanted| end == *wanted)));
    }
    if files.is_empty() {
        let reason = match maildir {
            true => "there is no mail in its cur and new",
            false => "there is no .patch, .diff, .eml or .mbox file in it, and no cur and new of a maildir",
        };
        return Err(SeriesError::NoPatch { path: path.to_owned(), reason: reason.to_owned() });
    }
    let mut found = Vec::new();
    let mut total = 0;
    for file in files {
        let bytes = read(&file)?;
        total += bytes.len() as u64;
        small(path, total)?;
        found.extend(mails(&file, &bytes));
    }
    Ok(Found::Several(found))
}

/// The files in a folder, by name.
fn names(folder: &Path) -> Result<Vec<PathBuf>, SeriesError> {
    let unreadable = |cause| SeriesError::Unreadable { path: folder.to_owned(), cause };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<Vec<u8>, SeriesError> {
    let unreadable = |cause| SeriesError::Unreadable { path: path.to_owned(), cause };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    small(path, file.metadata().map_err(unreadable)?.len())?;
    let mut bytes = Vec::new();
    file.take(FILE_LIMIT + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    small(path, bytes.len() as u64)?;
    match bytes.iter().all(u8::is_ascii_whitespace) {
        true => Err(SeriesError::NoPatch { path: path.to_owned(), reason: "it is empty".to_owned() }),
        false => Ok(bytes),
    }
}

fn small(path: &Path, size: u64) -> Result<(), SeriesError> {
    if size <= FILE_LIMIT {
        return Ok(());
    }
    let what = path.display().to_string();
    Err(SeriesError::TooLarge { what, size: size >> 20, limit: FILE_LIMIT >> 20, kind: "a series" })
}
