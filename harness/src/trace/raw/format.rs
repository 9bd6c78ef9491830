//! A `format` file as a decoder needs it: the event's number, its fields, and its text.

use super::layout::RawField;
use super::typed::{self, TypedField};
use crate::trace::formats;
use crate::trace::print_fmt::PrintFmt;

/// One event's layout.
#[derive(Debug, Clone, PartialEq)]
pub struct RawFormat {
    /// The number that its records begin with.
    pub id: u16,
    /// Its name.
    pub name: String,
    /// Every field, the common ones too.
    pub fields: Vec<RawField>,
    /// What follows `print fmt: `.
    pub print: String,
    /// The same, read.
    pub print_fmt: PrintFmt,
    /// Its own fields with their types, in the order of the record.
    pub typed: Vec<TypedField>,
}

impl RawFormat {
    /// Reads a `format` file with its `ID:`; the error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<RawFormat, &'static str> {
        let id = text.lines().find_map(|line| line.strip_prefix("ID: ")?.trim().parse().ok());
        let event = formats(text).map_err(|_| "a line that makes no sense")?.pop().ok_or("no name")?;
        let lines = text.lines().filter_map(|line| line.trim().strip_prefix("field:"));
        let fields: Vec<RawField> =
            lines.map(RawField::parse).collect::<Option<_>>().ok_or("a field without its place")?;
        let place = |name: &str| fields.iter().position(|field| field.name == name);
        let print_fmt = PrintFmt::parse(&event.print, &place);
        let typed = typed::fields(&fields, &print_fmt);
        Ok(RawFormat {
            id: id.ok_or("no ID")?,
            name: event.name,
            fields,
            print: event.print,
            print_fmt,
            typed,
        })
    }

    /// The field of a name.
    pub fn field(&self, name: &str) -> Option<&RawField> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// One of its own fields, by the name in the text (`nr_failed=3`) or in the record.
    pub fn typed(&self, name: &str) -> Option<&TypedField> {
        let by_label = self.typed.iter().find(|field| field.label.as_deref() == Some(name));
        by_label.or_else(|| self.typed.iter().find(|field| field.name == name))
    }
}
