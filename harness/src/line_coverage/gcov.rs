//! What gcov prints with `--json-format`, as counts. Pure.

use super::counts::{Counts, Function};
use serde::Deserialize;

/// The version of gcov's format that is read here.
const FORMAT: &str = "1";

#[derive(Debug, Deserialize)]
struct Output {
    format_version: String,
    files: Vec<File>,
}

#[derive(Debug, Deserialize)]
struct File {
    file: String,
    functions: Vec<OneFunction>,
    lines: Vec<Line>,
}

#[derive(Debug, Deserialize)]
struct OneFunction {
    name: String,
    start_line: u32,
    end_line: u32,
    execution_count: u64,
}

#[derive(Debug, Deserialize)]
struct Line {
    line_number: u32,
    count: u64,
}

/// Why gcov's output was not understood.
#[derive(Debug, thiserror::Error)]
pub enum GcovError {
    /// It is not the JSON of this format.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// It is a later one.
    #[error("its format has version '{}'; wanted: {FORMAT}", crate::host::text::foreign(.0))]
    Version(String),
}

/// The counts in `text`, which `scenario` gave. Files for which `path` gives no name are left out.
///
/// # Errors
/// It is no output of gcov.
pub fn read(text: &[u8], scenario: &str, path: impl Fn(&str) -> Option<String>) -> Result<Counts, GcovError> {
    let mut counts = Counts::default();
    let output: Output = serde_json::from_slice(text)?;
    if output.format_version != FORMAT {
        return Err(GcovError::Version(output.format_version));
    }
    for file in output.files {
        let Some(name) = path(&file.file) else { continue };
        let known = counts.files.entry(name).or_default();
        // A line has an entry for each copy of it: one an inlined call, for instance.
        for line in file.lines {
            known.lines.entry(line.line_number).or_default().add(scenario, line.count);
        }
        for one in file.functions {
            let Function { calls, .. } = known.functions.entry(one.name).or_insert(Function {
                first: one.start_line,
                last: one.end_line,
                calls: 0,
            });
            *calls = calls.saturating_add(one.execution_count);
        }
    }
    Ok(counts)
}

/// The path from the root of the kernel's source; none for a file outside of a working copy of the cache,
/// `tree/NAME/src`.
pub(super) fn path_in_tree(path: &str) -> Option<String> {
    let (_, below) = path.rsplit_once("tree/")?;
    let (name, inside) = below.split_once("/src/")?;
    let plain = !name.contains('/') && !inside.split('/').any(|part| part.is_empty() || part == "..");
    plain.then(|| inside.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::counts::LineCounts;
    use super::*;

    /// Of a small program that is compiled by gcc 12 with `-fprofile-arcs -ftest-coverage`, and run once.
    const STORED: &[u8] = include_bytes!("testdata/gcov-12.json");

    #[test]
    fn the_lines_and_functions_of_gcov_12_are_read() {
        let counts = read(STORED, "idle", |path| Some(path.to_owned())).unwrap();
        let file = &counts.files["small.c"];
        assert_eq!(file.executed_of(..), (9, 12));
        let never: Vec<u32> =
            file.lines.iter().filter(|(_, line)| !line.is_executed()).map(|(number, _)| *number).collect();
        assert_eq!(never, [5, 11, 13]);
        assert_eq!(file.functions["half"], Function { first: 2, last: 7, calls: 3 });
        assert_eq!(file.functions["unused"].calls, 0);
        assert_eq!(file.function_at(5), Some("half"));
        assert_eq!(file.lines.values().map(LineCounts::total).max(), Some(4));
    }

    #[test]
    fn what_is_no_output_of_gcov_is_refused() {
        let read = |text: &str| read(text.as_bytes(), "idle", |path| Some(path.to_owned()));
        assert!(matches!(read("{}"), Err(GcovError::Json(_))));
        let error = read(r#"{"format_version": "2", "files": []}"#).unwrap_err();
        assert_eq!(error.to_string(), "its format has version '2'; wanted: 1");
    }

    #[test]
    fn only_a_file_of_a_working_copy_has_a_path_in_the_tree() {
        for (path, inside) in [
            ("../../tree/linux-7.3/src/mm/damon/core.c", Some("mm/damon/core.c")),
            ("/c/tree/linux-7.3/src/include/linux/damon.h", Some("include/linux/damon.h")),
            ("./include/generated/bounds.h", None),
            ("/c/tree/linux-7.3/src/../../x.c", None),
            ("/usr/lib/gcc/include/stdarg.h", None),
        ] {
            assert_eq!(path_in_tree(path).as_deref(), inside, "{path}");
        }
    }
}
