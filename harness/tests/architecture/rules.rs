//! The rules, each as a function from sources to what breaks it.

use super::tree::{Crate, Link, cycles, is_index, reachable};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The most lines of a file.
const MOST_LINES: usize = 400;

/// One place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The file, by its place in the repository.
    pub file: String,
    /// The line.
    pub line: usize,
    /// What is wrong.
    pub wrong: String,
    /// What to do.
    pub fix: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}\n    {}", self.file, self.line, self.wrong, self.fix)
    }
}

/// Files that need each other. A cycle is one violation, at the first need in it.
pub fn circular_imports(links: &[Link]) -> Vec<Violation> {
    let one = |group: Vec<&Link>| {
        let files: BTreeSet<&str> = group.iter().map(|link| link.from.as_str()).collect();
        let mut needs: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
        for link in &group {
            let places = needs.entry((&link.from, &link.to)).or_default();
            places.push(format!("{}: {}", link.line, link.path));
        }
        let needs = needs
            .iter()
            .map(|((from, to), places)| format!("\n      {from} needs {to} ({})", places.join(", ")));
        Violation {
            file: group[0].from.clone(),
            line: group[0].line,
            wrong: format!("{} files import each other:{}", files.len(), needs.collect::<String>()),
            fix: "move what both sides need into a file below both".to_owned(),
        }
    };
    cycles(links).into_iter().map(one).collect()
}

/// Imports from a floor above. `floors` has the lowest first; `sources` is the folder of the crate.
pub fn upward_imports(links: &[Link], floors: &[&str], sources: &str) -> Vec<Violation> {
    let floor = |file: &str| floor(file, floors, sources);
    let upward = |link: &&Link| floor(&link.from).zip(floor(&link.to)).is_some_and(|(from, to)| from < to);
    let one = |link: &Link| Violation {
        file: link.from.clone(),
        line: link.line,
        wrong: format!("{} is an import from a floor above ({})", link.path, link.to),
        fix: "pass it in as an argument, or move the item to a floor that both may import".to_owned(),
    };
    links.iter().filter(upward).map(one).collect()
}

/// The index of the floor on which a file lies: that of the longest folder.
fn floor(file: &str, floors: &[&str], sources: &str) -> Option<usize> {
    let module = file.strip_prefix(sources)?.strip_prefix('/')?.trim_end_matches(".rs");
    let contains =
        |floor: &str| module.strip_prefix(floor).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let matching = floors.iter().enumerate().filter(|(_, floor)| contains(floor));
    matching.max_by_key(|(_, floor)| floor.len()).map(|(index, _)| index)
}

/// The folder below `sources` that a file lies in; a file directly below `sources` has the name of its module.
fn folder<'a>(file: &'a str, sources: &str) -> Option<&'a str> {
    let inside = file.strip_prefix(sources)?.strip_prefix('/')?;
    Some(inside.split('/').next()?.trim_end_matches(".rs")).filter(|name| *name != "lib" && *name != "main")
}

/// Functions, methods and macros in a `mod.rs` or `lib.rs`: one violation for each file.
pub fn logic_in_mod_rs(all: &Crate) -> Vec<Violation> {
    let is_logic = |keyword: &str| ["fn", "impl", "macro_rules"].contains(&keyword);
    let mut found = Vec::new();
    for file in all.files.iter().filter(|file| is_index(&file.path)) {
        let definitions = all.modules(file).flat_map(|module| &module.definitions);
        let logic: Vec<_> = definitions.filter(|one| is_logic(&one.keyword)).collect();
        let Some(first) = logic.first() else { continue };
        let names: Vec<String> = logic
            .iter()
            .map(|one| format!("{} {}", one.keyword, one.name))
            .map(|one| one.trim_end().to_owned())
            .collect();
        found.push(Violation {
            file: file.path.clone(),
            line: first.line,
            wrong: format!("an index of modules has logic: {}", names.join(", ")),
            fix: "move it into a file that is named for it, and re-export it from here".to_owned(),
        });
    }
    found
}

/// Files that are too long. Tests count.
pub fn long_files(texts: &BTreeMap<String, String>) -> Vec<Violation> {
    let long = texts
        .iter()
        .map(|(file, text)| (file, text.lines().count()))
        .filter(|(_, lines)| *lines > MOST_LINES);
    long.map(|(file, lines)| Violation {
        file: file.clone(),
        line: MOST_LINES + 1,
        wrong: format!("the file has {lines} lines; {MOST_LINES} are allowed"),
        fix: "split it by job; tests may move to a tests.rs beside it".to_owned(),
    })
    .collect()
}

/// The settings with which clippy enforces rules of its own: no process outside of `host/`, no function over 50 lines, no
/// text that goes around the writers of `host/terminal.rs`.
const SETTINGS: [(&str, &str); 9] = [
    ("clippy.toml", "\"std::process::Command::new\""),
    ("clippy.toml", "\"std::process::Command::spawn\""),
    ("clippy.toml", "\"std::process::Command::output\""),
    ("clippy.toml", "\"std::process::Command::status\""),
    ("clippy.toml", "\"std::os::unix::process::CommandExt::exec\""),
    ("clippy.toml", "too-many-lines-threshold = 50"),
    ("Cargo.toml", "too_many_lines = \"warn\""),
    ("Cargo.toml", "print_stdout = \"warn\""),
    ("harness/src/lib.rs", "#![warn(clippy::print_stderr)]"),
];

/// Settings that are missing. `text` returns the text of a file.
pub fn missing_settings(text: impl Fn(&str) -> String) -> Vec<Violation> {
    let missing = SETTINGS.iter().filter(|(file, setting)| !text(file).contains(setting));
    let one = |(file, setting): &(&str, &str)| Violation {
        file: (*file).to_owned(),
        line: 1,
        wrong: format!("clippy's setting {setting} is missing"),
        fix: "put it back: the structure of the sources depends on it".to_owned(),
    };
    missing.map(one).collect()
}

/// Files outside of `host/` that switch clippy's rule off.
pub fn clippy_is_not_overruled(texts: &BTreeMap<String, String>, host: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    for (file, text) in texts.iter().filter(|(file, _)| !file.starts_with(host)) {
        for (at, line) in text.lines().enumerate() {
            if line.contains("clippy::disallowed_methods") {
                found.push(Violation {
                    file: file.clone(),
                    line: at + 1,
                    wrong: "clippy's rule against starting processes is switched off".to_owned(),
                    fix: "start the process through host::command, so that it dies with damonlab".to_owned(),
                });
            }
        }
    }
    found
}

/// Files outside of the folder `host` that start a process group without limits, but for files in `may`. An entry of `may`
/// that starts none is one too many.
pub fn unlimited_programs(
    texts: &BTreeMap<String, String>,
    host: &str,
    may: &[(&str, &str)],
) -> Vec<Violation> {
    let starts = texts.iter().filter(|(file, _)| !file.starts_with(host)).filter_map(|(file, text)| {
        let at = text.lines().position(|line| line.contains("Group::spawn("))?;
        Some((file.as_str(), at + 1))
    });
    let starts: BTreeMap<&str, usize> = starts.collect();
    let allowed: BTreeSet<&str> = may.iter().map(|(file, _)| *file).collect();
    let violation = |file: &str, line, wrong: &str, fix: &str| Violation {
        file: file.to_owned(),
        line,
        wrong: wrong.to_owned(),
        fix: fix.to_owned(),
    };
    let new = starts.iter().filter(|(file, _)| !allowed.contains(*file)).map(|(file, line)| {
        let fix = "run it through host::command, which demands limits for its time and its output";
        violation(file, *line, "a program is started without limits", fix)
    });
    let old = allowed.iter().filter(|file| !starts.contains_key(*file)).map(|file| {
        violation(file, 1, "it may start a program without limits and does not", "take it off the list")
    });
    new.chain(old).collect()
}

/// Imports through which the folder `judge` needs a module that boots, over any number of files.
pub fn judging_boots_nothing(
    links: &[Link],
    files: &[String],
    sources: &str,
    boots: &[&str],
) -> Vec<Violation> {
    let judge = |file: &str| folder(file, sources) == Some("judge");
    if !files.iter().any(|file| judge(file)) {
        return vec![Violation {
            file: format!("{sources}/judge"),
            line: 1,
            wrong: "there is no module that judges".to_owned(),
            fix: "this rule is about its imports: name the module that took its place".to_owned(),
        }];
    }
    let mut needs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for link in links {
        needs.entry("judge").or_default().extend(judge(&link.from).then_some(link.to.as_str()));
        needs.entry(&link.from).or_default().insert(&link.to);
    }
    let reached = reachable(&needs, "judge");
    let inside = |file: &str| judge(file) || reached.contains(file);
    let is_boot = |file: &str| folder(file, sources).is_some_and(|folder| boots.contains(&folder));
    let crosses = |link: &&Link| inside(&link.from) && !is_boot(&link.from) && is_boot(&link.to);
    let one = |link: &Link| Violation {
        file: link.from.clone(),
        line: link.line,
        wrong: format!("{} makes judge/ need {}, which is for booting", link.path, link.to),
        fix:
            "a recording has to be judged without QEMU: move what is needed into a module that boots nothing"
                .to_owned(),
    };
    links.iter().filter(crosses).map(one).collect()
}

/// The names of tracepoints that the files `tables` define.
pub fn tracepoints(all: &Crate, tables: &[&str]) -> BTreeSet<String> {
    let is_name = |text: &str| {
        ["damon_", "damos_"].iter().any(|prefix| text.starts_with(prefix))
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    let files = all.files.iter().filter(|file| tables.contains(&file.path.as_str()));
    let strings = files.flat_map(|file| all.modules(file)).flat_map(|module| &module.strings);
    strings.map(|(text, _)| text).filter(|text| is_name(text)).cloned().collect()
}

/// Names of tracepoints that are typed again outside of `tables`.
pub fn typed_tracepoints(all: &Crate, names: &BTreeSet<String>, tables: &[&str]) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in all.files.iter().filter(|file| !tables.contains(&file.path.as_str())) {
        for (text, line) in all.modules(file).flat_map(|module| &module.strings) {
            if names.contains(text.trim_start_matches("damon:")) {
                found.push(Violation {
                    file: file.path.clone(),
                    line: *line,
                    wrong: format!("the tracepoint's name is typed again: \"{text}\""),
                    fix: "write the NAME of the event's type, as in `Esz::NAME`".to_owned(),
                });
            }
        }
    }
    found
}

/// Imports of `subject` from outside, but for files in `may`. An entry of `may` that imports nothing is one too many.
pub fn subject_stands_apart(
    links: &[Link],
    files: &[String],
    subject: &str,
    may: &[(&str, &str)],
) -> Vec<Violation> {
    let inside = |file: &str| file.starts_with(&format!("{subject}/"));
    let mut found = Vec::new();
    let mut broken = |file: &str, line, wrong: String, fix: &str| {
        found.push(Violation { file: file.to_owned(), line, wrong, fix: fix.to_owned() });
    };
    if !files.iter().any(|file| inside(file)) {
        broken(
            subject,
            1,
            "there is no such subject".to_owned(),
            "this rule is about who imports it: name its new place",
        );
    }
    let from_outside: Vec<&Link> =
        links.iter().filter(|link| !inside(&link.from) && inside(&link.to)).collect();
    let mut needs: BTreeMap<&str, Vec<&Link>> = BTreeMap::new();
    for link in from_outside.iter().filter(|link| !may.iter().any(|(file, _)| *file == link.from)) {
        needs.entry(&link.from).or_default().push(link);
    }
    for (file, links) in needs {
        let paths: BTreeSet<&str> = links.iter().map(|link| link.path.as_str()).collect();
        let wrong = format!("it assumes DAMON: {}", Vec::from_iter(paths).join(", "));
        let fix = "go through the registry of subjects, so that a scenario may have another subject";
        broken(file, links[0].line, wrong, fix);
    }
    for (file, _) in may.iter().filter(|(file, _)| !from_outside.iter().any(|link| link.from == *file)) {
        broken(
            file,
            1,
            format!("it may import {subject} and does not"),
            "take it off the list of those that may",
        );
    }
    found
}
