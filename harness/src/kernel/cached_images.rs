//! The cached images as a list shows them: what each is, its size, and when it was last used.

use super::image::{self, About, Image};
use crate::host::names::Key;
use crate::host::regular_file::touch;
use damonlab_protocol::units::Bytes;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

/// An image of the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedImage {
    /// The image.
    pub image: Image,
    /// The names of the user's patch files, then of the config fragments, in order. A file with several patches is named
    /// once.
    pub on_top: Vec<String>,
    /// The size of its files, without the build folder.
    pub size: Bytes,
    /// When it was built or last used.
    pub used: SystemTime,
    /// When it was built.
    pub built: SystemTime,
    /// The version lines of compiler and linker.
    pub compiler: String,
    /// The beginning of a digest of its `.config`.
    pub config: String,
    /// The beginning of a digest of the patches that come with damonlab; empty for an image of an older damonlab.
    pub bundled: String,
}

/// Every image of `cache`, the last used first.
pub fn cached_images(cache: &Path) -> Vec<CachedImage> {
    let one = |image: Image| {
        let folder = cache.join("image").join(&image.key);
        let used = fs::metadata(folder.join(image::ABOUT)).and_then(|meta| meta.modified());
        let files = fs::read_dir(&folder).into_iter().flatten().flatten();
        let size = files.filter_map(|file| file.metadata().ok()).map(|meta| meta.len()).sum();
        let about = image::about_key(cache, &image.key);
        let built = fs::metadata(&image.bzimage).and_then(|meta| meta.modified());
        let config = image.config.as_deref().and_then(|path| fs::read(path).ok()).unwrap_or_default();
        CachedImage {
            on_top: about.as_ref().map(on_top).unwrap_or_default(),
            bundled: about.as_ref().map(|about| about.bundled_digest.clone()).unwrap_or_default(),
            compiler: about.map(|about| about.compiler).unwrap_or_default(),
            size: Bytes(size),
            used: used.unwrap_or(SystemTime::UNIX_EPOCH),
            built: built.unwrap_or(SystemTime::UNIX_EPOCH),
            config: image::short_digest(&config),
            image,
        }
    };
    let mut all: Vec<CachedImage> = image::list(cache).into_iter().map(one).collect();
    all.sort_by(|a, b| b.used.cmp(&a.used).then_with(|| a.image.key.cmp(&b.image.key)));
    all
}

fn on_top(about: &About) -> Vec<String> {
    let name = |path: &String| path.rsplit('/').next().unwrap_or(path).to_owned();
    let mut names: Vec<String> = about.patches.iter().skip(about.bundled).map(name).collect();
    names.dedup();
    names.extend(about.fragments.iter().cloned());
    names
}

/// Records that the image `key` was used. If that cannot be written, it only looks older than it is.
pub fn mark_used(cache: &Path, key: &Key) {
    let about = cache.join("image").join(key).join(image::ABOUT);
    if about.exists() {
        let _ = touch(&about);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::time::Duration;

    fn image(cache: &Path, key: &str, age: u64) {
        let folder = cache.join("image").join(key);
        fs::create_dir_all(&folder).unwrap();
        for name in ["bzImage", "config"] {
            fs::write(folder.join(name), "1234").unwrap();
        }
        let about = format!(
            r#"{{"describe": "linux {key}", "source": "7", "ours": 1, "fragments": ["debug.config"],
                "patches": ["/lab/0001-ours.patch", "my/a.mbox", "my/a.mbox", "b.patch"],
                "compiler": "gcc", "release": null, "build": "/nonexistent"}}"#
        );
        fs::write(folder.join(image::ABOUT), &about).unwrap();
        let file = File::options().append(true).open(folder.join(image::ABOUT)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    }

    #[test]
    fn the_last_used_comes_first_with_its_size_and_its_patches() {
        let cache = tempfile::tempdir().unwrap();
        image(cache.path(), "old", 1_000);
        image(cache.path(), "new", 10);
        let keys = || {
            cached_images(cache.path()).into_iter().map(|one| one.image.key.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(keys(), ["new", "old"]);
        mark_used(cache.path(), &Key::new("old").unwrap());
        assert_eq!(keys(), ["old", "new"]);
        let first = cached_images(cache.path()).remove(0);
        let about = fs::metadata(cache.path().join("image/old").join(image::ABOUT)).unwrap().len();
        assert_eq!(first.size, Bytes(8 + about));
        assert_eq!(first.on_top, ["a.mbox", "b.patch", "debug.config"]);
    }

    #[test]
    fn a_missing_image_is_neither_marked_nor_made() {
        let cache = tempfile::tempdir().unwrap();
        mark_used(cache.path(), &Key::new("gone").unwrap());
        assert!(cached_images(cache.path()).is_empty() && !cache.path().join("image").exists());
    }
}
