//! Which objects of a kernel count the lines that they execute, and the files with which such counts are read.
//!
//! gcc writes a `.gcno` beside each object that counts: the lines of its basic blocks. It fits the counts of that object
//! alone, so it is kept with the image.

use super::apply::Touched;
use super::config::Requests;
use fs_err as fs;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// Part of the key of every kernel that counts. Must change whenever other objects count for the same inputs.
pub const RECIPE: &str = "coverage-1";

/// The option without which nothing counts.
const OPTION: &str = "GCOV_KERNEL";

/// The folder whose objects always count.
const DAMON: &str = "mm/damon";

/// The objects that count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Instrumented {
    /// Objects of the touched files outside of `mm/damon`, from the root of the tree.
    touched: BTreeSet<String>,
}

/// Whether `requests` ask for a kernel that counts.
pub fn requested(requests: &Requests) -> bool {
    requests.value(OPTION) == Some("y")
}

impl Instrumented {
    /// DAMON's, and those of the files in `touched`.
    pub fn of(touched: &Touched) -> Instrumented {
        let object = |(path, after): (&String, &Option<_>)| {
            after.as_ref()?;
            let stem = path.strip_suffix(".c")?;
            let plain = stem.chars().all(|c| c.is_ascii_alphanumeric() || "/_-.".contains(c));
            (plain && may_count(path)).then(|| format!("{stem}.o"))
        };
        Instrumented { touched: touched.iter().filter_map(object).collect() }
    }

    /// The argument of make. On the command line it stands above what a Makefile says, and is empty for every other object.
    /// make expands it for each object.
    pub fn argument(&self) -> String {
        let objects: Vec<&str> = self.touched.iter().map(String::as_str).collect();
        format!("GCOV_PROFILE=$(if $(filter {DAMON}/% {},$(obj)/$(target-stem).o),y)", objects.join(" "))
    }

    /// The `.gcno` files in the build folder `out`, from its root. A file that the configuration leaves out has none.
    pub fn notes(&self, out: &Path) -> io::Result<Vec<PathBuf>> {
        let damon = match fs::read_dir(out.join(DAMON)) {
            Ok(entries) => entries.collect::<Result<Vec<_>, _>>()?,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(cause) => return Err(cause),
        };
        let damon = damon.into_iter().map(|entry| Path::new(DAMON).join(entry.file_name()));
        let touched = self.touched.iter().map(|object| Path::new(object).with_extension("gcno"));
        let all: BTreeSet<PathBuf> =
            damon.chain(touched).filter(|path| path.extension().is_some_and(|kind| kind == "gcno")).collect();
        Ok(all.into_iter().filter(|path| out.join(path).is_file()).collect())
    }
}

/// What runs before the kernel does, or must not be interrupted by a counter.
fn may_count(path: &str) -> bool {
    const NEVER: [&str; 7] = [
        "arch/x86/boot/",
        "arch/x86/entry/",
        "arch/x86/purgatory/",
        "drivers/firmware/efi/libstub/",
        "kernel/gcov/",
        "scripts/",
        "tools/",
    ];
    !NEVER.iter().any(|folder| path.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use super::super::config::Fragment;
    use super::super::listing::{Content, Entry, FileKind};
    use super::*;

    fn touched(paths: &[&str]) -> Touched {
        let entry = Entry { kind: FileKind::Plain, content: Content::of(b"") };
        let mut all: Touched =
            paths.iter().map(|path| ((*path).to_owned(), Some((entry, Vec::new())))).collect();
        all.insert("mm/removed.c".into(), None);
        all
    }

    #[test]
    fn a_touched_source_counts_and_a_header_a_removed_file_and_one_that_boots_do_not() {
        let all = touched(&["mm/migrate.c", "include/linux/damon.h", "arch/x86/boot/main.c", "mm/a b.c"]);
        assert_eq!(
            Instrumented::of(&all).argument(),
            "GCOV_PROFILE=$(if $(filter mm/damon/% mm/migrate.o,$(obj)/$(target-stem).o),y)"
        );
    }

    #[test]
    fn the_notes_are_those_of_objects_that_were_compiled() {
        let out = tempfile::tempdir().unwrap();
        fs::create_dir_all(out.path().join("mm/damon")).unwrap();
        for name in ["mm/damon/core.gcno", "mm/damon/core.o", "mm/migrate.gcno", "mm/other.gcno"] {
            fs::write(out.path().join(name), "").unwrap();
        }
        let notes = Instrumented::of(&touched(&["mm/migrate.c", "mm/absent.c"])).notes(out.path()).unwrap();
        assert_eq!(notes, [Path::new("mm/damon/core.gcno"), Path::new("mm/migrate.gcno")]);
    }

    #[test]
    fn only_the_option_makes_a_kernel_count() {
        let read = |text: &str| {
            Requests::read(&[Fragment { path: "a.config".into(), text: text.into(), bundled: true }]).unwrap()
        };
        assert!(requested(&read("CONFIG_GCOV_KERNEL=y\n")));
        assert!(!requested(&read("CONFIG_DEBUG_FS=y\n")));
        assert!(!requested(&read("CONFIG_GCOV_KERNEL=y\n# CONFIG_GCOV_KERNEL is not set\n")));
    }
}
