//! The fuzz targets without a fuzzer: on the corpus of each, and on inputs that are made from it, for a moment.
//!
//! `DAMONLAB_FUZZ_SECONDS=600 cargo test --release --test fuzz` does so for ten minutes each; `DAMONLAB_FUZZ_TARGET=mbox`
//! takes one target alone, so that several run side by side. CONTRIBUTING.md says how to run the same targets under
//! libFuzzer, and what to do with what it finds.

use damonlab::fuzzing::{TARGETS, Target};
use nix::time::{ClockId, clock_gettime};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The longest input that is made.
const LONGEST: usize = 64 << 10;

/// The most CPU time that an input of that length may take. A build without optimisation is several times slower.
const LIMIT: Duration = Duration::from_secs(if cfg!(debug_assertions) { 10 } else { 1 });

/// The most memory that the process may have had.
const MEMORY_KIB: u64 = 500 << 10;

/// How many inputs each target gets, unless the user wants a time: the same in every run.
const INPUTS: u64 = 64;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a crate lies in the repository")
}

/// The inputs of a target's corpus with their paths, in order.
fn corpus(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = repository().join("fuzz/corpus").join(target.name);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|cause| panic!("{}: {cause}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let read = |path: PathBuf| (std::fs::read(&path).expect("an input"), path);
    paths.into_iter().map(read).map(|(bytes, path)| (path, bytes)).collect()
}

/// Reads an input, and returns what is wrong with that.
fn trouble(target: &Target, bytes: &[u8]) -> Option<String> {
    let cpu = || Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a clock"));
    let before = cpu();
    let read = catch_unwind(AssertUnwindSafe(|| (target.read)(bytes)));
    let took = cpu() - before;
    match read {
        Err(_) => Some("panics".to_owned()),
        Ok(()) if took > LIMIT => Some(format!("takes {took:?}")),
        Ok(()) => None,
    }
}

/// The most memory that this process has had.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the state of this process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn every_target_has_a_corpus_and_a_binary_for_libfuzzer() {
    let manifest = std::fs::read_to_string(repository().join("fuzz/Cargo.toml")).expect("the manifest");
    let binaries: BTreeSet<&str> = manifest
        .split("[[bin]]")
        .skip(1)
        .filter_map(|section| section.lines().find_map(|line| line.strip_prefix("name = ")))
        .map(|name| name.trim_matches('"'))
        .collect();
    let folders = std::fs::read_dir(repository().join("fuzz/corpus")).expect("the corpora");
    let folders = folders.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"));
    let names: BTreeSet<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(binaries, names);
    assert_eq!(folders.collect::<BTreeSet<_>>(), names.iter().map(|name| (*name).to_owned()).collect());
}

#[test]
fn every_input_of_the_corpus_is_read_without_a_panic_and_in_time() {
    let mut bad = Vec::new();
    for target in TARGETS {
        for (path, bytes) in corpus(target) {
            bad.extend(trouble(target, &bytes).map(|what| format!("{}: {what}", path.display())));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    assert!(peak_kib() < MEMORY_KIB, "it took {} KiB", peak_kib());
}

/// A change of an input.
#[derive(Debug, Clone)]
enum Change {
    /// Other bytes at a place, instead of as many.
    Replace(Index, Vec<u8>),
    /// More bytes at a place.
    Insert(Index, Vec<u8>),
    /// A part that is left out.
    Remove(Index, usize),
    /// A line that is there many times, one after the other.
    Repeat(Index, usize),
    /// A line of another input.
    Graft(Index, Index, Index),
    /// The end is missing.
    Cut(Index),
}

fn change() -> impl Strategy<Value = Change> {
    // Bytes that mean something to one of the formats, and any others.
    let token = prop::sample::select(vec![
        "\0",
        "\n",
        "\r\n",
        " ",
        "\t",
        "-",
        "--- a/",
        "+++ b/",
        "@@ -1,9 +1,9 @@",
        "From a Thu Jan 1 00:00:00 1970\n",
        "18446744073709551615",
        "4294967296",
        "-1",
        "0",
        "1e308",
        ":",
        "[",
        "{",
        "&a ",
        "*a",
        "<<: ",
        "\"",
        "# ",
        "ok 1",
        "../",
        "\u{1b}[2J",
        "\u{feff}",
        "ä",
        "\u{2028}",
        "null",
        "size:9;",
        "offset:65535;",
    ]);
    let bytes = prop_oneof![
        token.prop_map(|token| token.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 1..9),
    ];
    let place = any::<Index>;
    prop_oneof![
        (place(), bytes.clone()).prop_map(|(at, bytes)| Change::Replace(at, bytes)),
        (place(), bytes).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (place(), 1..200_usize).prop_map(|(at, length)| Change::Remove(at, length)),
        (place(), 1..LONGEST).prop_map(|(line, times)| Change::Repeat(line, times)),
        (place(), place(), place()).prop_map(|(input, line, at)| Change::Graft(input, line, at)),
        place().prop_map(Change::Cut),
    ]
}

/// The line around byte `at`, with its newline.
fn line_at(bytes: &[u8], at: usize) -> std::ops::Range<usize> {
    let start = bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let end =
        bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |newline| at + newline + 1);
    start..end
}

fn changed(mut bytes: Vec<u8>, changes: &[Change], corpus: &[(PathBuf, Vec<u8>)]) -> Vec<u8> {
    for change in changes {
        // An index into nothing would panic.
        let size = bytes.len().max(1);
        match change {
            Change::Replace(at, with) => {
                let at = at.index(size).min(bytes.len());
                let end = (at + with.len()).min(bytes.len());
                drop(bytes.splice(at..end, with.iter().copied()));
            }
            Change::Insert(at, more) => {
                let at = at.index(size).min(bytes.len());
                drop(bytes.splice(at..at, more.iter().copied()));
            }
            Change::Remove(at, length) => {
                let at = at.index(size).min(bytes.len());
                drop(bytes.drain(at..(at + length).min(bytes.len())));
            }
            Change::Repeat(at, times) => {
                let line = line_at(&bytes, at.index(size).min(bytes.len()));
                let most = LONGEST.saturating_sub(bytes.len()) / line.len().max(1);
                let copies = bytes[line.clone()].repeat((*times).min(most));
                drop(bytes.splice(line.end..line.end, copies));
            }
            Change::Graft(input, line, at) => {
                let other = &input.get(corpus).1;
                let line = line_at(other, line.index(other.len().max(1)).min(other.len()));
                let at = line_at(&bytes, at.index(size).min(bytes.len())).start;
                drop(bytes.splice(at..at, other[line].iter().copied()));
            }
            Change::Cut(at) => bytes.truncate(at.index(size)),
        }
    }
    bytes.truncate(LONGEST);
    bytes
}

/// The targets that the user wants: all, or the one that `DAMONLAB_FUZZ_TARGET` names.
fn wanted() -> Vec<&'static Target> {
    let Ok(name) = std::env::var("DAMONLAB_FUZZ_TARGET") else { return TARGETS.iter().collect() };
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    let found = TARGETS.iter().find(|target| target.name == name);
    vec![found.unwrap_or_else(|| panic!("there is no fuzz target {name}; there are {}", names.join(", ")))]
}

#[test]
fn inputs_that_are_made_from_the_corpus_are_read_without_a_panic_and_in_time() {
    let seconds = std::env::var("DAMONLAB_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let time = seconds.map(Duration::from_secs);
    for target in wanted() {
        let corpus = corpus(target);
        let input = (any::<Index>(), prop::collection::vec(change(), 1..8))
            .prop_map(|(start, changes)| changed(start.get(&corpus).1.clone(), &changes, &corpus));
        let (started, mut count) = (Instant::now(), 0u64);
        // A test run repeats; whoever asks for more time wants other inputs.
        while time.map_or(count < INPUTS, |time| started.elapsed() < time) {
            let rng_seed = if time.is_none() { RngSeed::Fixed(count) } else { RngSeed::Random };
            let config = Config { cases: 32, failure_persistence: None, rng_seed, ..Config::default() };
            let ran = TestRunner::new(config).run(&input, |bytes| match trouble(target, &bytes) {
                None => Ok(()),
                Some(what) => Err(TestCaseError::fail(format!("{what}: {}", bytes.escape_ascii()))),
            });
            match ran {
                Ok(()) => {}
                // Its value is in the reason, in a form that `printf` turns into a file.
                Err(TestError::Fail(reason, _)) => panic!("{}: {reason}", target.name),
                Err(other) => panic!("{}: {other}", target.name),
            }
            count += 32;
        }
        println!("{}: {count} inputs in {:?}", target.name, started.elapsed());
        assert!(peak_kib() < MEMORY_KIB, "{}: it took {} KiB", target.name, peak_kib());
    }
}
