//! `sysfs:`: files below DAMON's folders that a scenario names itself, for what a patch adds.
//!
//! A file that damonlab writes anyway is refused: the checks would believe the key, and the kernel the file. So no
//! such file makes or removes a folder that something else is in, and they can all come last.

use super::introduced::WordKind;
use super::parts::{self, Part};
use super::raw::{RawGoal, RawKdamond};
use super::raw_files::RawFiles;
use super::vocabulary::Vocabulary;
use crate::grammar::{At, Checked, Fault, Scalar, file_value};
use damonlab_protocol::damon::{self, Kdamond, Resolve, SysfsFile};
use damonlab_protocol::units::{Addr, NodeId};
use std::collections::BTreeSet;

/// So many files are named in one kdamond at most.
const MAX_FILES: usize = 256;

/// Files of a kdamond that no configuration is in.
const COMMANDS: [&str; 2] = ["state", "pid"];

/// The files that `raw` names; `kdamond` is what else it means.
pub(super) fn of_kdamond(
    raw: &RawKdamond,
    kdamond: &Kdamond,
    words: &Vocabulary<'_>,
) -> Checked<Vec<SysfsFile>> {
    let mut folders = Vec::new();
    parts::of_kdamond(raw, &mut |part| folders.extend(folder(part)));
    resolve(&folders, kdamond, words)
}

/// The files that the new goals of a scheme name; `kdamond` has these goals.
pub(super) fn of_goals(
    raw: &[At<RawGoal>],
    scheme: usize,
    kdamond: &Kdamond,
    words: &Vocabulary<'_>,
) -> Checked<Vec<SysfsFile>> {
    let mut folders = Vec::new();
    parts::of_goals(raw, &damon::goals_folder(scheme), &mut |part| folders.extend(folder(part)));
    resolve(&folders, kdamond, words)
}

fn folder(part: Part<'_>) -> Option<(String, &RawFiles)> {
    match part {
        Part::Files(folder, files) => Some((folder, files)),
        Part::Keyword(..) => None,
    }
}

fn resolve(
    folders: &[(String, &RawFiles)],
    kdamond: &Kdamond,
    words: &Vocabulary<'_>,
) -> Checked<Vec<SysfsFile>> {
    let named = folders.iter().flat_map(|(folder, files)| files.0.iter().map(move |file| (folder, file)));
    let named: Vec<_> = named.collect();
    if named.is_empty() {
        return Ok(Vec::new());
    }
    if let Some((_, (one_too_many, _))) = named.get(MAX_FILES) {
        let message = format!("more than {MAX_FILES} files are named in one kdamond");
        return Err(Fault::at(one_too_many, message));
    }
    let (written, mut seen) = (damonlabs(kdamond), BTreeSet::new());
    let mut files = Vec::new();
    for (folder, (name, value)) in named {
        let path = path(folder, name)?;
        if written.contains(&path) {
            let message = format!("damonlab writes the file '{}' itself", name.value.0);
            return Err(Fault::at(name, message)
                .help("it has a key of its own: the checks believe that, and not this file"));
        }
        if !seen.insert(path.clone()) {
            return Err(Fault::at(name, format!("the file '{path}' is here twice")));
        }
        let is_keyword = is_introduced(&value.value.0, words);
        files.push(SysfsFile { path, value: file_value(value)?, is_keyword });
    }
    Ok(files)
}

fn path(folder: &str, name: &At<Scalar>) -> Checked<String> {
    let text = name.value.0.as_str();
    let path = format!("{folder}{text}");
    if !damon::is_file(&path) {
        return Err(Fault::at(name, format!("'{text}' cannot name a file below this folder")).help(
            "a relative path of letters, digits, '_', '-' and '.', without '..': preps/0/prep_action",
        ));
    }
    if COMMANDS.contains(&path.as_str()) {
        return Err(Fault::at(name, format!("the file '{path}' is no part of a configuration"))
            .help("the steps turn kdamonds on and off"));
    }
    Ok(path)
}

/// Whether the value is an introduced word of any kind.
fn is_introduced(value: &str, words: &Vocabulary<'_>) -> bool {
    words.introduced.words().any(|word| word.kind != WordKind::Tracepoint && word.name == value)
}

/// The files that are written for the rest of the configuration, relative to the kdamond's folder.
fn damonlabs(kdamond: &Kdamond) -> BTreeSet<String> {
    let alone = [Kdamond { sysfs: Vec::new(), ..kdamond.clone() }];
    let writes = damon::writes(&alone, &AnyGuest).unwrap_or_default();
    writes.iter().filter_map(|write| write.path.strip_prefix("0/").map(str::to_owned)).collect()
}

/// A guest in which every name stands for something.
struct AnyGuest;

impl Resolve for AnyGuest {
    fn node_ranges(&self, _: NodeId) -> Vec<(Addr, Addr)> {
        vec![(Addr(0), Addr(1 << 12))]
    }

    fn workload_pid(&self, _: &str) -> Option<i32> {
        Some(1)
    }
}
