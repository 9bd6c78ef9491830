//! What DAMON shows of itself: tracepoints, the files of a kdamond that has one folder of each kind, module parameters.

use super::features::Scratch;
use super::listings::EVENTS;
use crate::agent::failure::Failure;
use crate::agent::files;
use damonlab_protocol::damon::ROOT;
use damonlab_protocol::inventory::Inventory;
use std::fs;
use std::path::Path;

const MODULES: &str = "/sys/module";

/// How the names of DAMON's modules begin.
const MODULE: &str = "damon_";

/// No tree of the kernel's is deeper.
const DEPTH: usize = 20;

/// The inventory; none in a kernel without DAMON.
pub fn inventory() -> Result<Option<Inventory>, Failure> {
    let Some(scratch) = Scratch::make()? else { return Ok(None) };
    let kdamond = Path::new(ROOT).join("0");
    let mut found = Inventory::default();
    walk(&kdamond, "", DEPTH, &mut found.files);
    let is_event = |name: &String| Path::new(EVENTS).join(name).join("format").exists();
    found.tracepoints = files::names(EVENTS).into_iter().filter(is_event).collect();
    for module in files::names(MODULES).into_iter().filter(|name| name.starts_with(MODULE)) {
        walk(&Path::new(MODULES).join(&module).join("parameters"), &module, DEPTH, &mut found.parameters);
    }
    let operations = files::read_patiently(kdamond.join("contexts/0/avail_operations")).unwrap_or_default();
    found.operations = operations.split_whitespace().map(str::to_owned).collect();
    scratch.remove()?;
    Ok(Some(found.bounded()))
}

/// Adds the files below `folder`, with `prefix` in front of each name.
fn walk(folder: &Path, prefix: &str, depth: usize, found: &mut Vec<String>) {
    for name in files::names(folder) {
        let full = folder.join(&name);
        let Ok(meta) = fs::symlink_metadata(&full) else { continue };
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        match meta.is_dir() {
            true if depth > 0 => walk(&full, &path, depth - 1, found),
            true => {}
            false => found.push(path),
        }
    }
}
