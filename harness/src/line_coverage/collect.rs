//! From a recording's counts to lines: the host's gcov reads them. It needs the `.gcno` files of the kernel that counted.

use super::counts::Counts;
use super::error::LineCoverageError;
use super::gcov;
use super::measured_files::MeasuredFiles;
use crate::host::command::{self, Limits, command_for};
use crate::host::paths;
use crate::recording;
use crate::trace::raw;
use damonlab_protocol::record::section;
use fs_err as fs;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The gcov that belongs to the compiler.
#[derive(Debug, Clone)]
pub struct GcovTool {
    program: PathBuf,
}

impl GcovTool {
    /// The one in `path`.
    ///
    /// # Errors
    /// There is none.
    pub fn find(path: &OsString) -> Result<GcovTool, LineCoverageError> {
        let program = paths::find_program(path, "gcov").ok_or(LineCoverageError::NoGcov)?;
        Ok(GcovTool { program })
    }
}

/// The counts of the recording in `dir`, which is a run of `scenario`. `notes` is the folder with the kernel's `.gcno` files.
///
/// # Errors
/// It has no counts, or they do not fit the kernel.
pub fn collect(
    tool: &GcovTool,
    dir: &Path,
    scenario: &str,
    notes: &Path,
    files: &MeasuredFiles,
) -> Result<Counts, LineCoverageError> {
    let bytes = recording::gcov(dir)?.ok_or_else(|| LineCoverageError::NoCounts(dir.to_owned()))?;
    let path = dir.join(section::GCOV);
    let objects =
        raw::blocks(&bytes).map_err(|cause| LineCoverageError::Counts { path: path.clone(), cause })?;
    let mut sum = Counts::default();
    let mut known = false;
    for note in all_notes(notes)? {
        let wanted = format!("/{}", note.with_extension("gcda").to_string_lossy());
        let Some((_, counts)) = objects.iter().find(|(path, _)| path.ends_with(&wanted)) else { continue };
        known = true;
        let folder = tempfile::tempdir()?;
        fs::copy(notes.join(&note), folder.path().join("object.gcno"))?;
        fs::write(folder.path().join("object.gcda"), counts)?;
        let mut command = command_for(&tool.program);
        command
            .args(["--json-format", "--stdout", "object.gcda"])
            .current_dir(folder.path())
            .env("LC_ALL", "C");
        let output = command::succeed(&mut command, Limits::LOCAL)?;
        let named = |path: &str| gcov::path_in_tree(path).filter(|path| files.has(path));
        let one = gcov::read(&output.stdout, scenario, named).map_err(|cause| LineCoverageError::Gcov {
            object: note.to_string_lossy().into_owned(),
            cause,
            stderr: output.stderr,
        })?;
        sum.add(&one);
    }
    if known { Ok(sum) } else { Err(LineCoverageError::Foreign(path)) }
}

/// The `.gcno` files below `notes`, from there, sorted.
fn all_notes(notes: &Path) -> Result<Vec<PathBuf>, LineCoverageError> {
    let (mut found, mut folders) = (Vec::new(), vec![notes.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if let Ok(inside) = path.strip_prefix(notes)
                && inside.extension().is_some_and(|kind| kind == "gcno")
            {
                found.push(inside.to_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(gcov_bin: Option<&[u8]>) -> Result<Counts, LineCoverageError> {
        let (dir, notes) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        if let Some(bytes) = gcov_bin {
            fs::write(dir.path().join(section::GCOV), bytes).unwrap();
        }
        fs::create_dir_all(notes.path().join("mm/damon")).unwrap();
        fs::write(notes.path().join("mm/damon/core.gcno"), "no notes").unwrap();
        let tool = GcovTool { program: "/bin/echo".into() };
        collect(&tool, dir.path(), "idle", notes.path(), &MeasuredFiles::default())
    }

    #[test]
    fn a_recording_of_a_kernel_that_does_not_count_has_no_counts() {
        assert!(matches!(run(None), Err(LineCoverageError::NoCounts(_))));
    }

    #[test]
    fn counts_of_another_kernel_are_refused() {
        assert!(matches!(run(Some(b"/b/mm/damon/other.gcda 2\nxx")), Err(LineCoverageError::Foreign(_))));
    }

    #[test]
    fn counts_that_are_cut_are_refused_with_their_file() {
        let error = run(Some(b"/b/mm/damon/core.gcda 20\nxx")).unwrap_err().to_string();
        assert!(
            error.ends_with("/b/mm/damon/core.gcda has 20 B, of which 2 are there")
                || error.contains("has 20"),
            "{error}"
        );
    }

    #[test]
    fn what_gcov_does_not_print_as_json_is_an_error_with_the_object() {
        let error = run(Some(b"/b/mm/damon/core.gcda 2\nxx")).unwrap_err().to_string();
        assert!(error.starts_with("gcov on mm/damon/core.gcno: invalid number at line 1"), "{error}");
    }
}
