//! From an argument of `--series` to its mails.

use super::error::SeriesError;
use super::{mbox, quilt, range};
use crate::host::text::shown;
use flate2::read::MultiGzDecoder;
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
    /// A whole series in the order in which it is applied, whatever the subjects say.
    Listed(Vec<Mail>),
}

/// The text of a mail.
pub struct Mail {
    /// The file.
    pub path: PathBuf,
    /// Its number in the file, from 1; none if it is the only one.
    pub nth: Option<usize>,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether its patch is applied backwards.
    pub reversed: bool,
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
    let mail =
        |(at, bytes)| Mail { path: path.to_owned(), nth: several.then_some(at + 1), bytes, reversed: false };
    mails.into_iter().enumerate().map(mail).collect()
}

/// The patches that the file `series` of a quilt folder names. An empty one separates others, and stays empty.
fn listed(folder: &Path, series: &Path) -> Result<Input, SeriesError> {
    let text = String::from_utf8_lossy(&read(series)?).into_owned();
    let entries = quilt::entries(&text).map_err(|(line, what)| SeriesError::NotASeries {
        place: format!("{}, line {line}", shown(series)),
        reason: what,
    })?;
    let mut found = Vec::new();
    let mut total = 0;
    for entry in entries {
        let path = folder.join(&entry.name);
        let bytes = read_any(&path)?;
        total += bytes.len() as u64;
        check_size(folder, total)?;
        let mails = mails(&path, &bytes).into_iter();
        found.extend(mails.map(|mail| Mail { reversed: entry.reversed, ..mail }));
    }
    Ok(Input::Listed(found))
}

/// The mails of a maildir, or the patches that `git format-patch` or `b4 am` wrote into a folder, sorted by name.
fn folder(path: &Path) -> Result<Input, SeriesError> {
    let series = path.join("series");
    if series.is_file() {
        return listed(path, &series);
    }
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
            // `x.patch.gz` is a `.patch` file, too.
            let name = if file.extension().is_some_and(|end| end == "gz") {
                file.with_extension("")
            } else {
                file.clone()
            };
            name.extension().is_some_and(|found| extensions.iter().any(|wanted| found == *wanted))
        });
    }
    if files.is_empty() {
        let reason = match maildir {
            true => "its folders cur and new have no mail",
            false => {
                "it has no .patch, .diff, .eml or .mbox file, no file 'series' (quilt), and it is not a maildir, with \
                 folders cur and new"
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
    let bytes = read_any(path)?;
    match bytes.iter().all(u8::is_ascii_whitespace) {
        true => Err(SeriesError::NoPatch { path: path.to_owned(), reason: "it is empty".to_owned() }),
        false => Ok(bytes),
    }
}

/// `bytes`, which are called `path` in messages, unpacked if they are packed by gzip.
///
/// # Errors
/// They are cut off or damaged, or become too large.
pub fn unpacked(path: &Path, bytes: Vec<u8>) -> Result<Vec<u8>, SeriesError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let mut text = Vec::new();
    // What a small file becomes has no limit of its own.
    let mut unpacking = MultiGzDecoder::new(bytes.as_slice()).take(FILE_LIMIT + 1);
    unpacking.read_to_end(&mut text).map_err(|cause| SeriesError::NoPatch {
        path: path.to_owned(),
        reason: format!("it is a damaged gzip file: {cause}"),
    })?;
    check_size(path, text.len() as u64)?;
    Ok(text)
}

fn read_any(path: &Path) -> Result<Vec<u8>, SeriesError> {
    let unreadable = |cause| SeriesError::Unreadable { path: path.to_owned(), cause };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    check_size(path, file.metadata().map_err(unreadable)?.len())?;
    let mut bytes = Vec::new();
    file.take(FILE_LIMIT + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    check_size(path, bytes.len() as u64)?;
    unpacked(path, bytes)
}

fn check_size(path: &Path, size: u64) -> Result<(), SeriesError> {
    if size <= FILE_LIMIT {
        return Ok(());
    }
    let what = shown(path).to_string();
    Err(SeriesError::TooLarge { what, size: size >> 20, limit: FILE_LIMIT >> 20, kind: "a series" })
}
