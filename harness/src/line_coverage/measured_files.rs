//! Which files of the kernel are reported: DAMON's, and those that a series touches. Pure.

use std::collections::BTreeSet;

/// The folder that is always reported, and the header with DAMON's inline functions.
const DAMON: &str = "mm/damon/";
const HEADER: &str = "include/linux/damon.h";

/// The files that are reported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MeasuredFiles {
    touched: BTreeSet<String>,
}

impl MeasuredFiles {
    /// DAMON's, and `touched`.
    pub fn with(touched: impl IntoIterator<Item = String>) -> MeasuredFiles {
        MeasuredFiles { touched: touched.into_iter().collect() }
    }

    /// Whether `path`, from the root of the source, is one of them.
    pub fn has(&self, path: &str) -> bool {
        path.starts_with(DAMON) || path == HEADER || self.touched.contains(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damon_is_always_reported_and_another_file_if_the_series_touches_it() {
        let files = MeasuredFiles::with(["mm/migrate.c".to_owned()]);
        let reported = |path| files.has(path);
        assert!(reported("mm/damon/core.c") && reported("include/linux/damon.h") && reported("mm/migrate.c"));
        assert!(!reported("include/linux/list.h") && !reported("mm/damonx.c"));
    }
}
