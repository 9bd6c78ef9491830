//! Kernels: the cache and what it holds, a kernel that was built or found there, and the features of a kernel.
//!
//! For programs `kernel list` has `limit_bytes`, `kernels` (`key`, `describe`, `on_top`, `bytes`, `used`,
//! `built`, `compiler`, `configuration`, `bundled_patches`) and `folders`
//! (`holds`, `name`, `bytes`, `used`); `kernel build` has `key`, `describe` and `path`; `kernel has` has `kernel`,
//! `present`, `missing`, `unknown` and `left_out` (how many names are not among `unknown`, since there are too many); `kernel rm` has `removed`.

use super::event::Listing;
use crate::host::text::{foreign, quote, shown};
use crate::kernel::{CacheFolder, CachedImage, FolderKind, Image};
use crate::scenario;
use crate::vm::ProbedFeatures;
use damonlab_protocol::inventory::Inventory;
use damonlab_protocol::kernel_feature::KernelFeature;
use damonlab_protocol::units::Bytes;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;
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
        let _ = self.images.iter().try_for_each(|one| image(one, &self.unlike_its_namesakes(one), &mut out));
        let folders = self.folders.iter().filter(|one| one.kind != FolderKind::Image);
        let _ = folders.into_iter().try_for_each(|one| folder(one, &mut out));
        out
    }

    /// What an image has that others with its description have not.
    fn unlike_its_namesakes(&self, one: &CachedImage) -> String {
        let same_name = |other: &&CachedImage| {
            (&other.image.describe, &other.on_top) == (&one.image.describe, &one.on_top)
        };
        let namesakes: Vec<_> = self.images.iter().filter(same_name).collect();
        let differs = |of: fn(&CachedImage) -> &str| namesakes.iter().any(|other| of(other) != of(one));
        let mut parts = Vec::new();
        if namesakes.len() > 1 {
            parts.push(format!("built {}", time(one.built).replace('T', " ").replace('Z', " UTC")));
        }
        if differs(|one| &one.compiler) {
            parts.push(one.compiler.lines().next().unwrap_or_default().to_owned());
        }
        if differs(|one| &one.config) {
            parts.push(format!("configuration {}", one.config));
        }
        if differs(|one| &one.bundled) {
            parts.push(format!("bundled patches {}", one.bundled));
        }
        if parts.is_empty() { String::new() } else { format!("; {}", parts.join("; ")) }
    }

    pub(super) fn data(&self) -> Value {
        let image =
            |CachedImage { image, on_top, size, used, built, compiler, config, bundled }: &CachedImage| {
                json!({
                    "key": image.key,
                    "describe": image.describe,
                    "on_top": on_top,
                    "bytes": size,
                    "used": time(*used),
                    "built": time(*built),
                    "compiler": compiler,
                    "configuration": config,
                    "bundled_patches": bundled,
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

/// Folders that were removed from the cache.
pub fn removed_kernels(folders: &[PathBuf]) -> Listing {
    let text = folders.iter().map(|folder| format!("removed {}\n", shown(folder))).collect();
    let paths: Vec<_> = folders.iter().map(|folder| folder.to_string_lossy()).collect();
    Listing { command: "kernel rm", text, data: json!({"removed": paths}) }
}

/// What a kernel has of all that scenarios may need, what not, and what damonlab does not know of it.
pub fn kernel_features(image: &Image, all: &[KernelFeature], probed: &ProbedFeatures) -> Listing {
    let words = image.facts.words.as_deref();
    let (missing, present): (Vec<_>, Vec<_>) =
        all.iter().partition(|feature| probed.missing.contains(feature));
    let names = |features: Vec<&KernelFeature>| features.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (present, missing) = (names(present), names(missing));
    let lines = |names: &[String]| names.iter().map(|name| format!("  {name}\n")).collect::<String>();
    let mut text = format!("{} has\n{}", quote(&image.describe), lines(&present));
    if !missing.is_empty() {
        text.push_str(&format!("and does not have\n{}", lines(&missing)));
    }
    let unknown = unknown(&probed.inventory, words.unwrap_or_default());
    if !unknown.is_empty() {
        text.push_str(UNKNOWN);
        unknown.iter().for_each(|name| text.push_str(&format!("  {}\n", foreign(name))));
    }
    if words.is_none() {
        text.push_str("which other keywords it takes is not known: its source is not here\n");
    }
    let data = json!({
        "kernel": image.describe,
        "present": present,
        "missing": missing,
        "unknown": unknown,
        "left_out": probed.inventory.left_out,
    });
    Listing { command: "kernel has", text, data }
}

/// The heading of what a kernel has beyond what damonlab knows.
const UNKNOWN: &str = "this kernel has, and damonlab does not know (a scenario names such words in `introduces:` and such \
                       files in `sysfs:`, docs/scenarios.md):\n";

/// So many names stand in the line of a run.
const NAMED: usize = 8;

/// Names like those of features.
fn unknown(inventory: &Inventory, words: &[String]) -> BTreeSet<String> {
    let mut unknown = scenario::unknown_words(words);
    // The guest lists files with their folders.
    unknown.retain(|word| !word.starts_with("file."));
    unknown.append(&mut scenario::unknown_shown(inventory));
    unknown
}

/// The line of a run on a kernel whose source has words that damonlab does not know.
pub fn unknown_to_damonlab(image: &Image) -> Option<String> {
    let unknown = scenario::unknown_words(image.facts.words.as_deref()?);
    let named: Vec<String> = unknown.iter().take(NAMED).map(|name| foreign(name).to_string()).collect();
    let more = match unknown.len().saturating_sub(NAMED) {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    (!unknown.is_empty()).then(|| {
        format!(
            "kernel: it has what damonlab does not know: {}{more} (`damonlab kernel has` says how to use it)",
            named.join(", ")
        )
    })
}

fn image(one: &CachedImage, unlike: &str, out: &mut String) -> std::fmt::Result {
    let on_top = match one.on_top.as_slice() {
        [] => String::new(),
        names => format!(" ({})", quote(&names.join(", "))),
    };
    let CachedImage { image, size, used, .. } = one;
    let (key, describe) = (foreign(&image.key), quote(&image.describe));
    writeln!(out, "  {key}  used {}  {:>8}  {describe}{on_top}{unlike}", day(*used), mebibytes(*size))
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
    use crate::kernel::{Lease, SourceFacts};
    use std::time::Duration;

    fn image() -> Image {
        Image {
            bzimage: "b".into(),
            vmlinux: None,
            config: None,
            key: crate::host::names::Key::new("0123456789abcdef01234567").unwrap(),
            describe: "linux 7.3.4 + 1 patch".into(),
            release: None,
            facts: SourceFacts::default(),
            cached: true,
            lease: Lease::default(),
        }
    }

    fn cache() -> KernelCache {
        let used = SystemTime::UNIX_EPOCH + Duration::from_secs(86_400);
        let on_top = vec!["a.mbox".into(), "debug.config".into()];
        let images = vec![CachedImage {
            image: image(),
            on_top,
            size: Bytes(5 << 20),
            used,
            built: used,
            compiler: "gcc 12\nld 2.40".into(),
            config: "c0ffee".into(),
            bundled: "abcdef".into(),
        }];
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
    fn kernels_of_one_name_are_shown_with_what_differs() {
        let mut cache = cache();
        cache.images.push(CachedImage { compiler: "gcc 14".into(), ..cache.images[0].clone() });
        let text = cache.text();
        let ends = ["; built 1970-01-02 00:00:00 UTC; gcc 12", "; built 1970-01-02 00:00:00 UTC; gcc 14"];
        for (line, end) in text.lines().skip(1).zip(ends) {
            assert!(line.ends_with(end), "{line}");
        }
        cache.images[1].compiler = cache.images[0].compiler.clone();
        cache.images[1].config = "decade".into();
        cache.images[1].bundled = "fedcba".into();
        let text = cache.text();
        let end = "UTC; configuration decade; bundled patches fedcba";
        assert!(text.lines().nth(2).is_some_and(|line| line.ends_with(end)), "{text}");
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
        let full = kernel_features(&image(), &all, &ProbedFeatures::default());
        assert!(full.text.starts_with("linux 7.3.4 + 1 patch has\n") && !full.text.contains("does not have"));
        let missing = all[..1].iter().cloned().collect();
        let less = kernel_features(&image(), &all, &ProbedFeatures { missing, ..ProbedFeatures::default() });
        assert!(less.text.contains(&format!("and does not have\n  {}\n", all[0])), "{}", less.text);
        assert_eq!(less.data["missing"], json!([all[0].to_string()]));
    }

    #[test]
    fn what_damonlab_does_not_know_is_listed_and_nobody_elses_bytes_reach_the_terminal() {
        let words = ["goal.hot_mem_bp", "goal.user_input", "file.new"].map(str::to_owned);
        let facts = SourceFacts { words: Some(words.to_vec()), formulas: None };
        let with_words = Image { facts, ..image() };
        let files = vec!["contexts/0/new\u{1b}[2J".to_owned()];
        let inventory = Inventory { files, ..Inventory::default() };
        let probed = ProbedFeatures { inventory, ..ProbedFeatures::default() };
        let listing = kernel_features(&with_words, &[], &probed);
        let (_, unknown) = listing.text.split_once("docs/scenarios.md):\n").unwrap();
        assert!(unknown.starts_with("  goal.hot_mem_bp\n  sysfs.contexts/0/new"), "{unknown:?}");
        assert!(!unknown.contains('\u{1b}') && !unknown.contains("user_input"), "{unknown:?}");
        assert!(!unknown.contains("file.new"), "the guest lists files with their folders");
        let listing = kernel_features(&image(), &[], &probed);
        assert!(listing.text.ends_with("its source is not here\n"), "{}", listing.text);
    }
}
