//! The target that reads a recording: a stored one, of which the input replaces files.
//!
//! ```text
//! @@@ base refused         the stored recording, if it is not `pull-push-short`
//! @@@ samples.jsonl        a file; what follows, up to the next such line, is its content
//! ```

use crate::export;
use crate::host::names::EntryName;
use crate::host::text::{is_shown, shown};
use crate::judge;
use crate::recording::{CONSOLE_LOG, MACHINE, META, PLAN, RULES, Recording, SCENARIO};
use crate::report::{self, PlotStyle, RunView, ShowArgs, full_text, item_text};
use damonlab_protocol::record::section;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The files that an input may replace.
const FILES: &[&str] = &[
    META,
    SCENARIO,
    MACHINE,
    PLAN,
    RULES[0],
    CONSOLE_LOG,
    section::TRACE,
    section::RAW,
    section::SAMPLES,
    section::DMESG,
    section::REPORT,
    section::FORMATS,
    section::SYSFS,
    section::TESTS,
];

const MARK: &[u8] = b"@@@ ";
const DEFAULT: &str = "pull-push-short";

/// A copy of a stored recording.
struct Copy {
    folder: TempDir,
    files: BTreeMap<&'static str, Vec<u8>>,
}

thread_local! {
    static COPIES: RefCell<BTreeMap<String, Copy>> = const { RefCell::new(BTreeMap::new()) };
}

/// A recording: judged and shown, or refused.
pub(super) fn recording(bytes: &[u8]) {
    let (base, replaced) = parts(bytes);
    let stored = all_stored().join(&base);
    COPIES.with_borrow_mut(|copies| {
        let copy = copies.entry(base).or_insert_with(|| Copy::of(&stored));
        for (name, content) in &replaced {
            copy.write(name, Some(content));
        }
        match judge::rejudge(copy.folder.path()) {
            Ok(report) => drop((full_text(&report), item_text(&RunView::of(&report).item()))),
            Err(error) => drop(format!("{:?}", miette::Report::new(error))),
        }
        if let Ok(recording) = Recording::load(copy.folder.path()) {
            shown_and_exported(&recording);
        }
        for name in replaced.keys() {
            copy.write(name, copy.files.get(name).map(Vec::as_slice));
        }
    });
}

/// What a person sees of it is printable, and no export makes damonlab panic.
fn shown_and_exported(recording: &Recording) {
    let style = PlotStyle { width: 80, unicode: true };
    let text = report::show(recording, &ShowArgs { style, only: Vec::new(), rows: Some(16) }).text;
    let plain = anstream::adapter::strip_str(&text).to_string();
    assert!(plain.chars().all(|c| c == '\n' || is_shown(c)), "{plain:?}");
    export::everything(recording, &mut std::io::sink());
}

impl Copy {
    fn of(stored: &Path) -> Copy {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let read = |name: &&'static str| Some((*name, std::fs::read(stored.join(name)).ok()?));
        let copy = Copy { folder, files: FILES.iter().filter_map(read).collect() };
        assert!(!copy.files.is_empty(), "{} is no recording", shown(stored));
        copy.files.iter().for_each(|(name, content)| copy.write(name, Some(content)));
        copy
    }

    /// Writes the file `name`, or removes it.
    fn write(&self, name: &str, content: Option<&[u8]>) {
        let path = self.folder.path().join(name);
        match content {
            Some(content) => std::fs::write(path, content),
            None => std::fs::remove_file(path),
        }
        .expect("the copy of a recording can be changed");
    }
}

/// The recording's name, and the files that replace its own.
fn parts(bytes: &[u8]) -> (String, BTreeMap<&'static str, Vec<u8>>) {
    let (mut base, mut replaced) = (DEFAULT.to_owned(), BTreeMap::new());
    let mut open: Option<&'static str> = None;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let marked = line.strip_prefix(MARK).map(|rest| String::from_utf8_lossy(rest).trim_end().to_owned());
        match marked {
            Some(word) => {
                if let Some(name) = word.strip_prefix("base ").filter(|name| is_stored(name)) {
                    name.clone_into(&mut base);
                }
                open = FILES.iter().copied().find(|name| *name == word);
                if let Some(name) = open {
                    replaced.entry(name).or_insert_with(Vec::new);
                }
            }
            None => {
                if let Some(content) = open.and_then(|name| replaced.get_mut(name)) {
                    content.extend_from_slice(line);
                }
            }
        }
    }
    (base, replaced)
}

fn all_stored() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings")
}

fn is_stored(name: &str) -> bool {
    EntryName::new(name).is_ok_and(|name| all_stored().join(name).join(META).is_file())
}
