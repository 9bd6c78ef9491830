//! From the arguments of `--series` and `--patch` to patches.

use super::error::SeriesError;
use super::gather::{self, Input, Mail};
use super::order;
use super::patch::{Patch, Series};
use super::patch_mail::PatchMail;
use super::reverse::reversed;
use super::subject_line::SubjectLine;
use crate::host::text::shown;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The series in `inputs`. Files with one mail that follow each other are one series; any other input (an mbox, a maildir,
/// a folder or a range) is a series by itself, which is applied after those before it.
///
/// # Errors
/// An input cannot be read whole.
pub fn read(inputs: &[PathBuf]) -> Result<Series, SeriesError> {
    let mut whole = Series::default();
    let mut titles = Vec::new();
    for Group { place, mails, listed } in groups(inputs)? {
        let series = of_mails(&place, mails, listed)?;
        titles.extend(series.title);
        whole.patches.extend(series.patches);
        whole.notes.extend(series.notes);
    }
    whole.title = (!titles.is_empty()).then(|| titles.join(", "));
    Ok(whole)
}

/// The series in the text of one file, which is called `path` in messages.
///
/// # Errors
/// As for [`read`].
pub fn of_text(path: &Path, text: &[u8]) -> Result<Series, SeriesError> {
    let text = gather::unpacked(path, text.to_vec())?;
    of_mails(&path.to_string_lossy(), gather::mails(path, &text), false)
}

fn of_mails(place: &str, mails: Vec<Mail>, listed: bool) -> Result<Series, SeriesError> {
    let mails = mails.iter().map(|mail| patch_mail(mail, listed)).collect::<Result<Vec<_>, _>>()?;
    order::arrange(place, mails)
}

/// A mail, without what would place it elsewhere than where it is `listed`.
fn patch_mail(mail: &Mail, listed: bool) -> Result<PatchMail, SeriesError> {
    let mut read = PatchMail::read(&mail.path, mail.nth, &mail.bytes)?;
    if listed {
        read.subject = read.subject.map(SubjectLine::listed);
    }
    if mail.reversed {
        let no_way = || SeriesError::NoPatch {
            path: mail.path.clone(),
            reason: "it cannot be applied backwards (-R): it renames or copies a file, or has a binary one"
                .to_owned(),
        };
        read.diff = read.diff.map(|diff| reversed(&diff).ok_or_else(no_way)).transpose()?;
        read.notes.push("applied backwards (-R)".to_owned());
    }
    Ok(read)
}

/// The mails of one series.
struct Group {
    /// Its name for messages.
    place: String,
    mails: Vec<Mail>,
    /// Whether they stand in their order.
    listed: bool,
}

fn groups(inputs: &[PathBuf]) -> Result<Vec<Group>, SeriesError> {
    let mut groups: Vec<Group> = Vec::new();
    let mut open = false;
    for input in inputs {
        let place = shown(input).to_string();
        match (gather::find(input)?, groups.last_mut()) {
            (Input::Mail(mail), Some(group)) if open => group.mails.push(mail),
            (Input::Mail(mail), _) => {
                groups.push(Group { place, mails: vec![mail], listed: false });
                open = true;
            }
            (Input::Series(mails), _) => {
                groups.push(Group { place, mails, listed: false });
                open = false;
            }
            (Input::Listed(mails), _) => {
                groups.push(Group { place, mails, listed: true });
                open = false;
            }
        }
    }
    Ok(groups)
}

/// Single patches: each of `paths` by itself, whatever its number. A file that needs no decoding keeps all its text.
///
/// # Errors
/// A file is missing, has no patch or several, or is damaged.
pub fn read_patches(paths: &[PathBuf]) -> Result<Vec<Patch>, SeriesError> {
    paths.iter().map(|path| single(path)).collect()
}

/// The patches of `bundled` but for those that add a tracepoint which a patch of `users` adds too, and a line about each
/// patch that is left out.
///
/// # Errors
/// As for [`Patch::diff`].
pub fn without_duplicates(
    bundled: Vec<Patch>,
    users: &[Patch],
) -> Result<(Vec<Patch>, Vec<String>), SeriesError> {
    let mut added = BTreeSet::new();
    for patch in users {
        added.extend(patch.diff()?.events_added());
    }
    let (mut rest, mut left_out) = (Vec::new(), Vec::new());
    for patch in bundled {
        match patch.diff()?.events_added().intersection(&added).next() {
            Some(event) => {
                left_out.push(format!("{}: the patches on top add their own {event}", shown(&patch.path)))
            }
            None => rest.push(patch),
        }
    }
    Ok((rest, left_out))
}

fn single(path: &Path) -> Result<Patch, SeriesError> {
    let several = || SeriesError::NoPatch {
        path: path.to_owned(),
        reason: "it has several patches; use --series for them".to_owned(),
    };
    let Input::Mail(mail) = gather::find(path)? else { return Err(several()) };
    let read = PatchMail::read(&mail.path, None, &mail.bytes)?;
    let verbatim = read.diff.as_ref().is_some_and(|diff| diff.verbatim(&mail.bytes));
    // Its number is its place in a series, and a user who gives it alone wants it alone.
    let alone = PatchMail { subject: read.subject.map(SubjectLine::unnumbered), ..read };
    let series = order::arrange(&shown(path).to_string(), vec![alone])?;
    let patch = series.patches.into_iter().next().ok_or_else(several)?;
    Ok(if verbatim { Patch { bytes: mail.bytes, ..patch } } else { patch })
}
