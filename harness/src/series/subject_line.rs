//! The subject of a mail and its tags: `Re: [RFC PATCH v2 3/5] mm/damon: ...`.

use std::fmt;

/// The version of a series: `v2`, and `v2.1` for what was sent again within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The number before the dot.
    pub major: u32,
    /// The number after it; 0 without.
    pub minor: u32,
}

impl Version {
    /// What a series without a tag has.
    pub const FIRST: Version = Version { major: 1, minor: 0 };

    fn parse(text: &str) -> Option<Version> {
        let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
        Some(Version { major: major.parse().ok()?, minor: minor.parse().ok()? })
    }
}

impl Default for Version {
    fn default() -> Version {
        Version::FIRST
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.major)?;
        if self.minor > 0 { write!(f, ".{}", self.minor) } else { Ok(()) }
    }
}

/// The parts of a subject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubjectLine {
    /// Whether it answers another mail.
    pub reply: bool,
    /// The number of the patch, and the number of patches.
    pub number: Option<(u32, u32)>,
    /// The version of its series.
    pub version: Version,
    /// The subject without its tags.
    pub title: String,
}

impl SubjectLine {
    /// The parts of `subject`, which may go over several lines.
    pub fn parse(subject: &str) -> SubjectLine {
        let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut rest = subject.as_str();
        let mut parsed = SubjectLine::default();
        while let Some(answer) =
            ["re:", "aw:", "sv:", "回复:"].iter().find_map(|prefix| without(rest, prefix))
        {
            parsed.reply = true;
            rest = answer.trim_start();
        }
        let tags = rest;
        while let Some((inside, behind)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            inside.split([' ', ',', ':']).for_each(|tag| parsed.tag(tag));
            rest = behind.trim_start();
        }
        // `[mm] fix` is the subject of a commit: it has no tag of a mail.
        let is_patch = tags[..tags.len() - rest.len()].to_ascii_uppercase().contains("PATCH");
        parsed.title = if is_patch || parsed.number.is_some() { rest } else { tags }.to_owned();
        parsed
    }

    /// Without its number: for a patch that is applied alone, and for a reply, which has the number of the patch that it
    /// answers.
    pub fn unnumbered(self) -> SubjectLine {
        SubjectLine { number: None, reply: false, ..self }
    }

    /// Without what places it in a series, in a list that has its own order.
    pub fn listed(self) -> SubjectLine {
        SubjectLine { version: Version::FIRST, ..self.unnumbered() }
    }

    fn tag(&mut self, tag: &str) {
        let number = tag.split_once('/').and_then(|(n, m)| Some((n.parse().ok()?, m.parse().ok()?)));
        self.number = number.or(self.number);
        let upper = tag.to_ascii_uppercase();
        let version = upper.strip_prefix("PATCH").unwrap_or(&upper).strip_prefix('V');
        if let Some(version) = version.and_then(Version::parse) {
            self.version = version;
        }
    }
}

fn without<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(reply: bool, number: Option<(u32, u32)>, major: u32, title: &str) -> SubjectLine {
        let minor = if major == 3 { 1 } else { 0 };
        let version = Version { major, minor };
        SubjectLine { reply, number, version, title: title.to_owned() }
    }

    #[test]
    fn a_subject_has_the_number_and_the_version_of_the_patch() {
        let title = "mm/damon: add x";
        for (subject, wanted) in [
            ("mm/damon: add x", parsed(false, None, 1, title)),
            ("[PATCH] mm/damon: add x", parsed(false, None, 1, title)),
            ("[PATCH 03/10] mm/damon:\n add x", parsed(false, Some((3, 10)), 1, title)),
            ("[RFC PATCH v2 0/5] mm/damon: add x", parsed(false, Some((0, 5)), 2, title)),
            ("[damon] [PATCHv3.1 2/5] mm/damon: add x", parsed(false, Some((2, 5)), 3, title)),
            ("Re: RE: [PATCH v2 1/5] mm/damon: add x", parsed(true, Some((1, 5)), 2, title)),
            ("[mm] fix", parsed(false, None, 1, "[mm] fix")),
        ] {
            assert_eq!(SubjectLine::parse(subject), wanted, "{subject}");
        }
    }

    #[test]
    fn a_version_with_a_dot_is_newer_than_the_one_without_and_older_than_the_next() {
        let version = |tag: &str| SubjectLine::parse(&format!("[PATCH {tag} 1/2] a")).version;
        assert!(version("v2") < version("v2.1") && version("v2.1") < version("v2.10"));
        assert!(version("v2.10") < version("v3"));
        assert_eq!(version("V2.1").to_string(), "v2.1");
        assert_eq!(version("RFC"), Version::FIRST);
    }
}
