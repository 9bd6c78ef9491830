//! What a subject says before its words: `Re: [RFC PATCH v2 3/5] mm/damon: ...`.

/// The parts of a subject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tag {
    /// It answers another mail.
    pub reply: bool,
    /// Which patch of how many.
    pub number: Option<(u32, u32)>,
    /// The version of its series; 1 where none is said.
    pub version: u32,
    /// The subject without all that.
    pub words: String,
}

impl Tag {
    /// The parts of `subject`, which may go over several lines.
    pub fn parse(subject: &str) -> Tag {
        let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut rest = subject.as_str();
        let mut tag = Tag { version: 1, ..Tag::default() };
        while let Some(answer) = ["re:", "aw:", "sv:", "回复:"].iter().find_map(|word| without(rest, word))
        {
            tag.reply = true;
            rest = answer.trim_start();
        }
        let tags = rest;
        while let Some((inside, behind)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            inside.split([' ', ',', ':']).for_each(|word| tag.word(word));
            rest = behind.trim_start();
        }
        // `[mm] fix` of a commit's own is no tag of a mail.
        let is_patch = tags[..tags.len() - rest.len()].to_ascii_uppercase().contains("PATCH");
        tag.words = if is_patch || tag.number.is_some() { rest } else { tags }.to_owned();
        tag
    }

    fn word(&mut self, word: &str) {
        let number = word.split_once('/').and_then(|(n, m)| Some((n.parse().ok()?, m.parse().ok()?)));
        self.number = number.or(self.number);
        let upper = word.to_ascii_uppercase();
        let version = upper.strip_prefix("PATCH").unwrap_or(&upper).strip_prefix('V');
        if let Some(version) = version.and_then(|text| text.split('.').next()?.parse().ok()) {
            self.version = version;
        }
    }
}

fn without<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let head = text.get(..word.len())?;
    head.eq_ignore_ascii_case(word).then(|| &text[word.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(reply: bool, number: Option<(u32, u32)>, version: u32, words: &str) -> Tag {
        Tag { reply, number, version, words: words.to_owned() }
    }

    #[test]
    fn a_subject_says_which_patch_of_which_version_it_is() {
        let words = "mm/damon: add x";
        for (subject, wanted) in [
            ("mm/damon: add x", tag(false, None, 1, words)),
            ("[PATCH] mm/damon: add x", tag(false, None, 1, words)),
            ("[PATCH 03/10] mm/damon:\n add x", tag(false, Some((3, 10)), 1, words)),
            ("[RFC PATCH v2 0/5] mm/damon: add x", tag(false, Some((0, 5)), 2, words)),
            ("[damon] [PATCHv3.1 2/5] mm/damon: add x", tag(false, Some((2, 5)), 3, words)),
            ("Re: RE: [PATCH v2 1/5] mm/damon: add x", tag(true, Some((1, 5)), 2, words)),
            ("[mm] fix", tag(false, None, 1, "[mm] fix")),
        ] {
            assert_eq!(Tag::parse(subject), wanted, "{subject}");
        }
    }
}
