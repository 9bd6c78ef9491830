//! What a kernel prints when something is badly wrong, and which of it is allowed: two files of data.
//!
//! `splats.txt` has the patterns that K1 and K3 look for; `allowed.txt` the reports that are known, each with
//! a reason, a link and the kernel version with which it ends.

use std::sync::LazyLock;

/// Where in a message a pattern stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The message begins with it, after an optional `rcu: ` or `watchdog: `.
    Begins,
    /// The message has it anywhere.
    Has,
}

/// One kind of report.
pub(crate) struct Splat {
    /// The id of the rule that it violates.
    pub(crate) rule: &'static str,
    pub(crate) place: Place,
    /// What it is called in a finding.
    pub(crate) name: &'static str,
    pub(crate) pattern: &'static str,
    /// What it means, in a line.
    pub(crate) meaning: &'static str,
}

/// The patterns, in the order in which they are tried.
pub(crate) static SPLATS: LazyLock<Vec<Splat>> =
    LazyLock::new(|| entries(include_str!("splats.txt")).filter_map(splat).collect());

/// A report that is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Allowed<'a> {
    /// Part of its headline.
    pub(crate) pattern: &'a str,
    /// The first version for which it is not allowed any more.
    pub(crate) until: Version,
    pub(crate) reason: &'a str,
    pub(crate) link: &'a str,
}

/// `7.4`
pub(crate) type Version = (u32, u32);

/// The allow list.
pub(crate) static ALLOWED: LazyLock<Vec<Allowed<'static>>> =
    LazyLock::new(|| allowed(include_str!("allowed.txt")));

impl Splat {
    pub(crate) fn fits(&self, message: &str) -> bool {
        match self.place {
            Place::Has => message.contains(self.pattern),
            Place::Begins => {
                message.trim_start_matches("rcu: ").trim_start_matches("watchdog: ").starts_with(self.pattern)
            }
        }
    }
}

/// The first kind of report that a message begins.
pub(crate) fn kind(message: &str) -> Option<&'static Splat> {
    SPLATS.iter().find(|splat| splat.fits(message))
}

/// The entries of an allow list; a line that is none is left out, so its report is a finding.
pub(crate) fn allowed(text: &str) -> Vec<Allowed<'_>> {
    entries(text).filter_map(allow).collect()
}

pub(crate) fn entries(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn splat(line: &'static str) -> Option<Splat> {
    let mut parts = line.split(" | ");
    let rule = parts.next()?;
    let place = match parts.next()? {
        "begins" => Place::Begins,
        "has" => Place::Has,
        _ => return None,
    };
    let (name, pattern, meaning) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Splat { rule, place, name, pattern, meaning }).filter(|_| parts.next().is_none())
}

fn allow(line: &str) -> Option<Allowed<'_>> {
    let mut parts = line.split(" | ").map(str::trim);
    let (pattern, until, reason, link) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let complete =
        parts.next().is_none() && !pattern.is_empty() && !reason.is_empty() && link.starts_with("https://");
    complete.then_some(Allowed { pattern, until: version(until)?, reason, link })
}

/// The first two numbers of a version: `7.3.4-1~bpo13+1`.
pub(crate) fn version(text: &str) -> Option<Version> {
    let mut numbers = text.split(['.', '-', '+', ' ']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The oldest series that the suite is run on: a folder under `patches/`.
    fn series() -> Version {
        let folder = crate::bundled::home().join("patches");
        let names = std::fs::read_dir(folder)
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().into_string().ok());
        names.filter_map(|name| version(&name)).min().unwrap()
    }

    fn expired(list: &[Allowed<'_>], series: Version) -> Vec<String> {
        let gone = list.iter().filter(|entry| entry.until <= series);
        gone.map(|Allowed { pattern, reason, link, .. }| format!("'{pattern}' ({reason}; {link})")).collect()
    }

    #[test]
    fn every_line_of_both_files_is_an_entry() {
        assert_eq!(SPLATS.len(), entries(include_str!("splats.txt")).count());
        assert_eq!(ALLOWED.len(), entries(include_str!("allowed.txt")).count());
        assert!(SPLATS.iter().all(|splat| !splat.meaning.is_empty() && splat.pattern.len() > 3));
    }

    #[test]
    fn no_entry_of_the_allow_list_has_outlived_its_kernel() {
        let expired = expired(&ALLOWED, series());
        assert!(
            expired.is_empty(),
            "remove from allowed.txt, or find out why it is still needed: {expired:?}"
        );
    }

    #[test]
    fn an_entry_expires_with_the_version_that_it_names() {
        let text = "a warning | 7.4 | known | https://example.org/1\nno link | 7.4 | known | here\nno end | known | https://x\n";
        let list = allowed(text);
        assert_eq!(list.len(), 1, "a line without one of the parts is no entry");
        assert_eq!(expired(&list, (7, 3)), [""; 0]);
        assert_eq!(expired(&list, (7, 4)), ["'a warning' (known; https://example.org/1)"]);
    }

    #[test]
    fn versions_are_compared_by_number() {
        assert_eq!(version("7.3.4-1~bpo13+1"), Some((7, 3)));
        assert!(version("7.10") > version("7.9"));
        assert_eq!(version("next"), None);
    }
}
