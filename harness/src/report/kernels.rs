//! The kernels in the cache as text, and what they take there.

use crate::kernel::{CacheFolder, CachedImage, FolderKind};
use damonlab_protocol::units::Bytes;
use std::fmt::Write;
use std::time::SystemTime;

/// The images, then the folders they are built in; each list the last used first.
pub fn kernels(images: &[CachedImage], held: &[CacheFolder], limit: Bytes) -> String {
    if held.is_empty() {
        return "no kernels in the cache\n".to_owned();
    }
    let sum = Bytes(held.iter().map(|one| one.size.0).sum());
    let mut out = format!(
        "kernels, with builds and working copies {} of at most {} (the longest unused go first):\n",
        mebibytes(sum),
        mebibytes(limit)
    );
    // Writing to a String does not fail.
    let _ = images.iter().try_for_each(|one| image(one, &mut out));
    let folders = held.iter().filter(|one| one.kind != FolderKind::Image);
    let _ = folders.into_iter().try_for_each(|one| folder(one, &mut out));
    out
}

fn image(one: &CachedImage, out: &mut String) -> std::fmt::Result {
    let on_top = match one.on_top.as_slice() {
        [] => String::new(),
        names => format!(" ({})", names.join(", ")),
    };
    let CachedImage { image, size, used, .. } = one;
    let key = &image.key;
    writeln!(out, "  {key}  used {}  {:>8}  {}{on_top}", day(*used), mebibytes(*size), image.describe)
}

fn folder(one: &CacheFolder, out: &mut String) -> std::fmt::Result {
    let what = match one.kind {
        FolderKind::Copy => "working copy of",
        FolderKind::Build | FolderKind::Image => "build folder of",
    };
    writeln!(out, "  {:24}  used {}  {:>8}  {what} {}", "", day(one.used), mebibytes(one.size), one.name)
}

fn day(time: SystemTime) -> String {
    let text = humantime::format_rfc3339_seconds(time).to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}

/// Rounded up: what takes room takes some.
fn mebibytes(size: Bytes) -> String {
    format!("{} MiB", size.0.div_ceil(Bytes::MIB.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Image, Lease};
    use std::time::Duration;

    #[test]
    fn each_kernel_has_a_line_and_each_folder_too_and_the_sum_stands_above() {
        let used = SystemTime::UNIX_EPOCH + Duration::from_secs(86_400);
        let image = Image {
            bzimage: "b".into(),
            vmlinux: None,
            config: None,
            key: "0123456789abcdef01234567".into(),
            describe: "linux 7.3.4 + 1 patch".into(),
            release: None,
            cached: true,
            lease: Lease::default(),
        };
        let kept = CachedImage {
            image,
            on_top: vec!["a.mbox".into(), "debug.config".into()],
            size: Bytes(5 << 20),
            used,
        };
        let held = |kind, name: &str, mib: u64| CacheFolder {
            kind,
            name: name.into(),
            size: Bytes(mib << 20),
            used,
        };
        let all = [
            held(FolderKind::Copy, "linux-7.3.4", 7),
            held(FolderKind::Build, "linux-7.3.4+debug", 900),
            held(FolderKind::Image, "0123456789abcdef01234567", 5),
        ];
        assert_eq!(
            kernels(&[kept], &all, Bytes(2 << 30)),
            "kernels, with builds and working copies 912 MiB of at most 2048 MiB (the longest unused go first):\n  \
             0123456789abcdef01234567  used 1970-01-02     5 MiB  linux 7.3.4 + 1 patch (a.mbox, debug.config)\n  \
             \u{20}                         used 1970-01-02     7 MiB  working copy of linux-7.3.4\n  \
             \u{20}                         used 1970-01-02   900 MiB  build folder of linux-7.3.4+debug\n"
        );
        assert_eq!(kernels(&[], &[], Bytes(1)), "no kernels in the cache\n");
    }
}
