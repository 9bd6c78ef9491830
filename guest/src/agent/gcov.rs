//! How often the kernel executed each of its basic blocks, where it counts (`CONFIG_GCOV_KERNEL`): the `.gcda` files below
//! `/sys/kernel/debug/gcov`.

use super::failure::Failure;
use super::files::FileError;
use super::sections;
use damonlab_protocol::record::{GCOV_LIMIT, section};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

const GCOV: &str = "/sys/kernel/debug/gcov";

/// Copies every file of counts into its section, sorted by path. A kernel that counts nothing has no section.
pub fn copy() -> Result<(), Failure> {
    if !Path::new(GCOV).is_dir() {
        return Ok(());
    }
    let mut paths = Vec::new();
    find(Path::new(GCOV), &mut paths)?;
    paths.sort();
    let mut out = io::BufWriter::new(sections::create(section::GCOV)?);
    let mut left = GCOV_LIMIT;
    for path in paths {
        let counts = read(&path, left)?;
        left -= counts.len();
        let name = path.strip_prefix(GCOV).unwrap_or(&path);
        writeln!(out, "/{} {}", name.display(), counts.len())?;
        out.write_all(&counts)?;
    }
    Ok(out.flush()?)
}

/// The `.gcda` files in `folder` and below. Beside them are links to files of the build, which is on another machine.
fn find(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<(), Failure> {
    for entry in fs::read_dir(folder).map_err(|error| FileError::new("list", folder, &error))? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            find(&path, paths)?;
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "gcda") {
            paths.push(path);
        }
    }
    Ok(())
}

fn read(path: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| FileError::new("read", path, &error))?;
    file.take(most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        return Err(format!("{GCOV}: more than {GCOV_LIMIT} bytes of counts").into());
    }
    Ok(bytes)
}
