//! A mistake in a file, with its place.

use super::suggest;
use crate::host::text::{self, LeftOut, block, printable, quote};
use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};
use serde_saphyr::{Location, Spanned};
use std::fmt;
use std::ops::Range;

/// A mistake in the text of a scenario or of a machine.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Wrong {
    /// What was found and what was wanted, in one line.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The file, as the caller named it.
    pub file: String,
    /// The line, from 1; 0 where the text as a whole is meant.
    pub line: u64,
    /// The column, from 1; 0 where the text as a whole is meant.
    pub column: u64,
    /// The whole text, for the excerpt.
    excerpt: NamedSource<String>,
    /// The bytes in question.
    span: Option<(usize, usize)>,
}

impl Diagnostic for Wrong {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.excerpt)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.span.map(|span| LabeledSpan::new_with_span(None, span));
        span.map(|span| Box::new(std::iter::once(span)) as Box<dyn Iterator<Item = LabeledSpan>>)
    }
}

/// A mistake and its place, before the file's name and text are added.
#[derive(Debug)]
pub(crate) struct Fault {
    at: Location,
    /// The bytes that are meant of a scalar's value, if it stands there as it is.
    part: Option<(String, Range<usize>)>,
    message: String,
    help: Option<String>,
}

/// The result of a check.
pub(crate) type Checked<T> = Result<T, Fault>;

impl Fault {
    /// A mistake at `place`.
    pub(crate) fn at<T>(place: &Spanned<T>, message: impl Into<String>) -> Fault {
        Fault::at_location(place.referenced, message)
    }

    /// A mistake at a place that was kept.
    pub(crate) fn at_location(at: Location, message: impl Into<String>) -> Fault {
        Fault { at, part: None, message: message.into(), help: None }
    }

    /// A mistake of the file as a whole.
    pub(crate) fn whole(message: impl Into<String>) -> Fault {
        Fault::at_location(Location::UNKNOWN, message)
    }

    /// About these bytes of the scalar's value.
    pub(crate) fn part(mut self, value: &str, part: Range<usize>) -> Fault {
        self.part = Some((value.to_owned(), part));
        self
    }

    /// With what to do about it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Fault {
        self.help = Some(help.into());
        self
    }

    /// With another way to fix it, after the one that is there already.
    pub(crate) fn or_help(mut self, other: &str) -> Fault {
        self.help = Some(match self.help.take() {
            Some(first) => format!("{first}; {other}"),
            None => other.to_owned(),
        });
        self
    }

    /// With the nearest of `known` as the help, or all of them.
    pub(crate) fn known(self, found: &str, known: &[&str]) -> Fault {
        self.help(suggest::among(found, known))
    }

    /// The mistake that serde-saphyr found, in this project's terms.
    pub(crate) fn from_yaml(error: &serde_saphyr::Error) -> Fault {
        let at = error.location().unwrap_or(Location::UNKNOWN);
        let (message, help) = yaml_message(error.without_snippet());
        Fault { at, part: None, message, help }
    }

    /// The finished error.
    pub(crate) fn inside(self, file: &str, text: &str) -> Box<Wrong> {
        // Files come from anywhere, and messages quote them.
        let shown: String = printable(&text.replace('\t', " ")).split_inclusive('\n').map(cut).collect();
        let of_part = self.part.as_ref().and_then(|(value, part)| part_span(self.at, text, value, part));
        let bytes = of_part.or_else(|| byte_span(self.at, text));
        let span = bytes.and_then(|span| same_span(span, text, &shown));
        let column = of_part.map(|(start, _)| column(start, text));
        Box::new(Wrong {
            message: quote(&self.message).to_string(),
            help: self.help.as_deref().map(block),
            file: file.to_owned(),
            line: self.at.line(),
            column: column.unwrap_or_else(|| self.at.column()),
            span: span.or_else(|| line_span(self.at.line(), &shown)),
            excerpt: NamedSource::new(quote(file).to_string(), shown),
        })
    }
}

/// The longest line of an excerpt, in characters.
const LONGEST_LINE: usize = 500;

/// A line with its end, as long as an excerpt may have it.
fn cut(line: &str) -> String {
    let (body, end) = line.strip_suffix('\n').map_or((line, ""), |body| (body, "\n"));
    match text::cut(body, LONGEST_LINE) {
        (_, 0) => line.to_owned(),
        (body, omitted) => format!("{body}{}{end}", LeftOut(omitted)),
    }
}

/// The bytes of `at`, cut to its own line so that an excerpt stays short.
fn byte_span(at: Location, text: &str) -> Option<(usize, usize)> {
    let start = usize::try_from(at.span().byte_offset()?).ok()?;
    let length = usize::try_from(at.span().byte_len()?).ok()?;
    let rest = text.get(start..)?;
    let line = rest.find('\n').unwrap_or(rest.len());
    let length = length.min(line);
    rest.is_char_boundary(length).then_some((start, length))
}

/// The bytes of a part of a scalar's value, where the value stands on one line as it is: after a quote, or without.
fn part_span(at: Location, text: &str, value: &str, part: &Range<usize>) -> Option<(usize, usize)> {
    let start = usize::try_from(at.span().byte_offset()?).ok()?;
    let rest = text.get(start..)?;
    let quote = usize::from(rest.starts_with(['"', '\'']));
    rest.get(quote..)?.strip_prefix(value).filter(|_| !value.contains('\n'))?;
    Some((start + quote + part.start, part.len()))
}

/// The column of a byte, from 1.
fn column(at: usize, text: &str) -> u64 {
    let line = text[..at].rsplit('\n').next().unwrap_or_default();
    line.chars().count() as u64 + 1
}

/// The bytes of `shown` that are those of `span` in `text`; none where the line is another up to there.
fn same_span((start, length): (usize, usize), text: &str, shown: &str) -> Option<(usize, usize)> {
    let line = text[..start].matches('\n').count();
    let begin = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let before = shown.split_inclusive('\n').take(line).map(str::len).sum::<usize>();
    let same = text[begin..start].replace('\t', " ");
    let rest = shown.get(before..)?.strip_prefix(&same)?;
    let there =
        rest.chars().zip(text[start..start + length].chars()).take_while(|(a, b)| a == b || *b == '\t');
    let length = there.map(|(a, _)| a.len_utf8()).sum();
    (length > 0 || !rest.starts_with("... (")).then_some((before + same.len(), length))
}

/// The whole of a line, without its indentation.
fn line_span(line: u64, text: &str) -> Option<(usize, usize)> {
    let index = usize::try_from(line.checked_sub(1)?).ok()?;
    let line = text.lines().nth(index)?;
    let start = line.as_ptr() as usize - text.as_ptr() as usize;
    let indent = line.len() - line.trim_start().len();
    Some((start + indent, line.trim().len()))
}

fn yaml_message(error: &serde_saphyr::Error) -> (String, Option<String>) {
    use serde_saphyr::Error as Yaml;
    match error {
        Yaml::AliasError { error, .. } => yaml_message(error),
        Yaml::SerdeUnknownField { field, expected, .. } => {
            (format!("unknown key '{field}'"), Some(suggest::among(field, expected)))
        }
        Yaml::SerdeUnknownVariant { variant, expected, .. } => {
            (format!("unknown step '{variant}'"), Some(suggest::among(variant, expected)))
        }
        Yaml::SerdeMissingField { field, .. } => {
            (format!("the key '{field}' is missing in this mapping"), missing(field))
        }
        Yaml::DuplicateMappingKey { key, .. } => {
            (format!("the key '{}' is here twice", key.as_deref().unwrap_or("?")), None)
        }
        Yaml::MultipleDocuments { .. } => {
            ("a file is one YAML document, and a second begins here".to_owned(), None)
        }
        Yaml::NullIntoString { .. } => ("a value is missing".to_owned(), None),
        Yaml::Unexpected { expected, .. } => {
            (format!("wrong kind of value: {}", kind_wanted(expected)), None)
        }
        other => {
            let text = other.to_string();
            let text = text.split(" at line ").next().unwrap_or_default();
            if text.starts_with("tabs disallowed") {
                let help = "indent with blanks, two for each level";
                return ("YAML does not allow a tab in the indentation".to_owned(), Some(help.to_owned()));
            }
            (text.to_owned(), None)
        }
    }
}

/// What to write for a key that every file needs.
fn missing(field: &str) -> Option<String> {
    (field == "version").then(|| "every file begins with the version of its format: version: 1".to_owned())
}

/// serde-saphyr's names of YAML events, for people.
fn kind_wanted(expected: &str) -> String {
    match expected {
        "string scalar" => "wanted a single value, found a list or a mapping".to_owned(),
        "sequence start" => "wanted a list: [a, b] or lines that begin with '- '".to_owned(),
        "mapping start" => "wanted a mapping: {key: value} or lines of 'key: value'".to_owned(),
        other => format!("wanted {other}"),
    }
}
