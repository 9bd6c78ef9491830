//! From a text to the shape of its YAML: which keys there are, and what kind of value each takes. Nothing is judged.

use super::fault::{Fault, Wrong};
use serde::de::DeserializeOwned;
use serde_saphyr::Spanned;

/// A value and its place in the file.
pub(crate) type At<T> = Spanned<T>;

/// Structs for mappings whose keys are known: any other key is an error, and `serde`'s attributes say which may be
/// missing. Their doc comments are descriptions in the JSON Schema.
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

        impl $(<$t: $crate::grammar::Described>)? $crate::grammar::Described for $name $(<$t>)? {
            fn schema(all: &mut $crate::grammar::Definitions) -> serde_json::Value {
                const ATTRIBUTES: &[&str] = &[$(stringify!($of_struct)),*];
                let fields = [$($crate::grammar::Field {
                    name: stringify!($field),
                    attributes: &[$(stringify!($of_field)),*],
                    optional: <$type as $crate::grammar::Described>::OPTIONAL,
                    schema: <$type as $crate::grammar::Described>::schema,
                }),*];
                let make = |all: &mut $crate::grammar::Definitions| $crate::grammar::mapping(ATTRIBUTES, &fields, all);
                $crate::grammar::shapes!(@named all make $name $($t)?)
            }
        }
    )*};
    // A shape of a shape has no one name.
    (@named $all:ident $make:ident $name:ident $t:ident) => { $make($all) };
    (@named $all:ident $make:ident $name:ident) => {{
        let name = stringify!($name).trim_start_matches("Raw");
        #[cfg(test)]
        $all.read.insert(name.to_owned(), $crate::grammar::keys_of::<$name>());
        $all.refer(name, $make)
    }};
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
