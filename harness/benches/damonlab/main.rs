//! Measures damonlab's performance: `cargo bench`, or `cargo bench -- --quick` for the figures that need no guest.
//!
//! A bench prints one table. Figures that are compared with each other are measured alternately. They are stored in
//! `target/bench/`, and the next bench prints the ratio to them.

#![expect(clippy::disallowed_methods, reason = "a bench waits for what it starts")]

mod figure;
mod guest;
mod judge;
mod long;

use figure::{Better, Figure};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// How often each thing is measured.
const RUNS: usize = 5;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [judge::CHILD, dir] => judge::child(Path::new(dir)),
        // `cargo bench` adds `--bench`.
        ["--quick", ..] | [_, "--quick"] => all(true),
        _ => all(false),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn all(quick: bool) -> Result<(), Failure> {
    let mut figures = judge::measure(RUNS)?;
    let mut guests = Ok(());
    if !quick {
        match guest::Bench::new() {
            Ok(bench) => guests = bench.measure(RUNS, &mut figures),
            Err(missing) => writeln!(io::stderr(), "bench: guests are left out: {missing}")?,
        }
    }
    let store = damonlab::bundled::home().join("target/bench");
    let mut out = io::stdout().lock();
    writeln!(out, "{}", figure::HEADER)?;
    for figure in &figures {
        let before = figure.store(&store)?;
        writeln!(out, "{}", figure.row(before))?;
    }
    writeln!(out, "kept in {}", store.display())?;
    // The table has the figures that were measured before a guest failed.
    guests
}

/// The ratio of two medians of this bench.
fn ratio(name: &'static str, over: &Figure, under: &Figure) -> Figure {
    Figure::new(name, "times", Better::Less, vec![over.median() / under.median()])
}
