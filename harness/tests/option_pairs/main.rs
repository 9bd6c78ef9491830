//! Nothing that is asked for is ignored: every pair of arguments of every verb is honoured or refused, as `table.txt` says.
//! The refusals are carried out; nothing is booted.

use damonlab::host::command::{Limits, Output, capture, command_for};
use std::collections::BTreeSet;
use std::path::Path;
use tempfile::TempDir;

/// An argument with a value, and what comes of it beside each of the rows above and itself.
struct Row {
    argument: String,
    symbols: Vec<char>,
}

impl Row {
    /// The option, or the name of a positional argument.
    fn name(&self) -> &str {
        self.argument.split('=').next().unwrap_or_default()
    }

    /// As it is typed: a positional argument is its value alone.
    fn typed(&self) -> &str {
        if self.argument.starts_with('-') {
            return &self.argument;
        }
        self.argument.split_once('=').map_or("", |(_, value)| value)
    }
}

/// The verbs of the table with their rows.
fn table() -> Vec<(&'static str, Vec<Row>)> {
    let mut verbs: Vec<(&str, Vec<Row>)> = Vec::new();
    for line in include_str!("table.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if !line.starts_with(' ') {
            verbs.push((line, Vec::new()));
            continue;
        }
        let mut parts = line.split_whitespace();
        let argument = parts.next().expect("an argument").to_owned();
        let symbols = parts.map(|part| part.chars().next().expect("a symbol")).collect();
        verbs.last_mut().expect("a verb above").1.push(Row { argument, symbols });
    }
    verbs
}

/// The commands without commands of their own, by their words.
fn leaves() -> Vec<(String, clap::Command)> {
    fn walk(command: &clap::Command, words: &str, found: &mut Vec<(String, clap::Command)>) {
        for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
            let words = format!("{words} {}", verb.get_name()).trim().to_owned();
            match verb.has_subcommands() {
                true => walk(verb, &words, found),
                false => found.push((words, verb.clone())),
            }
        }
    }
    let mut command = damonlab::cli::command();
    command.build();
    let mut found = Vec::new();
    walk(&command, "", &mut found);
    found
}

/// An argument's name in the table.
fn name(argument: &clap::Arg) -> String {
    match (argument.get_short(), argument.get_long()) {
        (Some(short), _) => format!("-{short}"),
        (None, Some(long)) => format!("--{long}"),
        (None, None) => {
            let names = argument.get_value_names().unwrap_or_default();
            names.first().map(ToString::to_string).unwrap_or_default()
        }
    }
}

/// A pair of rows of one verb, as a command line with what the verb requires besides.
struct Pair<'a> {
    words: Vec<&'a str>,
    symbol: char,
}

fn pairs<'a>(verb: &'a str, command: &clap::Command, rows: &'a [Row]) -> Vec<Pair<'a>> {
    let required: BTreeSet<String> =
        command.get_arguments().filter(|one| one.is_required_set()).map(name).collect();
    let mut found = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        for (j, symbol) in row.symbols.iter().enumerate() {
            let names = [rows[j].name(), row.name()];
            let mut typed: Vec<(usize, &str)> = vec![(j, rows[j].typed()), (i, row.typed())];
            for name in required.iter().filter(|name| !names.contains(&name.as_str())) {
                let place =
                    rows.iter().position(|row| row.name() == name).expect("a row for what is required");
                typed.push((place, rows[place].typed()));
            }
            typed.sort_by_key(|(place, _)| *place);
            let words = verb.split(' ').chain(typed.into_iter().map(|(_, word)| word)).collect();
            found.push(Pair { words, symbol: *symbol });
        }
    }
    found
}

/// All pairs of all verbs.
fn all_pairs<T>(each: impl Fn(&Pair<'_>) -> Option<T>) -> Vec<T> {
    let (table, leaves) = (table(), leaves());
    let of_verb = |(verb, rows): &(&'static str, Vec<Row>)| {
        let (_, command) = leaves.iter().find(|(words, _)| words == verb).expect("a verb");
        pairs(verb, command, rows).iter().filter_map(&each).collect::<Vec<_>>()
    };
    table.iter().flat_map(of_verb).collect()
}

#[test]
fn every_argument_of_every_verb_has_its_place_in_the_table() {
    let table = table();
    let verbs: Vec<String> = leaves().iter().map(|(words, _)| words.clone()).collect();
    assert_eq!(
        table.iter().map(|(verb, _)| *verb).collect::<BTreeSet<_>>(),
        verbs.iter().map(String::as_str).collect()
    );
    for (verb, command) in leaves() {
        let (_, rows) = table.iter().find(|(name, _)| *name == verb).expect("a verb");
        let known: BTreeSet<&str> = rows.iter().map(Row::name).collect();
        let arguments =
            command.get_arguments().filter(|one| !["help", "version"].contains(&one.get_id().as_str()));
        let arguments: BTreeSet<String> = arguments.map(name).collect();
        assert_eq!(known, arguments.iter().map(String::as_str).collect(), "{verb}");
        for (place, row) in rows.iter().enumerate() {
            assert_eq!(row.symbols.len(), place + 1, "{verb} {}", row.argument);
            assert!(row.symbols.iter().all(|symbol| "+xber.".contains(*symbol)), "{verb} {}", row.argument);
        }
    }
}

#[test]
fn the_parser_refuses_the_pairs_that_the_table_says_and_no_others() {
    let wrong = all_pairs(|Pair { words, symbol }| {
        let refused = damonlab::cli::command().try_get_matches_from(["damonlab"].iter().chain(words)).err();
        let wrong = *symbol != '.' && refused.is_some() != (*symbol == 'x');
        wrong.then(|| {
            format!("{symbol} {}: {}", words.join(" "), refused.map(|e| e.to_string()).unwrap_or_default())
        })
    });
    assert_eq!(wrong, [""; 0]);
}

/// Files that the words of the table stand for, on a host that has nothing else.
struct Host(TempDir);

impl Host {
    fn new() -> Host {
        let folder = tempfile::tempdir().expect("a folder");
        let mut image = vec![0; 0x1000];
        image[0x202..0x206].copy_from_slice(b"HdrS");
        std::fs::write(folder.path().join("BZIMAGE"), image).expect("a file");
        std::fs::write(folder.path().join("CONFIG"), "CONFIG_X=y\n").expect("a file");
        let words = "version: 1\nintroduces: {tracepoints: ['damon:damos_my_event']}\n";
        std::fs::write(folder.path().join("WORDS"), words).expect("a file");
        let project = damonlab::bundled::home();
        for (name, file) in [
            ("RULES", "examples/rules/goals.yaml"),
            ("SERIES", "examples/series/damos-quota-cleanups.mbox"),
            ("PATCH", "patches/equivalent/03-equivalent-formula.patch"),
        ] {
            std::fs::copy(project.join(file), folder.path().join(name)).expect("a file");
        }
        let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/pull-push-short");
        std::os::unix::fs::symlink(stored, folder.path().join("REC")).expect("a link");
        Host(folder)
    }

    fn run(&self, words: &[&str]) -> Output {
        let folder = self.0.path();
        let mut damonlab = command_for(env!("CARGO_BIN_EXE_damonlab"));
        damonlab.args(words).current_dir(folder).env("PATH", "/nonexistent");
        damonlab.env("HOME", folder).env("XDG_CACHE_HOME", folder.join("cache"));
        capture(&mut damonlab, Limits::LOCAL).expect("damonlab starts")
    }
}

#[test]
fn what_a_verb_refuses_is_bad_input_with_its_reason() {
    let host = Host::new();
    let wrong = all_pairs(|Pair { words, symbol }| {
        let reason = match symbol {
            'b' => "it has no source for",
            'e' => "has no effect on",
            'r' => "runs on the real clock, where no run repeats",
            _ => return None,
        };
        let Output { status, stderr, .. } = host.run(words);
        // `git bisect run` would take 2 for a bad commit.
        let wanted = if words.contains(&"--git-bisect") { 128 } else { 2 };
        let right = status.code() == Some(wanted) && stderr.contains(reason);
        (!right).then(|| format!("{}: {status}: {stderr}", words.join(" ")))
    });
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn a_variable_with_a_value_that_would_be_ignored_is_bad_input_for_every_verb() {
    let host = Host::new();
    for (variable, value) in [
        ("DAMONLAB_REQUIRE", "foo"),
        ("DAMONLAB_SLOTS", "x"),
        ("DAMONLAB_SETUP", "banana"),
        ("DAMONLAB_KERNELS_MIB", "-1"),
        ("DAMONLAB_SLOT", "2"),
    ] {
        let mut damonlab = command_for(env!("CARGO_BIN_EXE_damonlab"));
        damonlab.args(["check", "REC"]).current_dir(host.0.path()).env(variable, value);
        let Output { status, stderr, .. } = capture(&mut damonlab, Limits::LOCAL).expect("damonlab starts");
        assert_eq!(status.code(), Some(2), "{variable}: {stderr}");
        assert!(stderr.contains(&format!("{variable} is ")), "{stderr}");
    }
}
