//! Kernels: the cache and what it holds, a kernel that was built or found there, and the features of a kernel.
//!
//! For programs `kernel list` has `limit_bytes`, `kernels` (`key`, `describe`, `on_top`, `bytes`, `used`) and `folders`
//! (`holds`, `name`, `bytes`, `used`); `kernel build` has `key`, `describe` and `path`; `kernel has` has `kernel`,
//! `present` and `missing`.

use super::event::Listing;
use crate::host::text::{foreign, quote, shown};
use crate::kernel::{CacheFolder, CachedImage, FolderKind, Image};
use damonlab_protocol::kernel_feature::KernelFeature;
use damonlab_protocol::units::Bytes;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::SystemTime;

/// What is in the cache of kernels.
#[derive(Debug)]
pub struct KernelCache {
    /// The images, the last used first.
    pub images: Vec<CachedImage>,
    /// The folders, the last used first.
    pub folders: Vec<CacheFolder>,
    /// How much they may take together.
    pub limit: Bytes,
}

impl KernelCache {
    /// The result of `kernel list`.
    pub fn listing(&self) -> Listing {
        Listing { command: "kernel list", text: self.text(), data: self.data() }
    }

    /// The images, then the folders they are built in.
    pub(super) fn text(&self) -> String {
        if self.folders.is_empty() {
            return "no kernels in the cache\n".to_owned();
        }
        let sum = Bytes(self.folders.iter().map(|one| one.size.0).sum());
        let mut out = format!(
            "kernels, with builds and working copies {} of at most {} (the longest unused go first):\n",
            mebibytes(sum),
            mebibytes(self.limit)
        );
        // Writing to a String does not fail.
        let _ = self.images.iter().try_for_each(|one| image(one, &mut out));
        let folders = self.folders.iter().filter(|one| one.kind != FolderKind::Image);
        let _ = folders.into_iter().try_for_each(|one| folder(one, &mut out));
        out
    }

    pub(super) fn data(&self) -> Value {
        let image = |CachedImage { image, on_top, size, used }: &CachedImage| {
            json!({
                "key": image.key,
                "describe": image.describe,
                "on_top": on_top,
                "bytes": size,
                "used": time(*used),
            })
        };
        let folder = |one: &CacheFolder| json!({"holds": holds(one.kind), "name": one.name, "bytes": one.size, "used": time(one.used)});
        let folders = self.folders.iter().filter(|one| one.kind != FolderKind::Image);
        json!({
            "limit_bytes": self.limit,
            "kernels": self.images.iter().map(image).collect::<Vec<_>>(),
            "folders": folders.map(folder).collect::<Vec<_>>(),
        })
    }
}

/// A kernel that was built, or found in the cache.
pub fn kernel(image: &Image) -> Listing {
    let Image { key, describe, bzimage, .. } = image;
    let path = bzimage.to_string_lossy();
    let text = format!("{}  {}\n{}\n", foreign(key), quote(describe), shown(bzimage));
    Listing { command: "kernel build", text, data: json!({"key": key, "describe": describe, "path": path}) }
}

/// What a kernel has of all that scenarios may need, and what not.
pub fn kernel_features(image: &Image, all: &[KernelFeature], missing: &BTreeSet<KernelFeature>) -> Listing {
    let (missing, present): (Vec<_>, Vec<_>) = all.iter().partition(|feature| missing.contains(feature));
    let names = |features: Vec<&KernelFeature>| features.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (present, missing) = (names(present), names(missing));
    let lines = |names: &[String]| names.iter().map(|name| format!("  {name}\n")).collect::<String>();
    let mut text = format!("{} has\n{}", quote(&image.describe), lines(&present));
    if !missing.is_empty() {
        text.push_str(&format!("and does not have\n{}", lines(&missing)));
    }
    let data = json!({"kernel": image.describe, "present": present, "missing": missing});
    Listing { command: "kernel has", text, data }
}

fn image(one: &CachedImage, out: &mut String) -> std::fmt::Result {
    let on_top = match one.on_top.as_slice() {
        [] => String::new(),
        names => format!(" ({})", quote(&names.join(", "))),
    };
    let CachedImage { image, size, used, .. } = one;
    let (key, describe) = (foreign(&image.key), quote(&image.describe));
    writeln!(out, "  {key}  used {}  {:>8}  {describe}{on_top}", day(*used), mebibytes(*size))
}

fn folder(one: &CacheFolder, out: &mut String) -> std::fmt::Result {
    let what = holds(one.kind);
    writeln!(
        out,
        "  {:24}  used {}  {:>8}  {what} of {}",
        "",
        day(one.used),
        mebibytes(one.size),
        foreign(&one.name)
    )
}

fn holds(kind: FolderKind) -> &'static str {
    match kind {
        FolderKind::Copy => "working copy",
        FolderKind::Build | FolderKind::Image => "build folder",
    }
}

fn time(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

fn day(used: SystemTime) -> String {
    time(used).split('T').next().unwrap_or_default().to_owned()
}

/// Rounded up: what takes room takes some.
fn mebibytes(size: Bytes) -> String {
    format!("{} MiB", size.0.div_ceil(Bytes::MIB.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Lease;
    use std::time::Duration;

    fn image() -> Image {
        Image {
            bzimage: "b".into(),
            vmlinux: None,
            config: None,
            key: crate::host::names::Key::new("0123456789abcdef01234567").unwrap(),
            describe: "linux 7.3.4 + 1 patch".into(),
            release: None,
            cached: true,
            lease: Lease::default(),
        }
    }

    fn cache() -> KernelCache {
        let used = SystemTime::UNIX_EPOCH + Duration::from_secs(86_400);
        let on_top = vec!["a.mbox".into(), "debug.config".into()];
        let images = vec![CachedImage { image: image(), on_top, size: Bytes(5 << 20), used }];
        let held = |kind, name: &str, mib: u64| CacheFolder {
            kind,
            name: name.into(),
            size: Bytes(mib << 20),
            used,
        };
        let folders = vec![
            held(FolderKind::Copy, "linux-7.3.4", 7),
            held(FolderKind::Build, "linux-7.3.4+debug", 900),
            held(FolderKind::Image, "0123456789abcdef01234567", 5),
        ];
        KernelCache { images, folders, limit: Bytes(2 << 30) }
    }

    #[test]
    fn each_kernel_has_a_line_and_each_folder_too_and_the_sum_stands_above() {
        assert_eq!(
            cache().text(),
            "kernels, with builds and working copies 912 MiB of at most 2048 MiB (the longest unused go first):\n  \
             0123456789abcdef01234567  used 1970-01-02     5 MiB  linux 7.3.4 + 1 patch (a.mbox, debug.config)\n  \
             \u{20}                         used 1970-01-02     7 MiB  working copy of linux-7.3.4\n  \
             \u{20}                         used 1970-01-02   900 MiB  build folder of linux-7.3.4+debug\n"
        );
        let empty = KernelCache { images: Vec::new(), folders: Vec::new(), limit: Bytes(1) };
        assert_eq!(empty.text(), "no kernels in the cache\n");
    }

    #[test]
    fn a_program_gets_sizes_in_bytes_and_times_in_full() {
        let data = cache().data();
        assert_eq!(data["kernels"][0]["bytes"], 5 << 20);
        assert_eq!(data["kernels"][0]["used"], "1970-01-02T00:00:00Z");
        assert_eq!(data["folders"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn a_kernel_that_has_everything_is_not_said_to_lack_anything() {
        let all = crate::subject::damon::config::all_features();
        let full = kernel_features(&image(), &all, &BTreeSet::new());
        assert!(full.text.starts_with("linux 7.3.4 + 1 patch has\n") && !full.text.contains("does not have"));
        let less = kernel_features(&image(), &all, &all[..1].iter().cloned().collect());
        assert!(less.text.ends_with(&format!("and does not have\n  {}\n", all[0])), "{}", less.text);
        assert_eq!(less.data["missing"], json!([all[0].to_string()]));
    }
}
