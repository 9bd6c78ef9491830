//! YAML's scalars: one type per kind of amount, each read from its text.
//!
//! The error for a value of another kind names the wanted one; serde-saphyr adds the place.

use super::amount;
use super::schema::{Definitions, describe};
use damonlab_protocol::units::{BasisPoints, Bytes, Nanos, NodeId};
use serde::de::{self, Deserializer, Visitor};
use serde_json::{Value, json};
use std::fmt;
use std::marker::PhantomData;

/// A value that is read from a scalar's text.
pub(crate) trait Leaf: Sized {
    /// What is wanted, for the message: `a size, for instance 512M`.
    const WANTED: &'static str;
    /// The value; `None` where the text is something else.
    fn parse(text: &str) -> Option<Self>;
    /// What JSON Schema can say of the texts that have a value. What fits into no 64 bits, it accepts.
    fn accepted() -> Value;
}

/// Texts of this form (an ECMA regular expression for all of the text).
pub(crate) fn text(form: &str) -> Value {
    json!({"type": "string", "pattern": format!("^{form}$")})
}

/// Texts of this form, and these types of JSON, of at least 0.
pub(crate) fn text_or(kind: &str, form: &str) -> Value {
    json!({"type": [kind, "string"], "minimum": 0, "pattern": format!("^{form}$")})
}

/// One of these words in any case.
fn any_case(words: &[&str]) -> String {
    let letter = |c: char| format!("[{}{}]", c.to_ascii_uppercase(), c);
    let words: Vec<String> = words.iter().map(|word| word.chars().map(letter).collect()).collect();
    format!("({})", words.join("|"))
}

struct LeafVisitor<T>(PhantomData<T>);

impl<T: Leaf> Visitor<'_> for LeafVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::WANTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::parse(text).ok_or_else(|| E::custom(format_args!("'{text}' is not {}", T::WANTED)))
    }
}

/// A [`Leaf`] around another type: `Size(Bytes)`, what is wanted, and how its text is read.
macro_rules! leaf {
    ($(#[$doc:meta])* $name:ident($inner:ty), $wanted:literal, $accepted:expr, $parse:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub(crate) struct $name(pub(crate) $inner);

        impl $crate::grammar::Leaf for $name {
            const WANTED: &'static str = $wanted;
            fn parse(text: &str) -> Option<Self> {
                let parse: fn(&str) -> Option<$inner> = $parse;
                parse(text).map($name)
            }
            fn accepted() -> serde_json::Value {
                $accepted
            }
        }

        impl $crate::grammar::Given<$inner> for Option<$crate::grammar::At<$name>> {
            fn given(&self) -> Option<$inner> {
                self.as_ref().map(|at| at.value.0.clone())
            }
        }

        $crate::grammar::leaf!($name);
    };
    ($name:ident) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::grammar::deserialize_leaf(deserializer)
            }
        }

        impl $crate::grammar::Described for $name {
            fn schema(all: &mut $crate::grammar::Definitions) -> serde_json::Value {
                $crate::grammar::leaf_schema::<$name>(stringify!($name), all)
            }
        }
    };
}

pub(crate) use leaf;

/// Reads a [`Leaf`] from a scalar.
pub(crate) fn deserialize_leaf<'de, T: Leaf, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_str(LeafVisitor(PhantomData))
}

/// The definition of a [`Leaf`], in lower case, which no shape's is.
pub(crate) fn leaf_schema<T: Leaf>(name: &str, all: &mut Definitions) -> Value {
    all.refer(&name.to_ascii_lowercase(), |_| {
        let mut schema = T::accepted();
        describe(&mut schema, T::WANTED);
        schema
    })
}

/// A key that may be missing.
pub(crate) trait Given<T> {
    /// Its value, where it is there.
    fn given(&self) -> Option<T>;

    /// Its value, or else this one.
    fn given_or(&self, default: T) -> T {
        self.given().unwrap_or(default)
    }
}

/// The spellings of true and false.
const TRUE: &[&str] = &["y", "yes", "true", "on"];
const FALSE: &[&str] = &["n", "no", "false", "off"];

leaf!(
    /// Any text; the resolver checks it.
    Scalar(String), "a single value", json!({"type": ["string", "number", "boolean"]}), |text| Some(text.to_owned())
);
leaf!(
    /// A size of ours: the unit is required, because `memory: 512` is a mistake.
    Size(Bytes), "a size with a unit, for instance 512M or 16MiB", text(&amount::size_form()), |text| amount::size(text).map(Bytes)
);
leaf!(
    /// Bytes a second.
    Rate(Bytes), "a bandwidth in bytes a second, for instance 5G", text(&amount::size_form()), |text| amount::size(text).map(Bytes)
);
leaf!(
    /// A time of ours: the unit is required.
    Time(Nanos), "a time with a unit, for instance 300ns, 25ms or 10s", text(&amount::time_form()), |text| amount::time(text).map(Nanos)
);
leaf!(
    /// A part of the whole.
    Share(BasisPoints), "a share, for instance 30% or 3000bp", text(&amount::share_form()), |text| {
        let bp = text.trim().strip_suffix("bp").and_then(|number| amount::number(number.trim_end()));
        bp.or_else(|| amount::percent(text, 10_000)).map(BasisPoints)
    }
);
leaf!(
    /// A node id.
    Node(NodeId), "a node id, for instance 0",
    json!({"type": ["integer", "string"], "minimum": 0, "maximum": u16::MAX, "pattern": "^\\+?[0-9]+$"}), |text| text.parse().ok().map(NodeId)
);
leaf!(
    /// A plain number.
    Number(u64), "a whole number", text_or("integer", &format!("(min|max|{})", amount::number_form())), |text| bounded(text).or_else(|| amount::number(text))
);
leaf!(
    /// A number that may be below zero.
    Signed(i64), "a whole number", json!({"type": ["integer", "string"], "pattern": "^[-+]?[0-9]+$"}), |text| text.parse().ok()
);
leaf!(
    /// Parts of 1000.
    Permil(u32), "a share, for instance 10 % (a bare number is permil)", text_or("number", &amount::bare_share_form()), |text| {
        let bare = amount::number(text).or_else(|| amount::six_decimals(text));
        bare.or_else(|| amount::percent(text, 1_000)).and_then(|permil| u32::try_from(permil).ok())
    }
);
leaf!(
    /// Parts of 10000.
    Bp(u64), "a share, for instance 4 % (a bare number is basis points)", text_or("number", &amount::bare_share_form()), |text| {
        let bare = amount::number(text).or_else(|| amount::six_decimals(text));
        bare.or_else(|| amount::percent_or_max(text, 10_000))
    }
);
leaf!(
    /// True or false, in every spelling of YAML and damo.
    Flag(bool), "true or false", json!({"type": ["boolean", "string"], "pattern": format!("^{}$", any_case(&[TRUE, FALSE].concat()))}), |text| {
        let text = text.to_ascii_lowercase();
        let is = |words: &[&str]| words.contains(&text.as_str());
        is(TRUE).then_some(true).or_else(|| is(FALSE).then_some(false))
    }
);

/// damo's `min` and `max`.
pub(crate) fn bounded(text: &str) -> Option<u64> {
    match text {
        "min" => Some(0),
        "max" => Some(u64::MAX),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_share_has_a_unit() {
        assert_eq!(Share::parse("30%"), Some(Share(BasisPoints(3_000))));
        assert_eq!(Share::parse("25bp"), Some(Share(BasisPoints(25))));
        assert_eq!(Share::parse("30"), None);
    }

    #[test]
    fn a_bare_share_takes_the_unit_of_its_key() {
        assert_eq!(Permil::parse("10 %"), Some(Permil(100)));
        assert_eq!(Bp::parse("4 %"), Some(Bp(400)));
    }

    /// Texts that are nearly amounts.
    fn nearly() -> impl Strategy<Value = String> {
        let parts = [
            "0", "7", "25", "1.5", "4.000000", ",", ".", " ", "0x1f", "K", "MiB", "ms", "s", "%", "bp", "-",
            "+", "yes", "oFf", "max",
        ];
        prop::collection::vec(prop::sample::select(parts.to_vec()), 0..5).prop_map(|parts| parts.concat())
    }

    fn agrees<T: Leaf>(text: &str) {
        let schema = jsonschema::validator_for(&T::accepted()).unwrap();
        assert_eq!(schema.is_valid(&text.into()), T::parse(text).is_some(), "'{text}' as {}", T::WANTED);
    }

    proptest! {
        #[test]
        fn the_schema_accepts_the_texts_that_are_read(text in nearly()) {
            agrees::<Size>(&text);
            agrees::<Time>(&text);
            agrees::<Share>(&text);
            agrees::<Number>(&text);
            agrees::<Signed>(&text);
            agrees::<Permil>(&text);
            agrees::<Bp>(&text);
            agrees::<Flag>(&text);
        }
    }
}
