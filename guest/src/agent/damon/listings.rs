//! What DAMON shows of itself: its tree in sysfs, and the formats of its tracepoints.

use crate::agent::failure::Failure;
use crate::agent::files;
use crate::agent::sections::create;
use damonlab_protocol::kernel_text::event_format;
use damonlab_protocol::record::section;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const SYSFS: &str = "/sys/kernel/mm/damon";
/// The folder of its tracepoints.
pub(super) const EVENTS: &str = "/sys/kernel/tracing/events/damon";

/// Lists the tree under `/sys/kernel/mm/damon`: mode and path a line, sorted by path.
pub fn sysfs() -> Result<(), Failure> {
    let mut lines = Vec::new();
    walk(Path::new(SYSFS), "", &mut lines);
    lines.sort();
    let mut out = create(section::SYSFS)?;
    for (path, mode) in lines {
        writeln!(out, "{mode} {path}")?;
    }
    Ok(())
}

fn walk(folder: &Path, prefix: &str, lines: &mut Vec<(String, String)>) {
    for name in files::names(folder) {
        let full = folder.join(&name);
        let Ok(meta) = fs::symlink_metadata(&full) else { continue };
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        lines.push((path.clone(), mode_text(meta.is_dir(), meta.permissions().mode())));
        if meta.is_dir() {
            walk(&full, &path, lines);
        }
    }
}

/// `-rw-------`, as `ls -l` has it.
fn mode_text(is_dir: bool, mode: u32) -> String {
    let mut text = String::from(if is_dir { "d" } else { "-" });
    for (bit, letter) in (0..9).rev().zip("rwxrwxrwx".chars()) {
        text.push(if mode & (1 << bit) != 0 { letter } else { '-' });
    }
    text
}

/// Whether DAMON has the tracepoint `name`.
pub fn has_event(name: &str) -> bool {
    Path::new(EVENTS).join(name).join("enable").exists()
}

/// The `format` files of the `damon` system, one after the other, by event name.
pub fn formats() -> Result<(), Failure> {
    let mut out = create(section::FORMATS)?;
    for name in files::names(EVENTS) {
        let path = Path::new(EVENTS).join(name).join("format");
        if path.exists() {
            out.write_all(event_format(&files::read(path)?).as_bytes())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_look_as_ls_has_them() {
        assert_eq!(mode_text(false, 0o100_600), "-rw-------");
        assert_eq!(mode_text(true, 0o40_755), "drwxr-xr-x");
        assert_eq!(mode_text(false, 0o100_400), "-r--------");
    }
}
