//! Patches as people have them, mails, mboxes, maildirs, files and branches, read into a list of diffs in the order in
//! which they are applied. Nothing in here knows a kernel: whether a diff fits is another's question.

mod damage;
mod diff;
mod error;
mod fit;
mod gather;
mod letter;
mod mbox;
mod names;
mod order;
mod range;
mod reach;
mod reader;
mod tag;

pub use damage::{Damage, GET_IT_WHOLE, Harm};
pub use diff::{Diff, FileDiff, Hunk};
pub use error::SeriesError;
pub use fit::{Fit, Misfit, fit};
pub use reach::{link_on_the_way, link_stays};

use gather::{Found, Mail};
use letter::Letter;
use std::path::{Path, PathBuf};

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

    fn of(letter: Letter) -> Patch {
        let subject = letter.tag.as_ref().map(|tag| tag.words.clone()).filter(|words| !words.is_empty());
        let bytes = letter.diff.as_ref().map(Diff::bytes).unwrap_or_default();
        Patch { path: letter.path, subject, bytes }
    }
}

/// The series that `words` stand for. Single files that follow each other are one series; any other word, an mbox, a
/// maildir, a folder or a range, is a series by itself, applied after those before it.
///
/// # Errors
/// What cannot be read whole.
pub fn read(words: &[PathBuf]) -> Result<Series, SeriesError> {
    let mut whole = Series::default();
    let mut titles = Vec::new();
    for (place, mails) in groups(words)? {
        let letter = |mail: Mail| Letter::read(&mail.path, mail.nth, &mail.bytes);
        let letters = mails.into_iter().map(letter).collect::<Result<Vec<_>, _>>()?;
        let series = order::arrange(&place, letters)?;
        titles.extend(series.title);
        whole.patches.extend(series.patches);
        whole.told.extend(series.told);
    }
    whole.title = (!titles.is_empty()).then(|| titles.join(", "));
    Ok(whole)
}

/// The mails of each series, and what to call it.
fn groups(words: &[PathBuf]) -> Result<Vec<(String, Vec<Mail>)>, SeriesError> {
    let mut groups: Vec<(String, Vec<Mail>)> = Vec::new();
    let mut open = false;
    for word in words {
        let place = word.display().to_string();
        match (gather::find(word)?, groups.last_mut()) {
            (Found::Alone(mail), Some((_, mails))) if open => mails.push(mail),
            (Found::Alone(mail), _) => {
                groups.push((place, vec![mail]));
                open = true;
            }
            (Found::Several(mails), _) => {
                groups.push((place, mails));
                open = false;
            }
        }
    }
    Ok(groups)
}

/// Single patches: each of `paths` by itself, whatever its number. A file that is read as it is keeps all its text.
///
/// # Errors
/// A file that is not there, has no patch or several, or was damaged.
pub fn read_patches(paths: &[PathBuf]) -> Result<Vec<Patch>, SeriesError> {
    paths.iter().map(|path| single(path)).collect()
}

/// Those of `ours` that add no tracepoint which one of `theirs` adds too, and the names of the others.
///
/// # Errors
/// What [`Patch::diff`] refuses.
pub fn without_doubles(ours: Vec<Patch>, theirs: &[Patch]) -> Result<(Vec<Patch>, Vec<String>), SeriesError> {
    let mut added = std::collections::BTreeSet::new();
    for patch in theirs {
        added.extend(patch.diff()?.events_added());
    }
    let (mut kept, mut left_out) = (Vec::new(), Vec::new());
    for patch in ours {
        match patch.diff()?.events_added().intersection(&added).next() {
            Some(event) => {
                left_out.push(format!("{}: what comes on top brings its own {event}", patch.path.display()))
            }
            None => kept.push(patch),
        }
    }
    Ok((kept, left_out))
}

fn single(path: &Path) -> Result<Patch, SeriesError> {
    let several = || SeriesError::NoPatch {
        path: path.to_owned(),
        reason: "it has several patches; --series takes them".to_owned(),
    };
    let Found::Alone(mail) = gather::find(path)? else { return Err(several()) };
    let letter = Letter::read(&mail.path, None, &mail.bytes)?;
    let verbatim = letter.diff.as_ref().is_some_and(|diff| diff.verbatim(&mail.bytes));
    // Its number says what else is in its series, and whoever gives it alone wants it alone.
    let alone = Letter { tag: letter.tag.map(order::unnumbered), ..letter };
    let series = order::arrange(&path.display().to_string(), vec![alone])?;
    let patch = series.patches.into_iter().next().ok_or_else(several)?;
    Ok(if verbatim { Patch { bytes: mail.bytes, ..patch } } else { patch })
}

#[cfg(test)]
mod tests;
