//! Where the fields of a record lie, by the `field:` lines of its format.

use crate::trace::print_fmt::IntType;

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
    /// Whether offset and length of its bytes stand in its place, and they elsewhere in the record.
    pub dynamic: Option<Dynamic>,
    /// Of an array: its items.
    pub(crate) items: Option<Items>,
}

/// Where the offset of a dynamic array counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dynamic {
    /// `__data_loc`: the beginning of the record.
    FromRecord,
    /// `__rel_loc`: the end of the field.
    FromField,
}

/// What an array is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Items {
    /// `char`: a text that ends with a 0.
    Text,
    /// Numbers.
    Numbers(IntType),
}

impl RawField {
    /// Reads what follows `field:`.
    pub(super) fn parse(text: &str) -> Option<RawField> {
        // `unsigned int nr_regions; offset:16; size:4; signed:0;`, with tabs.
        let mut parts = text.split(';').map(str::trim);
        let declaration = parts.next()?;
        let parts: Vec<(&str, &str)> = parts.filter_map(|part| part.split_once(':')).collect();
        let number = |key: &str| parts.iter().find(|(name, _)| *name == key)?.1.parse::<usize>().ok();
        let (size, signed) = (number("size")?, number("signed")? == 1);
        let (dynamic, rest) = match declaration.split_once(' ') {
            Some(("__data_loc", rest)) => (Some(Dynamic::FromRecord), rest),
            Some(("__rel_loc", rest)) => (Some(Dynamic::FromField), rest),
            _ => (None, declaration),
        };
        let name = rest.rsplit([' ', '\t', '*']).next()?;
        let of = rest.strip_suffix(name)?.trim_end();
        let (name, count) =
            name.split_once('[').map_or((name, None), |(name, count)| (name, count.strip_suffix(']')));
        let of = of.trim_end_matches("[]");
        let items = match (dynamic, count) {
            (Some(_), _) => Some(items(of, None, signed)),
            (None, Some(count)) => {
                let each = count.parse::<usize>().ok().and_then(|count| size.checked_div(count));
                Some(items(of, each, signed))
            }
            // A structure has no number.
            (None, None) if !matches!(size, 1 | 2 | 4 | 8) => Some(items("u8", Some(1), false)),
            (None, None) => None,
        };
        Some(RawField { name: name.to_owned(), offset: number("offset")?, size, signed, dynamic, items })
    }
}

/// The items of an array of this type. `each` is their size, where the format has it.
fn items(of: &str, each: Option<usize>, signed: bool) -> Items {
    if of == "char" {
        return Items::Text;
    }
    let known = IntType::named(of);
    let bytes = each.and_then(|each| u8::try_from(each).ok()).or_else(|| known.map(|ty| ty.bytes));
    let bytes = bytes.filter(|bytes| matches!(bytes, 1 | 2 | 4 | 8)).unwrap_or(1);
    Items::Numbers(IntType { bytes, signed: known.map_or(signed, |ty| ty.signed) })
}
