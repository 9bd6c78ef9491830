//! One mail: what it says of itself, and the diff in it.

use super::diff::{self, Diff};
use super::error::SeriesError;
use super::tag::Tag;
use crate::host::text::excerpt;
use mailparse::{DispositionType, MailHeaderMap, ParsedMail};
use std::path::{Path, PathBuf};

/// A patch may have so many bytes; all of the kernel's largest releases' patches of one driver have less.
pub const PATCH_LIMIT: u64 = 16 << 20;

/// A mail, or a file that stands for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The file that it is in.
    pub path: PathBuf,
    /// Where it is, for messages.
    pub place: String,
    /// What its subject says; none where it has none.
    pub tag: Option<Tag>,
    /// Who wrote it.
    pub author: Option<String>,
    /// Its diff.
    pub diff: Option<Diff>,
    /// What was done to it that its reader should know.
    pub told: Vec<String>,
}

/// A text of a mail that may hold a patch.
struct Text {
    bytes: Vec<u8>,
    /// It is in a part of its own.
    attached: bool,
}

impl Letter {
    /// Reads `bytes`, the mail `nth` of `path` where that has several.
    ///
    /// # Errors
    /// A patch that was damaged, is too large or names what it must not; bytes that are no text.
    pub fn read(path: &Path, nth: Option<usize>, bytes: &[u8]) -> Result<Letter, SeriesError> {
        let file = path.display();
        let mut letter = Letter {
            path: path.to_owned(),
            place: nth.map_or(file.to_string(), |nth| format!("{file}, mail {nth}")),
            tag: None,
            author: None,
            diff: None,
            told: Vec::new(),
        };
        let texts = match is_mail(bytes).then(|| mailparse::parse_mail(bytes)) {
            Some(Ok(mail)) => letter.opened(&mail)?,
            _ => letter.bare(bytes)?,
        };
        for text in texts {
            letter.take(&text)?;
        }
        Ok(letter)
    }

    /// What to call it in a list.
    pub fn title(&self) -> String {
        let words = self.tag.as_ref().map(|tag| tag.words.clone()).filter(|words| !words.is_empty());
        excerpt(&words.unwrap_or_else(|| self.place.clone()))
    }

    /// It answers another mail.
    pub fn is_reply(&self) -> bool {
        self.tag.as_ref().is_some_and(|tag| tag.reply)
    }

    /// It is the letter before a series.
    pub fn is_cover(&self) -> bool {
        !self.is_reply() && self.number().is_some_and(|(number, _)| number == 0)
    }

    /// Which patch of how many.
    pub fn number(&self) -> Option<(u32, u32)> {
        self.tag.as_ref().and_then(|tag| tag.number)
    }

    /// A file without a mail's headers: its words may still have a subject.
    fn bare(&mut self, bytes: &[u8]) -> Result<Vec<Text>, SeriesError> {
        self.small(bytes.len())?;
        if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
            let reason = match bytes.starts_with(&[0x1f, 0x8b]) {
                true => "it is compressed; unpack it with gunzip first".to_owned(),
                false => format!("it is not text: there is a zero byte at {at}"),
            };
            return Err(SeriesError::NoPatch { path: self.path.clone(), reason });
        }
        let head = String::from_utf8_lossy(bytes);
        let head = head.lines().take_while(|line| !line.starts_with("diff ") && !line.starts_with("--- "));
        let subject = head.clone().find_map(|line| line.strip_prefix("Subject: "));
        let subject = subject
            .or_else(|| head.clone().next().filter(|line| line.starts_with('[') && line.contains("PATCH")));
        self.tag = subject.map(Tag::parse);
        self.author = head.clone().find_map(|line| line.strip_prefix("From: ")).map(excerpt);
        Ok(vec![Text { bytes: bytes.to_vec(), attached: false }])
    }

    fn opened(&mut self, mail: &ParsedMail<'_>) -> Result<Vec<Text>, SeriesError> {
        self.tag = mail.headers.get_first_value("Subject").map(|subject| Tag::parse(&subject));
        self.author = mail.headers.get_first_value("From").map(|from| excerpt(&from));
        let mut texts = Vec::new();
        let mut html = false;
        for part in mail.parts().filter(|part| part.subparts.is_empty()) {
            let kind = part.ctype.mimetype.to_ascii_lowercase();
            let disposition = part.get_content_disposition();
            let name = disposition.params.get("filename").or_else(|| part.ctype.params.get("name"));
            let is_patch = name.is_some_and(|name| [".patch", ".diff"].iter().any(|end| name.ends_with(end)));
            html |= kind == "text/html";
            if !is_patch && (!kind.starts_with("text/") || kind == "text/html") {
                if kind != "text/html" && !kind.ends_with("signature") {
                    let size = part.raw_bytes.len() >> 10;
                    self.told.push(format!("left out: an attachment of {size} KiB ({})", excerpt(&kind)));
                }
                continue;
            }
            self.small(part.raw_bytes.len() / 4 * 3)?;
            let bytes = self.decoded(part)?;
            self.small(bytes.len())?;
            if bytes.contains(&0) {
                self.told.push(format!("left out: a part that is not text ({})", excerpt(&kind)));
                continue;
            }
            texts.push(Text { bytes, attached: disposition.disposition == DispositionType::Attachment });
        }
        if texts.is_empty() && html {
            let reason = "its text is HTML alone, in which no patch is whole".to_owned();
            return Err(SeriesError::NoPatch { path: self.path.clone(), reason });
        }
        Ok(texts)
    }

    fn decoded(&self, part: &ParsedMail<'_>) -> Result<Vec<u8>, SeriesError> {
        let broken = |cause: mailparse::MailParseError| SeriesError::NoPatch {
            path: self.path.clone(),
            reason: format!("its text cannot be decoded: {cause}"),
        };
        let charset = part.ctype.charset.to_ascii_lowercase();
        match charset.as_str() {
            // What is UTF-8 already stays to the byte, also where a file has other bytes in it.
            "utf-8" | "us-ascii" | "utf8" | "ascii" => part.get_body_raw().map_err(broken),
            _ => part.get_body().map(String::into_bytes).map_err(broken),
        }
    }

    /// Takes the diff of `text`, if it has one.
    fn take(&mut self, text: &Text) -> Result<(), SeriesError> {
        // A reply quotes, and what a cover letter shows is the sum of what follows.
        if self.is_cover() {
            return Ok(());
        }
        let bytes = match without_cr(&text.bytes) {
            Some(bytes) => {
                self.told.push("its lines ended in CR LF, and were taken as ending in LF".to_owned());
                bytes
            }
            None => text.bytes.clone(),
        };
        let place = || self.place.clone();
        let found = match Diff::parse(&bytes) {
            Err(_) if self.is_reply() => return Ok(()),
            found => found.map_err(|damage| SeriesError::Damaged { place: place(), damage })?,
        };
        let Some(found) = found else { return Ok(()) };
        diff::check(&found).map_err(|(name, why)| SeriesError::Outside { place: place(), name, why })?;
        if self.diff.is_some() {
            let reason = match text.attached {
                true => {
                    "it has a diff in its text and another one attached, or two attached; save the one that is meant"
                }
                false => "it has two parts with a diff; save the one that is meant",
            };
            return Err(SeriesError::NoPatch { path: self.path.clone(), reason: reason.to_owned() });
        }
        self.diff = Some(found);
        Ok(())
    }

    fn small(&self, bytes: usize) -> Result<(), SeriesError> {
        let size = bytes as u64;
        if size <= PATCH_LIMIT {
            return Ok(());
        }
        let (size, limit) = (size >> 20, PATCH_LIMIT >> 20);
        Err(SeriesError::TooLarge {
            what: format!("the text of {}", self.place),
            size,
            limit,
            kind: "one patch",
        })
    }
}

/// `text` without the CR before each LF, if every line has one; a CR that only some have is the file's own.
fn without_cr(text: &[u8]) -> Option<Vec<u8>> {
    let mut lines =
        text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")).peekable();
    lines.peek()?;
    lines.all(|line| line.ends_with(b"\r\n")).then(|| {
        let mut out = Vec::with_capacity(text.len());
        for (at, byte) in text.iter().enumerate() {
            if *byte != b'\r' || text.get(at + 1) != Some(&b'\n') {
                out.push(*byte);
            }
        }
        out
    })
}

/// Whether `bytes` begin with a mail's header, and not with words about a diff.
fn is_mail(bytes: &[u8]) -> bool {
    let mut lines =
        bytes.split(|byte| *byte == b'\n').take(200).map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let header = |line: &[u8]| {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        name.len() < line.len()
            && !name.is_empty()
            && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-' || *byte == b'_')
    };
    let folded = |line: &[u8]| line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t'));
    lines.next().is_some_and(header)
        && lines.take_while(|line| !line.is_empty()).all(|line| header(line) || folded(line))
}
