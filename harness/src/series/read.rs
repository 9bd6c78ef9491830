//! From the user's words to patches.

use super::error::SeriesError;
use super::gather::{self, Found, Mail};
use super::letter::Letter;
use super::order;
use super::patch::{Patch, Series};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

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
    let mut added = BTreeSet::new();
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
