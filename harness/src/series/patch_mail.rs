//! One mail: its headers, and the diff in it.

use super::diff::{self, Diff};
use super::encoded_words;
use super::error::SeriesError;
use super::subject_line::{SubjectLine, Version};
use crate::host::text::{excerpt, shown};
use mailparse::{DispositionType, MailHeaderMap, ParsedMail};
use std::path::{Path, PathBuf};

/// The largest patch, in bytes; the largest patch of one driver in the kernel's history is smaller.
pub const PATCH_LIMIT: u64 = 16 << 20;

/// A mail, or a file with a patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatchMail {
    /// The file that it is in.
    pub path: PathBuf,
    /// Its name in messages.
    pub place: String,
    /// Its subject, if it has one.
    pub subject: Option<SubjectLine>,
    /// Its author.
    pub author: Option<String>,
    /// Its own message id.
    pub id: Option<String>,
    /// The message ids that it answers.
    pub answers: Vec<String>,
    /// Its diff.
    pub diff: Option<Diff>,
    /// What was left out or converted, a line each.
    pub notes: Vec<String>,
}

/// A text of a mail that may have a patch.
struct Text {
    bytes: Vec<u8>,
    /// It is an attachment.
    attached: bool,
}

impl PatchMail {
    /// Reads `bytes`, the mail `nth` of `path` where that has several.
    ///
    /// # Errors
    /// A patch is damaged, too large, or names a file outside of the tree; or the bytes are not text.
    pub fn read(path: &Path, nth: Option<usize>, bytes: &[u8]) -> Result<PatchMail, SeriesError> {
        let file = shown(path);
        let mut mail = PatchMail {
            path: path.to_owned(),
            place: nth.map_or(file.to_string(), |nth| format!("{file}, mail {nth}")),
            subject: None,
            author: None,
            id: None,
            answers: Vec::new(),
            diff: None,
            notes: Vec::new(),
        };
        if let Some(words) = encoded_words::too_many(bytes).filter(|_| is_mail(bytes)) {
            let reason =
                format!("its headers have {words} encoded words (=?...), which no mail program writes");
            return Err(SeriesError::NoPatch { path: path.to_owned(), reason });
        }
        let texts = match is_mail(bytes).then(|| mailparse::parse_mail(bytes)) {
            Some(Ok(parsed)) => mail.parts(&parsed)?,
            _ => mail.bare(bytes)?,
        };
        for text in texts {
            mail.take(&text)?;
        }
        Ok(mail)
    }

    /// Its title, else its place.
    pub fn title(&self) -> String {
        let title =
            self.subject.as_ref().map(|subject| subject.title.clone()).filter(|title| !title.is_empty());
        excerpt(&title.unwrap_or_else(|| self.place.clone()))
    }

    /// Whether it answers another mail.
    pub fn is_reply(&self) -> bool {
        self.subject.as_ref().is_some_and(|subject| subject.reply)
    }

    /// Whether it is the cover letter of a series.
    pub fn is_cover(&self) -> bool {
        !self.is_reply() && self.number().is_some_and(|(number, _)| number == 0)
    }

    /// Its number, and the number of patches.
    pub fn number(&self) -> Option<(u32, u32)> {
        self.subject.as_ref().and_then(|subject| subject.number)
    }

    /// The version of its series.
    pub fn version(&self) -> Version {
        self.subject.as_ref().map_or(Version::FIRST, |subject| subject.version)
    }

    /// A file without the headers of a mail: its text may still have a subject.
    fn bare(&mut self, bytes: &[u8]) -> Result<Vec<Text>, SeriesError> {
        self.check_size(bytes.len())?;
        if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
            let reason = format!("it is not text: byte {at} is zero");
            return Err(SeriesError::NoPatch { path: self.path.clone(), reason });
        }
        let head = String::from_utf8_lossy(bytes);
        let head = head.lines().take_while(|line| !line.starts_with("diff ") && !line.starts_with("--- "));
        let subject = head.clone().find_map(|line| line.strip_prefix("Subject: "));
        let subject = subject
            .or_else(|| head.clone().next().filter(|line| line.starts_with('[') && line.contains("PATCH")));
        self.subject = subject.map(SubjectLine::parse);
        self.author = head.clone().find_map(|line| line.strip_prefix("From: ")).map(excerpt);
        Ok(vec![Text { bytes: bytes.to_vec(), attached: false }])
    }

    fn parts(&mut self, mail: &ParsedMail<'_>) -> Result<Vec<Text>, SeriesError> {
        self.subject = mail.headers.get_first_value("Subject").map(|subject| SubjectLine::parse(&subject));
        self.author = mail.headers.get_first_value("From").map(|from| excerpt(&from));
        let ids = |name: &str| mail.headers.get_first_value(name).unwrap_or_default();
        let list = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        self.id = list(&ids("Message-Id")).into_iter().next();
        self.answers = list(&ids("In-Reply-To"));
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
                    self.notes.push(format!("left out: an attachment of {size} KiB ({})", excerpt(&kind)));
                }
                continue;
            }
            self.check_size(part.raw_bytes.len() / 4 * 3)?;
            let bytes = self.decoded(part)?;
            self.check_size(bytes.len())?;
            if bytes.contains(&0) {
                self.notes.push(format!("left out: a part that is not text ({})", excerpt(&kind)));
                continue;
            }
            texts.push(Text { bytes, attached: disposition.disposition == DispositionType::Attachment });
        }
        if texts.is_empty() && html {
            let reason = "its text is HTML only, which damages patches".to_owned();
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
            // UTF-8 stays as it is, to the byte, even if a file has other bytes in it.
            "utf-8" | "us-ascii" | "utf8" | "ascii" => part.get_body_raw().map_err(broken),
            _ => part.get_body().map(String::into_bytes).map_err(broken),
        }
    }

    /// Takes the diff of `text`, if it has one.
    fn take(&mut self, text: &Text) -> Result<(), SeriesError> {
        // The diff of a cover letter is the sum of the patches.
        if self.is_cover() {
            return Ok(());
        }
        let bytes = match without_cr(&text.bytes) {
            Some(bytes) => {
                self.notes.push("its line ends were CR LF and are now LF".to_owned());
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
                    "it has a diff in its text and another one attached, or two attached; save the right one"
                }
                false => "it has two parts with a diff; save the right one",
            };
            return Err(SeriesError::NoPatch { path: self.path.clone(), reason: reason.to_owned() });
        }
        self.diff = Some(found);
        Ok(())
    }

    fn check_size(&self, bytes: usize) -> Result<(), SeriesError> {
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

/// `text` without the CR before each LF, if every line has one; a CR in some lines only belongs to the file.
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

/// Whether `bytes` begin with the headers of a mail, and not with prose or a diff.
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
