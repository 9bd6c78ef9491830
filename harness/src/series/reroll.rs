//! Partial rerolls: some patches of a series that were sent again under a newer version, while the others are as they were.

use super::patch_mail::PatchMail;
use super::subject_line::{SubjectLine, Version};
use std::collections::{BTreeMap, BTreeSet};

/// `mails`, in which patches of an older version have the newest one, if it is complete with them alone. It is a partial
/// reroll if its version has a dot (`v2.1`), or all of its patches answer mails of an older version; any other series that
/// is not complete has lost patches.
pub fn completed(place: &str, mails: Vec<PatchMail>, notes: &mut Vec<String>) -> Vec<PatchMail> {
    let Some((newest, taken)) = taken(&mails) else { return mails };
    let mut by_version: BTreeMap<Version, Vec<String>> = BTreeMap::new();
    for mail in taken.iter().map(|at| &mails[*at]) {
        let number = mail.number().map(|(number, of)| format!("{number}/{of}")).unwrap_or_default();
        by_version.entry(mail.version()).or_default().push(number);
    }
    let from = by_version.iter().map(|(version, numbers)| format!("{} of {version}", numbers.join(", ")));
    notes.push(format!(
        "{place}: {newest} is a partial reroll; with it {}",
        from.collect::<Vec<_>>().join(" and ")
    ));
    let renew = |(at, mail): (usize, PatchMail)| match taken.contains(&at) {
        true => {
            let subject = mail.subject.map(|subject| SubjectLine { version: newest, ..subject });
            PatchMail { subject, ..mail }
        }
        false => mail,
    };
    mails.into_iter().enumerate().map(renew).collect()
}

/// The newest version, and the older mails that complete it.
fn taken(mails: &[PatchMail]) -> Option<(Version, BTreeSet<usize>)> {
    let patches = || mails.iter().enumerate().filter(|(_, mail)| mail.diff.is_some() && !mail.is_cover());
    let numbered = || patches().filter_map(|(at, mail)| Some((at, mail, mail.number()?)));
    let newest = numbered().map(|(_, mail, _)| mail.version()).max()?;
    let (_, _, (_, total)) = numbered().find(|(_, mail, _)| mail.version() == newest)?;
    let has: BTreeSet<u32> = numbered()
        .filter(|(_, mail, _)| mail.version() == newest)
        .map(|(_, _, (number, _))| number)
        .collect();
    let older: BTreeSet<&str> =
        mails.iter().filter(|mail| mail.version() < newest).filter_map(|mail| mail.id.as_deref()).collect();
    let answers = |mail: &PatchMail| mail.answers.iter().any(|id| older.contains(id.as_str()));
    let mut of_newest = numbered().filter(|(_, mail, _)| mail.version() == newest);
    if newest.minor == 0 && !of_newest.all(|(_, mail, _)| answers(mail)) {
        return None;
    }
    // Of each missing number the newest of the older ones.
    let mut best: BTreeMap<u32, (Version, usize)> = BTreeMap::new();
    for (at, mail, (number, of)) in numbered() {
        if mail.version() < newest && of == total && number <= total && !has.contains(&number) {
            let known = best.entry(number).or_insert((mail.version(), at));
            if known.0 < mail.version() {
                *known = (mail.version(), at);
            }
        }
    }
    let within = has.iter().filter(|number| **number <= total).count();
    let complete = u32::try_from(within + best.len()).is_ok_and(|count| count == total);
    (complete && !best.is_empty()).then(|| (newest, best.into_values().map(|(_, at)| at).collect()))
}
