//! A `format` file as a decoder needs it: the event's number, and where each field lies.

use crate::trace::formats;

/// One event's layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFormat {
    /// The number that its records begin with.
    pub id: u16,
    /// Its name.
    pub name: String,
    /// Every field, the common ones too.
    pub fields: Vec<RawField>,
    /// What follows `print fmt: `.
    pub print: String,
}

/// Where a field lies in a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawField {
    /// Its name.
    pub name: String,
    /// Its first byte.
    pub offset: usize,
    /// Its bytes; of a dynamic array, those of the pointer.
    pub size: usize,
    /// Whether it has a sign.
    pub signed: bool,
    /// Whether it is a `__data_loc`: offset and length of bytes elsewhere in the record.
    pub dynamic: bool,
}

impl RawFormat {
    pub(super) fn parse(text: &str) -> Result<RawFormat, &'static str> {
        let id = text.lines().find_map(|line| line.strip_prefix("ID: ")?.trim().parse().ok());
        let event = formats(text).map_err(|_| "a line that makes no sense")?.pop().ok_or("no name")?;
        let lines = text.lines().filter_map(|line| line.trim().strip_prefix("field:"));
        let fields = lines.map(field).collect::<Option<_>>().ok_or("a field without its place")?;
        Ok(RawFormat { id: id.ok_or("no ID")?, name: event.name, fields, print: event.print })
    }

    /// The field of a name.
    pub fn field(&self, name: &str) -> Option<&RawField> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// `unsigned int nr_regions; offset:16; size:4; signed:0;`, with tabs.
fn field(text: &str) -> Option<RawField> {
    let mut parts = text.split(';').map(str::trim);
    let declaration = parts.next()?;
    let name = declaration.rsplit([' ', '\t', '*']).next()?.split('[').next()?;
    let parts: Vec<(&str, &str)> = parts.filter_map(|part| part.split_once(':')).collect();
    let number = |key: &str| parts.iter().find(|(name, _)| *name == key)?.1.parse::<usize>().ok();
    Some(RawField {
        name: name.to_owned(),
        offset: number("offset")?,
        size: number("size")?,
        signed: number("signed")? == 1,
        dynamic: declaration.starts_with("__data_loc"),
    })
}
