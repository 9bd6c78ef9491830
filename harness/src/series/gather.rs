//! From an argument of `--series` to its mails.

use super::error::SeriesError;
use super::{mbox, range};
use crate::host::text::shown;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The largest file, in bytes: a year of a busy list has less.
const FILE_LIMIT: u64 = 256 << 20;

/// What an argument names.
pub enum Input {
    /// A file with one mail, which may be a part of a series.
    Mail(Mail),
    /// A whole series.
    Series(Vec<Mail>),
}

/// The text of a mail.
pub struct Mail {
    /// The file.
    pub path: PathBuf,
    /// Its number in the file, from 1; none if it is the only one.
    pub nth: Option<usize>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The mails of `input`: a file, a folder, or a range in a repository.
///
/// # Errors
/// It is missing or too large.
pub fn find(input: &Path) -> Result<Input, SeriesError> {
    let unreadable = |cause| SeriesError::Unreadable { path: input.to_owned(), cause };
    match std::fs::metadata(input) {
        Ok(meta) if meta.is_dir() => folder(input),
        Ok(meta) if meta.is_file() => file(input),
        Ok(_) => Err(unreadable(io::Error::other("it is neither a file nor a folder"))),
        Err(cause) => match range::split(input) {
            Some((repository, range)) => {
                let bytes = range::patches(&repository, &range)?;
                Ok(Input::Series(mails(input, &bytes)))
            }
            None => Err(unreadable(cause)),
        },
    }
}

fn file(path: &Path) -> Result<Input, SeriesError> {
    let mut found = mails(path, &read(path)?);
    Ok(match found.len() {
        1 => Input::Mail(found.remove(0)),
        _ => Input::Series(found),
    })
}

/// The mails in the text of a file.
pub fn mails(path: &Path, bytes: &[u8]) -> Vec<Mail> {
    let mails = mbox::mails(bytes);
    let several = mails.len() > 1;
    let mail = |(at, bytes)| Mail { path: path.to_owned(), nth: several.then_some(at + 1), bytes };
    mails.into_iter().enumerate().map(mail).collect()
}

/// The mails of a maildir, or the patches that `git format-patch` or `b4 am` wrote into a folder, sorted by name.
fn folder(path: &Path) -> Result<Input, SeriesError> {
    let maildir = path.join("cur").is_dir() && path.join("new").is_dir();
    let mut files = Vec::new();
    if maildir {
        for part in ["cur", "new"] {
            files.extend(names(&path.join(part))?);
        }
    } else {
        files = names(path)?;
        let extensions = ["patch", "diff", "eml", "mbox", "mbx", "cover"];
        files.retain(|file| {
            file.extension().is_some_and(|found| extensions.iter().any(|wanted| found == *wanted))
        });
    }
    if files.is_empty() {
        let reason = match maildir {
            true => "its folders cur and new have no mail",
            false => {
                "it has no .patch, .diff, .eml or .mbox file, and it is not a maildir, with folders cur and new"
            }
        };
        return Err(SeriesError::NoPatch { path: path.to_owned(), reason: reason.to_owned() });
    }
    let mut found = Vec::new();
    let mut total = 0;
    for file in files {
        let bytes = read(&file)?;
        total += bytes.len() as u64;
        check_size(path, total)?;
        found.extend(mails(&file, &bytes));
    }
    Ok(Input::Series(found))
}

/// The files in a folder, sorted by name.
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
    check_size(path, file.metadata().map_err(unreadable)?.len())?;
    let mut bytes = Vec::new();
    file.take(FILE_LIMIT + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    check_size(path, bytes.len() as u64)?;
    match bytes.iter().all(u8::is_ascii_whitespace) {
        true => Err(SeriesError::NoPatch { path: path.to_owned(), reason: "it is empty".to_owned() }),
        false => Ok(bytes),
    }
}

fn check_size(path: &Path, size: u64) -> Result<(), SeriesError> {
    if size <= FILE_LIMIT {
        return Ok(());
    }
    let what = shown(path).to_string();
    Err(SeriesError::TooLarge { what, size: size >> 20, limit: FILE_LIMIT >> 20, kind: "a series" })
}
