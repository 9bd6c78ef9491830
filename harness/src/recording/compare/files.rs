//! Compares the files of two recordings one after the other.

use super::describe::{self, Side, What};
use super::difference::Difference;
use super::lines::{self, Lines, Pair};
use crate::host::regular_file;
use crate::host::text::shown;
use crate::recording::layout::{INTRODUCES, MACHINE, META, PLAN, SCENARIO, limit};
use damonlab_protocol::record::section;
use std::fmt;
use std::io;
use std::path::Path;

/// What is compared; files without times in the order in which they are named.
pub const COMPARED: &[&str] = &[
    section::TRACE,
    section::SAMPLES,
    section::DMESG,
    section::SYSFS,
    section::FORMATS,
    section::REPORT,
    section::RAW,
    section::GCOV,
];

/// What recordings of an older damonlab do not have, or those of a kernel that counts nothing.
const LATER: &[&str] = &[section::RAW, section::GCOV];

/// What a run is made of; where these differ, so may everything else.
const INGREDIENTS: &[&str] = &[PLAN, SCENARIO, MACHINE, INTRODUCES, META];

/// How much was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    /// Bytes of all files of [`COMPARED`].
    pub bytes: u64,
    /// Lines of the trace that are no comments.
    pub trace_lines: u64,
    /// Samples.
    pub samples: u64,
    /// Files.
    pub files: usize,
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Extent { bytes, trace_lines, samples, files } = self;
        write!(f, "{trace_lines} trace lines, {samples} samples, {bytes} bytes in {files} files")
    }
}

/// The first difference in guest time between the recordings in two folders.
///
/// A missing file comes before everything, and what has no time comes last.
///
/// # Errors
/// A file that cannot be read, or one that neither folder has: nothing is equal to nothing.
pub fn first_difference(first: &Path, second: &Path) -> io::Result<Option<Difference>> {
    let mut found: Vec<(&'static str, What)> = Vec::new();
    for file in COMPARED {
        found.extend(in_file(file, first, second)?.map(|what| (*file, what)));
    }
    // The sort is stable: files without times stay in the order of the table.
    found.sort_by_key(|(_, what)| what.rank());
    let Some((file, what)) = found.into_iter().next() else { return Ok(None) };
    let mut ingredient = None;
    for name in INGREDIENTS {
        if ingredient.is_none() && in_file_bytes(name, first, second)? {
            ingredient = Some(*name);
        }
    }
    Ok(Some(Difference { first: first.to_owned(), second: second.to_owned(), file, what, ingredient }))
}

/// How much there is to compare in a recording.
///
/// # Errors
/// A file that is not there or cannot be read.
pub fn extent(dir: &Path) -> io::Result<Extent> {
    let mut extent = Extent::default();
    for file in COMPARED {
        let path = dir.join(file);
        if LATER.contains(file) && !path.try_exists()? {
            continue;
        }
        extent.files += 1;
        extent.bytes += fs_err::metadata(&path)?.len();
        match *file {
            section::TRACE => {
                extent.trace_lines = Lines::open(&path)?.count(|line| !line.starts_with(b"#"))?
            }
            section::SAMPLES => extent.samples = Lines::open(&path)?.count(|_| true)?,
            _ => {}
        }
    }
    Ok(extent)
}

fn in_file(file: &'static str, first: &Path, second: &Path) -> io::Result<Option<What>> {
    match (first.join(file).try_exists()?, second.join(file).try_exists()?) {
        (true, true) => {}
        (true, false) => return Ok(Some(What::Missing { from: Side::Second })),
        (false, true) => return Ok(Some(What::Missing { from: Side::First })),
        (false, false) if LATER.contains(&file) => return Ok(None),
        (false, false) => {
            let why = format!("neither {} nor {} has a {file}", shown(first), shown(second));
            return Err(io::Error::new(io::ErrorKind::NotFound, why));
        }
    }
    let (first, second) = (first.join(file), second.join(file));
    if lines::same_bytes(&first, &second)? {
        return Ok(None);
    }
    // The header of a trace counts its events: it differs because of what comes after it.
    let is_header = |line: &[u8]| file == section::TRACE && line.starts_with(b"#");
    let pair = match Pair::first(&first, &second, is_header)? {
        Some(pair) => Some(pair),
        None => Pair::first(&first, &second, |_| false)?,
    };
    let Some(pair) = pair else { return Ok(None) };
    if file == section::REPORT {
        return Ok(Some(describe::report(&report(&first)?, &report(&second)?, &pair)));
    }
    Ok(Some(describe::what(file, &pair)))
}

fn report(path: &Path) -> io::Result<Vec<u8>> {
    Ok(regular_file::bytes(path, limit(section::REPORT))?)
}

/// Whether a file that need not be there differs.
fn in_file_bytes(file: &str, first: &Path, second: &Path) -> io::Result<bool> {
    match (first.join(file).try_exists()?, second.join(file).try_exists()?) {
        (true, true) => Ok(!lines::same_bytes(&first.join(file), &second.join(file))?),
        (one, other) => Ok(one != other),
    }
}
