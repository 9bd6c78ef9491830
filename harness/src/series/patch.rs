//! A patch, and patches that belong together.

use super::diff::Diff;
use super::error::SeriesError;
use super::patch_mail::PatchMail;
use crate::host::text::excerpt;
use std::path::PathBuf;

/// A patch as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// Where it came from, for messages.
    pub path: PathBuf,
    /// Its subject without `[PATCH n/m]`; none for a bare diff.
    pub subject: Option<String>,
    /// Its diff, or the whole text of a file that needed no decoding.
    pub bytes: Vec<u8>,
}

/// Patches that belong together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Series {
    /// The cover letter's subject.
    pub title: Option<String>,
    /// The patches, in order.
    pub patches: Vec<Patch>,
    /// What was left out or converted, a line each.
    pub notes: Vec<String>,
}

impl Series {
    /// Its title, else the title of its first patch.
    pub fn name(&self) -> String {
        self.title.clone().or_else(|| self.patches.first().map(Patch::title)).unwrap_or_default()
    }
}

impl Patch {
    /// Its subject, else the name of its file.
    pub fn title(&self) -> String {
        let file = || self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        excerpt(&self.subject.clone().unwrap_or_else(file))
    }

    /// Its diff.
    ///
    /// # Errors
    /// It has no diff, it is damaged, or it names a file outside of the tree.
    pub fn diff(&self) -> Result<Diff, SeriesError> {
        let mail = PatchMail::read(&self.path, None, &self.bytes)?;
        mail.diff.ok_or_else(|| SeriesError::NoPatch {
            path: self.path.clone(),
            reason: "it changes no file".to_owned(),
        })
    }

    pub(super) fn of(mail: PatchMail) -> Patch {
        let subject =
            mail.subject.as_ref().map(|subject| subject.title.clone()).filter(|title| !title.is_empty());
        let bytes = mail.diff.as_ref().map(Diff::bytes).unwrap_or_default();
        Patch { path: mail.path, subject, bytes }
    }
}
