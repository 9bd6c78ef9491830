//! From a text to the shape of its YAML: which keys there are, and what kind of value each takes. Nothing is judged.

use super::fault::{Fault, Wrong};
use serde::de::DeserializeOwned;
use serde_saphyr::Spanned;

/// A value and its place in the file.
pub(crate) type At<T> = Spanned<T>;

/// Structs for mappings whose keys are known: any other key is an error, and `serde`'s attributes say which may be
/// missing.
macro_rules! shapes {
    ($(
        $(#[$of_struct:meta])* $name:ident $(<$t:ident>)? { $($(#[$of_field:meta])* $field:ident: $type:ty,)* }
    )*) => {$(
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        $(#[$of_struct])*
        pub(crate) struct $name $(<$t>)? {
            $($(#[$of_field])* pub(crate) $field: $type,)*
        }
    )*};
}

pub(crate) use shapes;

/// What stands in the text of `file`, if it has the shape that is wanted.
pub(crate) fn read<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Box<Wrong>> {
    if text.trim().is_empty() {
        return Err(Fault::whole(format!("{file} is empty")).inside(file, text));
    }
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| Fault::from_yaml(&error).inside(file, text))
}
