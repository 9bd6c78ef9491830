//! The inputs of an image besides its source, and the digests of them.

use super::build::{self, Toolchain};
use super::config::{Fragment, Requests};
use super::error::KernelError;
use super::instrument;
use super::release::Origins;
use super::request::BuildRequest;
use crate::host::names::Key;
use crate::series::Patch;

/// The inputs of an image besides its source.
#[derive(Debug)]
pub(super) struct Inputs {
    pub(super) patches: Vec<Patch>,
    pub(super) fragments: Vec<Fragment>,
    pub(super) toolchain: Toolchain,
}

impl Inputs {
    /// The inputs of `request`, whose patches come after the `bundled` ones.
    pub(super) fn of(
        request: &BuildRequest,
        bundled: Vec<Patch>,
        origins: &Origins,
    ) -> Result<Inputs, KernelError> {
        Ok(Inputs {
            patches: request.on_top_of(bundled),
            fragments: request.all_fragments()?,
            toolchain: Toolchain::find(&origins.env.path, &origins.env.cache)?,
        })
    }

    /// The key of the image made of these inputs and `source`.
    pub(super) fn key(&self, source: &str) -> Key {
        let mut parts = vec![build::RECIPE.as_bytes(), source.as_bytes(), self.toolchain.version.as_bytes()];
        parts.extend(self.patches.iter().map(|patch| patch.bytes.as_slice()));
        // A separator that no patch and no fragment contains.
        parts.push(b"\0fragments");
        parts.extend(self.fragments.iter().map(|fragment| fragment.text.as_bytes()));
        if self.counts() {
            parts.extend([b"\0instrument", instrument::RECIPE.as_bytes()]);
        }
        digest(&parts)
    }

    /// Whether the kernel counts the lines that it executes. A fragment that cannot be read is reported when the kernel is
    /// configured.
    pub(super) fn counts(&self) -> bool {
        Requests::read(&self.fragments).is_ok_and(|requests| instrument::requested(&requests))
    }

    /// The text of the first `count` patches.
    pub(super) fn bytes_of_patches(&self, count: usize) -> Vec<u8> {
        self.patches.iter().take(count).flat_map(|patch| patch.bytes.iter().copied()).collect()
    }

    /// A digest of what decides the `.config`.
    pub(super) fn stamp(&self, kconfig: &str) -> Key {
        let mut parts = vec![build::RECIPE.as_bytes(), kconfig.as_bytes(), self.toolchain.version.as_bytes()];
        parts.extend(self.fragments.iter().map(|fragment| fragment.text.as_bytes()));
        digest(&parts)
    }
}

/// A digest of `parts` that differs between `ab, c` and `a, bc`.
fn digest(parts: &[&[u8]]) -> Key {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    Key::of(&hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(patches: &[&str], fragments: &[&str]) -> Inputs {
        let patch = |text: &&str| Patch { path: "p".into(), subject: None, bytes: text.as_bytes().to_vec() };
        let fragment = |text: &&str| Fragment { path: "f".into(), text: (*text).to_owned(), bundled: true };
        Inputs {
            patches: patches.iter().map(patch).collect(),
            fragments: fragments.iter().map(fragment).collect(),
            toolchain: Toolchain::of_version("gcc 12"),
        }
    }

    #[test]
    fn the_key_depends_on_every_input() {
        let key = inputs(&["one"], &["two"]).key("7.3.4");
        assert_eq!(inputs(&["one"], &["two"]).key("7.3.4"), key);
        for (other, source) in [
            (inputs(&["One"], &["two"]), "7.3.4"),
            (inputs(&["one"], &["Two"]), "7.3.4"),
            (inputs(&["one"], &["two"]), "7.3.5"),
            (inputs(&["one", "two"], &[]), "7.3.4"),
            (inputs(&[], &["one", "two"]), "7.3.4"),
            (inputs(&["onetwo"], &[""]), "7.3.4"),
        ] {
            assert_ne!(other.key(source), key, "{other:?} {source}");
        }
        let other = Inputs { toolchain: Toolchain::of_version("gcc 14"), ..inputs(&["one"], &["two"]) };
        assert_ne!(other.key("7.3.4"), key);
    }

    #[test]
    fn a_patch_does_not_change_the_stamp_of_a_configuration() {
        assert_eq!(inputs(&["one"], &["two"]).stamp("k"), inputs(&["One"], &["two"]).stamp("k"));
        assert_ne!(
            inputs(&["one"], &["two"]).stamp("k"),
            inputs(&["one"], &["two"]).stamp("other Kconfig files")
        );
    }
}
