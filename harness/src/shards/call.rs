//! What was requested of a command, as far as its results depend on it. The shards of one command have the same. Pure but for
//! the files that were named.

use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

/// How many digits of a digest are enough to tell two lists of files apart.
const DIGITS: usize = 12;

/// What was requested of a command, the most important first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Call(Vec<(String, String)>);

/// A value in which two calls differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CallDifference {
    pub(super) what: String,
    pub(super) first: String,
    pub(super) second: String,
}

impl Call {
    /// One of these names and values.
    pub fn new<const N: usize>(inputs: [(&str, String); N]) -> Call {
        Call(inputs.map(|(what, value)| (what.to_owned(), value)).into())
    }

    /// The first value in which `other` differs.
    pub(super) fn difference(&self, other: &Call) -> Option<CallDifference> {
        let value = |call: &Call, index: usize| {
            call.0.get(index).map_or_else(|| "nothing".to_owned(), |(_, value)| value.clone())
        };
        let differs = |index: &usize| self.0.get(*index) != other.0.get(*index);
        let index = (0..self.0.len().max(other.0.len())).find(differs)?;
        let (what, _) = self.0.get(index).or_else(|| other.0.get(index))?;
        Some(CallDifference { what: what.clone(), first: value(self, index), second: value(other, index) })
    }
}

/// The number and a digest of some texts with their names, for people to compare.
pub fn digest<'a>(texts: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut count = 0_usize;
    for (name, text) in texts {
        count += 1;
        for part in [name.as_bytes(), text] {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
    }
    format!("{count}, digest {}", &hasher.finalize().to_hex()[..DIGITS])
}

/// [`digest`] of files. They may lie in another folder on another machine.
///
/// # Errors
/// One cannot be read.
pub fn digest_of_files(paths: &[PathBuf]) -> io::Result<String> {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let read = |path: &PathBuf| Ok((name(path), fs_err::read(path)?));
    let texts = paths.iter().map(read).collect::<io::Result<Vec<_>>>()?;
    Ok(digest(texts.iter().map(|(name, text)| (name.as_str(), text.as_slice()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_differ_in_their_first_value_that_is_not_the_same() {
        let call = |seed: &str, clock: &str| Call::new([("seed", seed.into()), ("clock", clock.into())]);
        assert_eq!(call("1", "real").difference(&call("1", "real")), None);
        let difference = call("1", "real").difference(&call("1", "virtual")).unwrap();
        assert_eq!((&*difference.what, &*difference.second), ("clock", "virtual"));
        let longer = call("1", "real").difference(&Call::new([("seed", "1".into())])).unwrap();
        assert_eq!((&*longer.what, &*longer.second), ("clock", "nothing"));
    }

    #[test]
    fn a_digest_depends_on_names_and_texts() {
        let of = |name, text: &'static str| digest([(name, text.as_bytes())]);
        assert!(of("a", "b").starts_with("1, digest "));
        assert_ne!(of("a", "b"), of("a", "c"));
        assert_ne!(of("ab", "c"), of("a", "bc"));
    }
}
