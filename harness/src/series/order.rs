//! From mails to a series: which are its patches, and in which order.

use super::error::SeriesError;
use super::letter::Letter;
use super::patch::{Patch, Series};
use super::tag::Tag;
use std::collections::BTreeMap;

/// The series that `letters` are, which `place` names.
///
/// # Errors
/// No patch, a number that is missing or there twice, patches that do not belong together.
pub fn arrange(place: &str, letters: Vec<Letter>) -> Result<Series, SeriesError> {
    let mut series = Series::default();
    let mut letters = without_replies(letters, &mut series.told);
    newest(place, &mut letters, &mut series.told);
    letters.retain(|letter| {
        if letter.is_cover() {
            series.title = Some(letter.title());
        }
        !letter.is_cover()
    });
    let alone = letters.len() == 1;
    for letter in letters.iter().filter(|letter| letter.diff.is_none()) {
        if let Some((number, of)) = letter.number() {
            let reason = format!("{number}/{of} has no diff ('{}')", letter.title());
            return Err(SeriesError::NotASeries { place: place.to_owned(), reason });
        }
        if alone {
            series.told.extend(letter.told.iter().cloned());
            continue;
        }
        series.told.push(format!("left out: no diff is in '{}'", letter.title()));
    }
    letters.retain(|letter| letter.diff.is_some());
    for letter in sorted(place, letters, &mut series.told)? {
        series.told.extend(letter.told.iter().map(|what| format!("'{}': {what}", letter.title())));
        series.patches.push(Patch::of(letter));
    }
    if series.patches.is_empty() {
        let reason = match series.told.as_slice() {
            [] if series.title.is_some() => "there is a cover letter in it, and no patch".to_owned(),
            [] => "it changes no file".to_owned(),
            told => format!("it changes no file ({})", told.join("; ")),
        };
        return Err(SeriesError::NoPatch { path: place.into(), reason });
    }
    Ok(series)
}

/// A reply is taken only where it is all that there is, and has a diff of its own.
fn without_replies(letters: Vec<Letter>, told: &mut Vec<String>) -> Vec<Letter> {
    let alone = letters.len() == 1;
    let (replies, rest): (Vec<_>, Vec<_>) = letters.into_iter().partition(Letter::is_reply);
    let mut kept = rest;
    let mut plain = 0;
    for reply in replies {
        match (&reply.diff, alone) {
            (Some(_), true) => kept.push(Letter { tag: reply.tag.clone().map(unnumbered), ..reply }),
            (Some(_), false) => told.push(format!(
                "left out: a reply with a diff of its own, '{}'; save it, and give it with --patch, if it is wanted",
                reply.title()
            )),
            (None, _) => plain += 1,
        }
    }
    match plain {
        0 => {}
        1 => told.push("left out: a reply without a patch of its own".to_owned()),
        count => told.push(format!("left out: {count} replies without patches of their own")),
    }
    kept
}

/// Its number is that of the patch that it answers.
pub fn unnumbered(tag: Tag) -> Tag {
    Tag { number: None, reply: false, ..tag }
}

/// Leaves the newest version of several.
fn newest(place: &str, letters: &mut Vec<Letter>, told: &mut Vec<String>) {
    let version = |letter: &Letter| letter.tag.as_ref().map_or(1, |tag| tag.version);
    let numbered = |letter: &Letter| letter.number().is_some();
    let newest = letters.iter().filter(|letter| numbered(letter)).map(version).max();
    let Some(newest) = newest.or_else(|| letters.iter().map(version).max()) else { return };
    let mut older: Vec<u32> = letters.iter().map(version).filter(|version| *version < newest).collect();
    older.sort_unstable();
    older.dedup();
    if !older.is_empty() {
        letters.retain(|letter| version(letter) == newest);
        let older: Vec<String> = older.iter().map(|version| format!("v{version}")).collect();
        told.push(format!(
            "{place} has several versions; v{newest} is taken, {} left out",
            older.join(" and ")
        ));
    }
}

/// By number where they have numbers, else as they came.
fn sorted(place: &str, letters: Vec<Letter>, told: &mut Vec<String>) -> Result<Vec<Letter>, SeriesError> {
    let wrong = |reason: String| Err(SeriesError::NotASeries { place: place.to_owned(), reason });
    let mut by_number: BTreeMap<u32, Letter> = BTreeMap::new();
    let mut rest = Vec::new();
    let mut total = None;
    let mut in_order = true;
    for letter in letters {
        let Some((number, of)) = letter.number() else {
            rest.push(letter);
            continue;
        };
        if *total.get_or_insert(of) != of || number > of {
            let others = total.unwrap_or(of);
            return wrong(format!("'{}' is {number}/{of}, and others are of {others}", letter.title()));
        }
        in_order &= by_number.keys().next_back().is_none_or(|last| *last < number);
        match by_number.get(&number) {
            Some(first) if first.diff == letter.diff => {
                told.push(format!("left out: {number}/{of} is there twice, and the same both times"));
            }
            Some(first) => {
                let (first, second) = (first.title(), letter.title());
                return wrong(format!("{number}/{of} is there twice and differs: '{first}' and '{second}'"));
            }
            None => drop(by_number.insert(number, letter)),
        }
    }
    let Some(total) = total else { return Ok(rest) };
    if let Some(other) = rest.first() {
        let title = other.title();
        return wrong(format!(
            "beside its numbered patches there is one without a number, '{title}'; give it with --patch"
        ));
    }
    // A number from a subject can be anything: no list is made of it.
    let missing: Vec<String> = (1..=total)
        .filter(|number| !by_number.contains_key(number))
        .take(9)
        .map(|n| format!("{n}/{total}"))
        .collect();
    if !missing.is_empty() {
        let has: Vec<String> = by_number.keys().take(9).map(u32::to_string).collect();
        return wrong(format!("{} is missing; it has {}", missing.join(", "), has.join(", ")));
    }
    if !in_order {
        told.push(format!("{place} was sorted by the numbers of its patches"));
    }
    Ok(by_number.into_values().collect())
}
