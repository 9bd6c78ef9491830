//! The fields of an event as rules and expectations see them: with a type, and under the names of text and record.

use super::layout::{Items, RawField};
use crate::trace::print_fmt::{IntType, PrintFmt, Table};
use crate::trace::value::Kind;

/// One field of an event.
#[derive(Debug, Clone, PartialEq)]
pub struct TypedField {
    /// Its name in the record.
    pub name: String,
    /// Its name in the text, where that is another.
    pub label: Option<String>,
    /// Its type.
    pub kind: Kind,
    /// Its place in the format.
    pub(super) place: usize,
    /// The names of its values.
    pub(super) table: Option<Table>,
}

/// An event's own fields.
pub(super) fn fields(all: &[RawField], print: &PrintFmt) -> Vec<TypedField> {
    let own = all.iter().enumerate().filter(|(_, field)| !field.name.starts_with("common_"));
    let mut typed: Vec<TypedField> = own
        .map(|(place, field)| TypedField {
            name: field.name.clone(),
            label: None,
            kind: kind(field),
            place,
            table: None,
        })
        .collect();
    for shown in print.shown() {
        let is_name = shown.label.is_some_and(|label| all.iter().any(|field| field.name == label));
        let Some(field) = typed.iter_mut().find(|field| field.place == shown.field) else { continue };
        if field.label.is_none() && !is_name {
            field.label = shown.label.map(str::to_owned);
        }
        if let (None, Some((is_flags, table)), true) = (&field.table, shown.table, field.kind.is_number()) {
            field.kind = if is_flags { Kind::Words } else { Kind::Text };
            field.table = Some(table.clone());
        }
    }
    typed
}

fn kind(field: &RawField) -> Kind {
    match field.items {
        Some(Items::Text) => Kind::Text,
        Some(Items::Numbers(IntType { signed: true, .. })) => Kind::SignedList,
        Some(Items::Numbers(_)) => Kind::UnsignedList,
        None if field.signed => Kind::Signed,
        None => Kind::Unsigned,
    }
}

impl TypedField {
    /// The name to show: as in the text, where it has one.
    pub fn shown_name(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.name)
    }
}
