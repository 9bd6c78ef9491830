//! From mails to a series: its patches, in order.

use super::error::SeriesError;
use super::patch::{Patch, Series};
use super::patch_mail::PatchMail;
use super::reroll;
use super::subject_line::{SubjectLine, Version};
use std::collections::BTreeMap;

/// The series that `mails` make up; `place` names it in messages.
///
/// # Errors
/// There is no patch, a number is missing or comes twice, or patches do not belong together.
pub fn arrange(place: &str, mails: Vec<PatchMail>) -> Result<Series, SeriesError> {
    let mut series = Series::default();
    let mut mails = without_replies(mails, &mut series.notes);
    let alone = mails.len() == 1;
    mails = reroll::completed(place, mails, &mut series.notes);
    keep_newest(place, &mut mails, &mut series.notes);
    mails.retain(|mail| {
        if mail.is_cover() {
            series.title = Some(mail.title());
        }
        !mail.is_cover()
    });
    for mail in mails.iter().filter(|mail| mail.diff.is_none()) {
        if let Some((number, of)) = mail.number() {
            let reason = format!("{number}/{of} has no diff ('{}')", mail.title());
            return Err(SeriesError::NotASeries { place: place.to_owned(), reason });
        }
        if mails.len() == 1 {
            series.notes.extend(mail.notes.iter().cloned());
            continue;
        }
        series.notes.push(format!("left out: '{}' has no diff", mail.title()));
    }
    mails.retain(|mail| mail.diff.is_some());
    // Beside a cover letter or another version it is half a series.
    if alone {
        mails = alone_of_its_series(mails, &mut series.notes);
    }
    for mail in sorted(place, mails, &mut series.notes)? {
        series.notes.extend(mail.notes.iter().map(|what| format!("'{}': {what}", mail.title())));
        series.patches.push(Patch::of(mail));
    }
    if series.patches.is_empty() {
        let reason = match series.notes.as_slice() {
            [] if series.title.is_some() => "it has a cover letter and no patch".to_owned(),
            [] => "it changes no file".to_owned(),
            notes => format!("it changes no file ({})", notes.join("; ")),
        };
        return Err(SeriesError::NoPatch { path: place.into(), reason });
    }
    Ok(series)
}

/// A patch that is all there is has no need of the others of its series.
fn alone_of_its_series(mails: Vec<PatchMail>, notes: &mut Vec<String>) -> Vec<PatchMail> {
    let [mail] = mails.as_slice() else { return mails };
    let Some((number, of)) = mail.number().filter(|(_, of)| *of > 1) else { return mails };
    notes.push(format!(
        "'{}' is {number}/{of}; it is used alone, without the others of its series",
        mail.title()
    ));
    let alone = |mail: PatchMail| PatchMail { subject: mail.subject.map(SubjectLine::unnumbered), ..mail };
    mails.into_iter().map(alone).collect()
}

/// A reply is used only if it is the only mail and has its own diff.
fn without_replies(mails: Vec<PatchMail>, notes: &mut Vec<String>) -> Vec<PatchMail> {
    let alone = mails.len() == 1;
    let (replies, rest): (Vec<_>, Vec<_>) = mails.into_iter().partition(PatchMail::is_reply);
    let mut used = rest;
    let mut plain = 0;
    for reply in replies {
        match (&reply.diff, alone) {
            (Some(_), true) => {
                used.push(PatchMail { subject: reply.subject.clone().map(SubjectLine::unnumbered), ..reply })
            }
            (Some(_), false) => notes.push(format!(
                "left out: a reply with its own diff, '{}'; to apply it, save it and give it with --patch",
                reply.title()
            )),
            (None, _) => plain += 1,
        }
    }
    match plain {
        0 => {}
        1 => notes.push("left out: a reply without its own patch".to_owned()),
        count => notes.push(format!("left out: {count} replies without their own patches")),
    }
    used
}

/// Removes all but the newest version.
fn keep_newest(place: &str, mails: &mut Vec<PatchMail>, notes: &mut Vec<String>) {
    let version = PatchMail::version;
    let numbered = |mail: &PatchMail| mail.number().is_some();
    let newest = mails.iter().filter(|mail| numbered(mail)).map(version).max();
    let Some(newest) = newest.or_else(|| mails.iter().map(version).max()) else { return };
    let mut older: Vec<Version> = mails.iter().map(version).filter(|version| *version < newest).collect();
    older.sort_unstable();
    older.dedup();
    if !older.is_empty() {
        mails.retain(|mail| version(mail) == newest);
        let older: Vec<String> = older.iter().map(Version::to_string).collect();
        notes.push(format!(
            "{place} has several versions; {newest} is used, {} left out",
            older.join(" and ")
        ));
    }
}

/// Sorted by number if they are numbered, else in their order.
fn sorted(
    place: &str,
    mails: Vec<PatchMail>,
    notes: &mut Vec<String>,
) -> Result<Vec<PatchMail>, SeriesError> {
    let wrong = |reason: String| Err(SeriesError::NotASeries { place: place.to_owned(), reason });
    let mut by_number: BTreeMap<u32, PatchMail> = BTreeMap::new();
    let mut rest = Vec::new();
    let mut total = None;
    let mut in_order = true;
    for mail in mails {
        let Some((number, of)) = mail.number() else {
            rest.push(mail);
            continue;
        };
        if *total.get_or_insert(of) != of {
            let others = total.unwrap_or(of);
            return wrong(format!("'{}' is {number}/{of}, and others are of {others}", mail.title()));
        }
        in_order &= by_number.keys().next_back().is_none_or(|last| *last < number);
        match by_number.get(&number) {
            Some(first) if first.diff == mail.diff => {
                notes.push(format!("left out: {number}/{of} comes twice, and is the same"));
            }
            Some(first) => {
                let (first, second) = (first.title(), mail.title());
                return wrong(format!("{number}/{of} comes twice and differs: '{first}' and '{second}'"));
            }
            None => drop(by_number.insert(number, mail)),
        }
    }
    let Some(total) = total else { return Ok(rest) };
    if let Some(other) = rest.first() {
        let title = other.title();
        return wrong(format!(
            "besides numbered patches it has one without a number, '{title}'; give that with --patch"
        ));
    }
    if let Some(reason) = incomplete(&by_number, total) {
        return wrong(reason);
    }
    for (number, mail) in by_number.range(total.saturating_add(1)..) {
        let title = mail.title();
        notes.push(format!(
            "'{title}' is {number}/{total}: it was added to the series later, and is applied last"
        ));
    }
    if !in_order {
        notes.push(format!("{place} is sorted by the numbers of its patches"));
    }
    Ok(by_number.into_values().collect())
}

/// The missing ones of `total` numbers, if there are any.
fn incomplete(by_number: &BTreeMap<u32, PatchMail>, total: u32) -> Option<String> {
    // A number in a subject can be anything, so the list is bounded.
    let last = by_number.keys().next_back().map_or(total, |last| total.max(*last));
    let missing = (1..=last).filter(|number| !by_number.contains_key(number)).take(9);
    let missing: Vec<String> = missing.map(|number| format!("{number}/{total}")).collect();
    let has: Vec<String> = by_number.keys().take(9).map(u32::to_string).collect();
    (!missing.is_empty()).then(|| format!("{} is missing; it has {}", missing.join(", "), has.join(", ")))
}
