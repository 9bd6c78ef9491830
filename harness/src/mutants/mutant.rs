//! Which mutants there are, and what their files say about themselves.
//!
//! A mutant is a patch, or a config fragment (`.config`). In front of the diff, or in a fragment's comments, stand
//! lines `Key: value`; all of them may be missing in somebody's own patch.

use crate::host::paths;
use crate::kernel::{KernelError, Profile, Request, Source, UnknownProfile};
use crate::series;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

/// What a mutant's verdict must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A bug: the suite must catch it.
    Regression,
    /// A change that changes nothing: the suite must stay green.
    Null,
}

/// What a mutant's file says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// One line, as of a commit.
    pub subject: Option<String>,
    /// The upstream fix that it undoes.
    pub undoes: Option<String>,
    /// The finding of a mailing list that it recreates.
    pub recreates: Option<String>,
    /// What a user of DAMON sees of it.
    pub symptom: Option<String>,
    /// Ids of checks that are expected to catch it.
    pub caught_by: Vec<String>,
    /// Scenarios to try first, in this order.
    pub scenarios: Vec<String>,
    /// Set where the file says so; else its folder decides.
    pub kind: Option<Kind>,
    /// How the kernel has to be configured for the bug to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
}

impl Header {
    /// Reads what stands in front of the diff. Lines that are no known `Key: value` are somebody's prose.
    ///
    /// # Errors
    /// A `Kind:` or `Profile:` that is none.
    pub fn parse(text: &str) -> Result<Header, String> {
        let mut header = Header::default();
        for line in text.lines().take_while(|line| !begins_a_diff(line)) {
            let line = line.trim_start_matches('#').trim();
            let Some((key, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            let one = || Some(value.to_owned()).filter(|value| !value.is_empty());
            match key {
                "Subject" => header.subject = one().map(|subject| without_tag(&subject).to_owned()),
                "Undoes" => header.undoes = one(),
                "Recreates" => header.recreates = one(),
                "Symptom" => header.symptom = one(),
                "Caught-by" => header.caught_by = list(value),
                "Scenarios" => header.scenarios = list(value),
                "Kind" => header.kind = Some(kind(value)?),
                "Profile" => {
                    header.profile = Some(value.parse().map_err(|error: UnknownProfile| error.to_string())?)
                }
                _ => {}
            }
        }
        Ok(header)
    }
}

fn begins_a_diff(line: &str) -> bool {
    line.starts_with("diff ") || line.starts_with("--- ") || line == "---"
}

/// A subject without what `git format-patch` puts before it.
fn without_tag(subject: &str) -> &str {
    match subject.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((tag, rest)) if tag.contains("PATCH") => rest.trim(),
        _ => subject,
    }
}

fn list(value: &str) -> Vec<String> {
    value.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
}

fn kind(value: &str) -> Result<Kind, String> {
    match value {
        "regression" => Ok(Kind::Regression),
        "null" => Ok(Kind::Null),
        other => Err(format!("'Kind: {other}' is neither regression nor null")),
    }
}

/// One changed kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutant {
    /// The file's name without its ending, after its folder's where two have one name.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// What its verdict must be.
    pub kind: Kind,
    /// What it says about itself.
    pub header: Header,
}

impl Mutant {
    fn load(path: &Path) -> Result<Mutant, MutantError> {
        let bytes =
            std::fs::read(path).map_err(|cause| MutantError::Unreadable { path: path.to_owned(), cause })?;
        let header = Header::parse(&String::from_utf8_lossy(&bytes))
            .map_err(|reason| MutantError::Header { path: path.to_owned(), reason })?;
        let under_null =
            || path.parent().and_then(Path::file_name).is_some_and(|folder| folder == "equivalent");
        let by_folder = if under_null() { Kind::Null } else { Kind::Regression };
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Mutant { name, path: path.to_owned(), kind: header.kind.unwrap_or(by_folder), header })
    }

    /// The default kernel with this on top.
    ///
    /// # Errors
    /// A patch that is none.
    pub fn request(&self) -> Result<Request, KernelError> {
        let mut request = Request::of(Source::default());
        let path = std::slice::from_ref(&self.path);
        request.fragments.extend(self.header.profile.and_then(|profile| profile.fragment(&request.project)));
        match self.is_fragment() {
            true => request.fragments.extend_from_slice(path),
            false => request.patches = series::read_patches(path)?,
        }
        Ok(request)
    }

    /// It changes the kernel's configuration, and not its source.
    pub fn is_fragment(&self) -> bool {
        self.path.extension().is_some_and(|extension| extension == "config")
    }
}

/// Why there are no mutants.
#[derive(Debug, thiserror::Error)]
pub enum MutantError {
    /// A file or folder.
    #[error("cannot read {}: {cause}", .path.display())]
    Unreadable {
        /// It.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// A header that contradicts itself.
    #[error("{}: {reason}", .path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A folder in which no file is a mutant.
    #[error("there is no .patch, .diff or .config file in {}", .0.display())]
    Empty(PathBuf),
    /// `--only` with a name that nobody has.
    #[error("no mutant is called '{name}'; there are {known}")]
    NoneCalled {
        /// The word.
        name: String,
        /// All names.
        known: String,
    },
    /// Results are kept under a mutant's name.
    #[error("two mutants are called '{name}': {} and {}; rename one", .first.display(), .second.display())]
    Twice {
        /// The name.
        name: String,
        /// One file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
}

/// The mutants in `paths`, files and folders, in their order, a folder's by name. None: those that come with damonlab.
///
/// # Errors
/// What cannot be read, and a folder without one.
pub fn find(paths: &[PathBuf]) -> Result<Vec<Mutant>, MutantError> {
    let shipped = ["regressions", "equivalent"].map(|folder| paths::project().join("patches").join(folder));
    let paths = if paths.is_empty() { &shipped[..] } else { paths };
    let mut mutants: Vec<Mutant> = Vec::new();
    for path in paths {
        for file in files(path)? {
            mutants.push(Mutant::load(&file)?);
        }
    }
    for (index, mutant) in mutants.iter().enumerate() {
        if let Some(first) = mutants[..index].iter().find(|other| other.name == mutant.name) {
            let (first, second) = (first.path.clone(), mutant.path.clone());
            return Err(MutantError::Twice { name: mutant.name.clone(), first, second });
        }
    }
    Ok(mutants)
}

fn files(path: &Path) -> Result<Vec<PathBuf>, MutantError> {
    let unreadable = |cause| MutantError::Unreadable { path: path.to_owned(), cause };
    if !std::fs::metadata(path).map_err(unreadable)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        files.push(entry.map_err(unreadable)?.path());
    }
    files.retain(|file| {
        file.extension().is_some_and(|ending| ending == "patch" || ending == "diff" || ending == "config")
    });
    files.sort();
    if files.is_empty() { Err(MutantError::Empty(path.to_owned())) } else { Ok(files) }
}

/// Those of `mutants` whose names are, or begin with, one of `names`. No name: all.
///
/// # Errors
/// A name that fits none.
pub fn only(mutants: Vec<Mutant>, names: &[String]) -> Result<Vec<Mutant>, MutantError> {
    let fits = |mutant: &Mutant, name: &String| mutant.name.starts_with(name.as_str());
    if let Some(name) = names.iter().find(|name| !mutants.iter().any(|mutant| fits(mutant, name))) {
        let known = mutants.iter().map(|mutant| mutant.name.as_str()).collect::<Vec<_>>().join(", ");
        return Err(MutantError::NoneCalled { name: name.clone(), known });
    }
    let wanted = |mutant: &Mutant| names.is_empty() || names.iter().any(|name| fits(mutant, name));
    Ok(mutants.into_iter().filter(wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use fs_err as fs;

    #[test]
    fn a_header_is_read_up_to_the_diff() {
        let text = "# SPDX-License-Identifier: GPL-2.0\nSubject: [PATCH 1/2] mm/damon: break it\n\
                    Undoes: mm/damon: mend it\nSymptom: it is broken: badly\nCaught-by: A3, S2\n\
                    Scenarios: pull-push, idle\n\nSome prose.\n\ndiff --git a/x b/x\n+Kind: null\n";
        let header = Header::parse(text).unwrap();
        assert_eq!(header.subject.as_deref(), Some("mm/damon: break it"));
        assert_eq!(header.undoes.as_deref(), Some("mm/damon: mend it"));
        assert_eq!(header.symptom.as_deref(), Some("it is broken: badly"));
        assert_eq!(header.caught_by, ["A3", "S2"]);
        assert_eq!(header.scenarios, ["pull-push", "idle"]);
        assert_eq!(header.kind, None);
    }

    #[test]
    fn a_fragments_header_stands_in_its_comments() {
        let header = Header::parse("# Subject: other CPUs\n# Kind: null\nCONFIG_NR_CPUS=64\n").unwrap();
        assert_eq!((header.subject.as_deref(), header.kind), (Some("other CPUs"), Some(Kind::Null)));
    }

    #[test]
    fn a_kind_that_is_none_is_refused() {
        let error = Header::parse("Kind: harmless\n").unwrap_err();
        assert_eq!(error, "'Kind: harmless' is neither regression nor null");
    }

    #[test]
    fn a_bug_that_a_profile_alone_shows_is_put_into_a_kernel_of_that_profile() {
        let folder = paths::project().join("patches/debug");
        for mutant in find(&[folder]).unwrap() {
            let request = mutant.request().unwrap();
            assert_eq!(request.fragments, Vec::from_iter(Profile::Debug.fragment(&request.project)));
            assert_eq!(request.patches.len(), 1, "{}", mutant.name);
        }
        assert!(Header::parse("Profile: kasan\n").unwrap_err().contains("no profile 'kasan'"));
    }

    const PATCH: &str = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";

    #[test]
    fn a_plain_patch_is_a_regression_unless_its_folder_or_its_header_says_null() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("equivalent")).unwrap();
        let files = [
            ("a.patch", PATCH.to_owned()),
            ("equivalent/b.diff", PATCH.to_owned()),
            ("c.patch", format!("Kind: null\n{PATCH}")),
            ("equivalent/d.patch", format!("Kind: regression\n{PATCH}")),
        ];
        let paths = files.map(|(name, text)| {
            fs::write(dir.path().join(name), text).unwrap();
            dir.path().join(name)
        });
        let kinds: Vec<_> = find(&paths).unwrap().iter().map(|mutant| mutant.kind).collect();
        assert_eq!(kinds, [Kind::Regression, Kind::Null, Kind::Null, Kind::Regression]);
    }

    #[test]
    fn a_folder_gives_its_patches_by_name_and_one_without_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let error = find(&[dir.path().to_owned()]).unwrap_err();
        assert!(error.to_string().starts_with("there is no .patch, .diff or .config file in /"), "{error}");
        for name in ["2.patch", "1.patch", "notes.txt"] {
            fs::write(dir.path().join(name), PATCH).unwrap();
        }
        let names: Vec<_> = find(&[dir.path().to_owned()]).unwrap().into_iter().map(|m| m.name).collect();
        assert_eq!(names, ["1", "2"]);
    }

    #[test]
    fn two_mutants_of_one_name_are_refused_with_both_files() {
        let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let paths = dirs.each_ref().map(|dir| dir.path().join("same.patch"));
        paths.iter().for_each(|path| fs::write(path, PATCH).unwrap());
        assert!(find(&paths).unwrap_err().to_string().starts_with("two mutants are called 'same': /"));
    }

    #[test]
    fn a_number_is_enough_of_a_name_and_an_unknown_one_is_told_what_there_is() {
        let all = find(&[]).unwrap();
        let picked = only(all.clone(), &["14".to_owned()]).unwrap();
        assert_eq!(
            picked.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(),
            ["14-eligible-divides-by-zero"]
        );
        let error = only(all, &["99".to_owned()]).unwrap_err().to_string();
        assert!(error.starts_with("no mutant is called '99'; there are 01-"), "{error}");
    }

    #[test]
    fn every_shipped_regression_says_what_it_is_and_how_it_is_to_be_caught() {
        let shipped = find(&[]).unwrap();
        let regressions: Vec<_> = shipped.iter().filter(|m| m.kind == Kind::Regression).collect();
        assert!(regressions.len() >= 16 && shipped.len() - regressions.len() >= 8);
        for Mutant { name, header, .. } in regressions {
            assert!(header.subject.is_some() && header.symptom.is_some(), "{name}: {header:?}");
            assert!(
                header.undoes.is_some() != header.recreates.is_some(),
                "{name}: one origin, and only one"
            );
            assert!(!header.caught_by.is_empty() && !header.scenarios.is_empty(), "{name}: {header:?}");
        }
        for mutant in shipped.iter().filter(|m| m.kind == Kind::Null) {
            assert!(mutant.header.subject.is_some(), "{}", mutant.name);
        }
    }
}
