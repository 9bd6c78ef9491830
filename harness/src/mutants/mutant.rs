//! The mutants: patches and config fragments, and the header of each.
//!
//! The header is the lines `Key: value` before the diff of a patch, or in the comments of a config fragment
//! (`.config`). Every key is optional, so any patch can be a mutant.

use crate::explore::Focus;
use crate::host::fault::{Fault, Faulty};
use crate::host::text::{foreign, shown};
use crate::kernel::{BuildRequest, KernelError, Profile, Source, UnknownProfile};
use crate::series;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

/// What the suite must do about a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The change is a bug: the suite must catch it.
    Regression,
    /// The change alters nothing that anybody may rely on: the suite must not notice it.
    #[serde(alias = "null")]
    Equivalent,
}

/// What the file of a mutant states about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// One line, as in a commit.
    pub subject: Option<String>,
    /// The upstream fix that the mutant undoes.
    pub undoes: Option<String>,
    /// The finding on a mailing list that the mutant recreates.
    pub recreates: Option<String>,
    /// What a user of DAMON sees.
    pub symptom: Option<String>,
    /// The ids of the checks that are expected to catch the mutant.
    pub caught_by: Vec<String>,
    /// The scenarios to try first, in this order.
    pub scenarios: Vec<String>,
    /// None if the file does not state it: then its folder decides.
    pub kind: Option<Kind>,
    /// The kernel configuration without which the bug does not show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
}

impl Header {
    /// Reads the header. Lines that are not a known `Key: value` are prose.
    ///
    /// # Errors
    /// An unknown `Kind:` or `Profile:`.
    pub fn parse(text: &str) -> Result<Header, String> {
        let mut header = Header::default();
        for line in text.lines().take_while(|line| !begins_a_diff(line)) {
            let line = line.trim_start_matches('#').trim();
            let Some((key, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            let text = || Some(value.to_owned()).filter(|value| !value.is_empty());
            match key {
                "Subject" => header.subject = text().map(|subject| without_tag(&subject).to_owned()),
                "Undoes" => header.undoes = text(),
                "Recreates" => header.recreates = text(),
                "Symptom" => header.symptom = text(),
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

/// A subject without the tag that `git format-patch` puts before it.
fn without_tag(subject: &str) -> &str {
    match subject.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((tag, rest)) if tag.contains("PATCH") => rest.trim(),
        _ => subject,
    }
}

fn list(value: &str) -> Vec<String> {
    value.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

fn kind(value: &str) -> Result<Kind, String> {
    match value {
        "regression" => Ok(Kind::Regression),
        // "null" is the name that patches outside of this repository may still use; it goes with the next release.
        "equivalent" | "null" => Ok(Kind::Equivalent),
        other => Err(format!("'Kind: {other}' is neither regression nor equivalent")),
    }
}

/// A kernel with one deliberate change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutant {
    /// The name of the file without its extension.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// What the suite must do about it.
    pub kind: Kind,
    /// What the file states about it.
    pub header: Header,
    /// The parts of the grammar of generated scenarios that the changed lines of a patch name.
    pub focus: Focus,
}

impl Mutant {
    fn load(path: &Path) -> Result<Mutant, MutantError> {
        let bytes =
            std::fs::read(path).map_err(|cause| MutantError::Unreadable { path: path.to_owned(), cause })?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let header =
            Header::parse(&text).map_err(|reason| MutantError::Header { path: path.to_owned(), reason })?;
        let folder = path.parent().and_then(Path::file_name);
        let by_folder = if folder.is_some_and(|folder| folder == "equivalent") {
            Kind::Equivalent
        } else {
            Kind::Regression
        };
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Mutant {
            name,
            path: path.to_owned(),
            kind: header.kind.unwrap_or(by_folder),
            header,
            focus: Focus::of_patches([text]),
        })
    }

    /// The default kernel with this change.
    ///
    /// # Errors
    /// The file is not a patch.
    pub fn request(&self) -> Result<BuildRequest, KernelError> {
        let mut request = self.request_without();
        let path = std::slice::from_ref(&self.path);
        match self.is_fragment() {
            true => request.fragments.extend_from_slice(path),
            false => request.patches = series::read_patches(path)?,
        }
        Ok(request)
    }

    /// The kernel that it is compared with: the default one, with the profile of the header.
    pub fn request_without(&self) -> BuildRequest {
        let mut request = BuildRequest::of(Source::default());
        request.fragments.extend(self.header.profile.and_then(|profile| profile.fragment(&request.project)));
        request
    }

    /// Whether the mutant changes the kernel's configuration, and not its source.
    pub fn is_fragment(&self) -> bool {
        self.path.extension().is_some_and(|extension| extension == "config")
    }
}

/// Why the mutants cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum MutantError {
    /// A file or folder cannot be read.
    #[error("cannot read {}: {cause}", shown(.path))]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// The error of the system.
        cause: io::Error,
    },
    /// A header has a value that its key does not accept.
    #[error("{}: {reason}", shown(.path))]
    Header {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// No file of a folder is a mutant.
    #[error("there is no .patch, .diff or .config file in {}", shown(.0))]
    Empty(PathBuf),
    /// `--only` with a name that matches no mutant.
    #[error("no mutant is named '{}'; there are {known}", foreign(.name))]
    UnknownName {
        /// The name.
        name: String,
        /// The names of all mutants.
        known: String,
    },
    /// Two files have one name, under which their results would be stored.
    #[error("two mutants are named '{}': {} and {}; rename one", foreign(.name), shown(.first), shown(.second))]
    DuplicateName {
        /// The name.
        name: String,
        /// One file.
        first: PathBuf,
        /// The other file.
        second: PathBuf,
    },
}

impl Faulty for MutantError {
    fn fault(&self) -> Fault {
        Fault::BadInput
    }
}

/// The mutants in `paths`, which are files and folders. The files of a folder are sorted by name. No path: the mutants
/// that damonlab ships.
///
/// # Errors
/// See [`MutantError`].
pub fn find(paths: &[PathBuf]) -> Result<Vec<Mutant>, MutantError> {
    let shipped =
        ["regressions", "equivalent"].map(|folder| crate::bundled::home().join("patches").join(folder));
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
            return Err(MutantError::DuplicateName { name: mutant.name.clone(), first, second });
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

/// The `mutants` whose names begin with one of `names`. No name: all of them.
///
/// # Errors
/// A name that matches no mutant.
pub fn only(mutants: Vec<Mutant>, names: &[String]) -> Result<Vec<Mutant>, MutantError> {
    let matches = |mutant: &Mutant, name: &String| mutant.name.starts_with(name.as_str());
    if let Some(name) = names.iter().find(|name| !mutants.iter().any(|mutant| matches(mutant, name))) {
        let known = mutants.iter().map(|mutant| mutant.name.as_str()).collect::<Vec<_>>().join(", ");
        return Err(MutantError::UnknownName { name: name.clone(), known });
    }
    let wanted = |mutant: &Mutant| names.is_empty() || names.iter().any(|name| matches(mutant, name));
    Ok(mutants.into_iter().filter(wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use fs_err as fs;

    #[test]
    fn a_header_is_read_up_to_the_diff() {
        let text = "# SPDX-License-Identifier: GPL-2.0\nSubject: [PATCH 1/2] mm/damon: break it\n\
                    Undoes: mm/damon: fix it\nSymptom: it is broken: badly\nCaught-by: A3, S2\n\
                    Scenarios: pull-push, idle\n\nSome prose.\n\ndiff --git a/x b/x\n+Kind: equivalent\n";
        let header = Header::parse(text).unwrap();
        assert_eq!(header.subject.as_deref(), Some("mm/damon: break it"));
        assert_eq!(header.undoes.as_deref(), Some("mm/damon: fix it"));
        assert_eq!(header.symptom.as_deref(), Some("it is broken: badly"));
        assert_eq!(header.caught_by, ["A3", "S2"]);
        assert_eq!(header.scenarios, ["pull-push", "idle"]);
        assert_eq!(header.kind, None);
    }

    #[test]
    fn the_header_of_a_fragment_is_in_its_comments() {
        let text = "# Subject: other CPUs\n# Kind: equivalent\nCONFIG_NR_CPUS=64\n";
        let header = Header::parse(text).unwrap();
        assert_eq!((header.subject.as_deref(), header.kind), (Some("other CPUs"), Some(Kind::Equivalent)));
    }

    #[test]
    fn the_old_name_of_an_equivalent_mutant_is_still_read() {
        assert_eq!(Header::parse("Kind: null\n").unwrap().kind, Some(Kind::Equivalent));
        assert_eq!(serde_json::from_str::<Kind>("\"null\"").unwrap(), Kind::Equivalent);
    }

    #[test]
    fn an_unknown_kind_is_refused() {
        let error = Header::parse("Kind: harmless\n").unwrap_err();
        assert_eq!(error, "'Kind: harmless' is neither regression nor equivalent");
    }

    #[test]
    fn a_bug_that_only_a_profile_shows_is_built_with_that_profile() {
        let folder = crate::bundled::home().join("patches/debug");
        for mutant in find(&[folder]).unwrap() {
            let request = mutant.request().unwrap();
            assert_eq!(request.fragments, Vec::from_iter(Profile::Debug.fragment(&request.project)));
            assert_eq!(request.patches.len(), 1, "{}", mutant.name);
        }
        assert!(Header::parse("Profile: kasan\n").unwrap_err().contains("no profile 'kasan'"));
    }

    const PATCH: &str = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";

    #[test]
    fn a_patch_is_a_regression_unless_its_folder_or_its_header_says_equivalent() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("equivalent")).unwrap();
        let files = [
            ("a.patch", PATCH.to_owned()),
            ("equivalent/b.diff", PATCH.to_owned()),
            ("c.patch", format!("Kind: equivalent\n{PATCH}")),
            ("equivalent/d.patch", format!("Kind: regression\n{PATCH}")),
        ];
        let paths = files.map(|(name, text)| {
            fs::write(dir.path().join(name), text).unwrap();
            dir.path().join(name)
        });
        let kinds: Vec<_> = find(&paths).unwrap().iter().map(|mutant| mutant.kind).collect();
        assert_eq!(kinds, [Kind::Regression, Kind::Equivalent, Kind::Equivalent, Kind::Regression]);
    }

    #[test]
    fn the_patches_of_a_folder_are_sorted_by_name_and_a_folder_without_one_is_refused() {
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
    fn two_mutants_with_one_name_are_refused_with_both_files() {
        let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let paths = dirs.each_ref().map(|dir| dir.path().join("same.patch"));
        paths.iter().for_each(|path| fs::write(path, PATCH).unwrap());
        assert!(find(&paths).unwrap_err().to_string().starts_with("two mutants are named 'same': /"));
    }

    #[test]
    fn a_number_selects_a_mutant_and_an_unknown_name_lists_all_names() {
        let all = find(&[]).unwrap();
        let picked = only(all.clone(), &["14".to_owned()]).unwrap();
        assert_eq!(
            picked.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(),
            ["14-eligible-divides-by-zero"]
        );
        let error = only(all, &["99".to_owned()]).unwrap_err().to_string();
        assert!(error.starts_with("no mutant is named '99'; there are 01-"), "{error}");
    }

    #[test]
    fn every_shipped_regression_states_its_symptom_its_origin_and_what_catches_it() {
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
        for mutant in shipped.iter().filter(|m| m.kind == Kind::Equivalent) {
            assert!(mutant.header.subject.is_some(), "{}", mutant.name);
        }
    }
}
