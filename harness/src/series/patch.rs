//! A patch, and patches that belong together.

use super::diff::Diff;
use super::error::SeriesError;
use super::letter::Letter;
use std::path::PathBuf;

/// A patch as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// Where it came from, for messages.
    pub path: PathBuf,
    /// The first line of what its author says of it, without `[PATCH n/m]`; none for a bare diff.
    pub subject: Option<String>,
    /// Its diff. Of a file that needed no decoding it may be the whole text.
    pub bytes: Vec<u8>,
}

/// Patches that belong together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Series {
    /// The cover letter's subject.
    pub title: Option<String>,
    /// The patches, in order.
    pub patches: Vec<Patch>,
    /// What was left out or undone, a line each.
    pub told: Vec<String>,
}

impl Series {
    /// What to call it: its title, else its first patch's.
    pub fn name(&self) -> String {
        self.title.clone().or_else(|| self.patches.first().map(Patch::title)).unwrap_or_default()
    }
}

impl Patch {
    /// What to call it: its subject, else its file's name.
    pub fn title(&self) -> String {
        let file = || self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.subject.clone().unwrap_or_else(file)
    }

    /// Its diff, read.
    ///
    /// # Errors
    /// It has none, it was damaged, or it names what it must not.
    pub fn diff(&self) -> Result<Diff, SeriesError> {
        let letter = Letter::read(&self.path, None, &self.bytes)?;
        letter.diff.ok_or_else(|| SeriesError::NoPatch {
            path: self.path.clone(),
            reason: "it changes no file".to_owned(),
        })
    }

    pub(super) fn of(letter: Letter) -> Patch {
        let subject = letter.tag.as_ref().map(|tag| tag.words.clone()).filter(|words| !words.is_empty());
        let bytes = letter.diff.as_ref().map(Diff::bytes).unwrap_or_default();
        Patch { path: letter.path, subject, bytes }
    }
}
