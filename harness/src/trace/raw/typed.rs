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
    let is_plain = |place| print.shown().any(|shown| shown.field == place && shown.table.is_none());
    for shown in print.shown() {
        let label = shown.label.filter(|label| all.iter().all(|field| field.name != *label));
        let Some(field) = typed.iter_mut().find(|field| field.place == shown.field) else { continue };
        let named = shown.table.filter(|_| field.kind.is_number() && field.table.is_none());
        match (named, label) {
            // `vec=1 [action=TIMER]`: a number, and its name under a name of its own.
            (Some((is_flags, table)), Some(label)) if is_plain(shown.field) => {
                let kind = kind_of(is_flags);
                let (name, label, table) = (label.to_owned(), None, Some(table.clone()));
                typed.push(TypedField { name, label, kind, place: shown.field, table });
                continue;
            }
            (Some((is_flags, table)), _) if !is_plain(shown.field) => {
                field.kind = kind_of(is_flags);
                field.table = Some(table.clone());
            }
            _ => {}
        }
        if field.label.is_none() {
            field.label = label.map(str::to_owned);
        }
    }
    typed
}

/// The type of a number that has names.
fn kind_of(is_flags: bool) -> Kind {
    if is_flags { Kind::Words } else { Kind::Text }
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
