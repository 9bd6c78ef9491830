//! Names that come from files and become parts of paths: each is parsed by its grammar before it is used, so that no
//! name can lead out of its folder.

use super::fault::{Fault, Faulty};
use serde::{Deserialize, Serialize};
use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::path::Path;

/// The longest name of a file is 255 bytes; some room is for endings.
const LONGEST: usize = 200;

/// A name that does not fit its grammar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not {kind}; wanted: {wanted}")]
pub struct BadName {
    name: String,
    kind: &'static str,
    wanted: &'static str,
}

impl Faulty for BadName {
    fn fault(&self) -> Fault {
        Fault::BadInput
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $kind:literal, $wanted:literal, $grammar:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// Parses a name.
            ///
            /// # Errors
            /// It does not fit the grammar.
            pub fn new(name: impl Into<String>) -> Result<$type, BadName> {
                let name = name.into();
                let fits: fn(&str) -> bool = $grammar;
                if fits(&name) {
                    return Ok($type(name));
                }
                let name = super::text::excerpt(&name);
                Err(BadName { name, kind: $kind, wanted: $wanted })
            }

            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = BadName;
            fn try_from(name: String) -> Result<$type, BadName> {
                $type::new(name)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0
            }
        }

        impl Deref for $type {
            type Target = str;
            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<Path> for $type {
            fn as_ref(&self) -> &Path {
                Path::new(&self.0)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl PartialEq<str> for $type {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }

        impl PartialEq<&str> for $type {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }
    };
}

name! {
    /// The key of an image or a checkpoint: the digits of a digest. (`unknown` stands in old recordings.)
    Key, "a key", "1 to 64 of the characters 0-9 and a-z",
    |name| (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
}

name! {
    /// The name of one entry of a folder: a scenario, which names the folder of its recordings, or a file.
    EntryName, "a name",
    "1 to 200 bytes without a slash and control characters that do not begin with a dot",
    |name| {
        (1..=LONGEST).contains(&name.len())
            && !name.starts_with('.')
            && !name.chars().any(|c| c == '/' || c.is_control())
    }
}

impl Key {
    /// How many digits of a digest make a key: enough to be unique on a machine.
    const DIGITS: usize = 24;

    /// The key of a digest.
    pub fn of(digest: &blake3::Hash) -> Key {
        Key(digest.to_hex()[..Key::DIGITS].to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_digits_and_never_a_path() {
        for key in ["a19b7129b1740c52382c282e", "unknown", "0"] {
            assert_eq!(Key::new(key).unwrap(), key);
        }
        let long = "a".repeat(65);
        for other in ["", "/etc", "..", ".", "../..", "a/b", "A", "a\n", "a\0", "é", "a.lock", &long] {
            let error = Key::new(other).unwrap_err();
            assert!(error.to_string().contains(" is not a key; wanted: 1 to 64 of "), "{error}");
        }
        assert_eq!(Key::new(&*Key::of(&blake3::hash(b"x"))).unwrap(), Key::of(&blake3::hash(b"x")));
    }

    #[test]
    fn a_name_is_one_entry_of_a_folder() {
        for name in ["pull-push", "my scenario", "größe", "-x", "a.b"] {
            assert_eq!(EntryName::new(name).unwrap(), name);
        }
        let long = "a".repeat(201);
        for other in ["", ".", "..", ".git", "a/b", "/a", "../a", "a\nb", "a\0", "\u{1b}[31m", &long] {
            assert!(EntryName::new(other).is_err(), "{other:?}");
        }
    }

    #[test]
    fn a_name_in_a_file_is_parsed_by_the_same_grammar() {
        assert_eq!(serde_json::from_str::<Key>("\"abc\"").unwrap(), "abc");
        let error = serde_json::from_str::<Key>("\"../..\"").unwrap_err();
        assert!(error.to_string().contains("\"../..\" is not a key"), "{error}");
        assert_eq!(serde_json::to_string(&Key::new("abc").unwrap()).unwrap(), "\"abc\"");
    }
}
