//! What a shell offers after the TAB key: verbs and options from clap, and names of scenarios, machines, kernels, rules,
//! mutants and images as there are now.
//!
//! The script of `damonlab completions` calls damonlab with [`VARIABLE`] and what is typed so far. What an argument can be
//! follows from the name of its value, so that a new verb has it at once.

use super::command::command;
use super::completions::VARIABLE;
use super::help;
use super::scenarios::{self, stems};
use super::sinks::ReportFile;
use crate::host::paths;
use crate::judge;
use crate::kernel;
use crate::scenario::{Machines, machine_folders};
use clap::{Arg, Command, ValueHint};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter};
use clap_complete::env::CompleteEnv;
use std::ffi::OsStr;

/// Answers a shell and ends the process, if one asks.
pub(super) fn answer() {
    CompleteEnv::with_factory(|| with_names(command())).var(VARIABLE).complete();
}

/// The command with what its arguments can be.
fn with_names(command: Command) -> Command {
    command.mut_args(with_values).mut_subcommands(with_names)
}

fn with_values(argument: Arg) -> Arg {
    let names = argument.get_value_names().unwrap_or_default();
    let name = names.first().map(ToString::to_string).unwrap_or_default();
    match argument.get_id().as_str() {
        "only" => return argument.add(names_only(mutants)),
        "name" => return argument.add(names_only(images)),
        _ => {}
    }
    match name.as_str() {
        "SCENARIO" => argument.add(names_and_files(scenarios::names)),
        "TOPIC" => argument.add(names_only(topics)),
        "MACHINE" => argument.add(names_only(machines)),
        "NAME|FILE" => argument.add(names_and_files(machines)),
        "MACHINE|SCENARIO|FILE" => {
            argument.add(names_and_files(|| [machines(), scenarios::names()].concat()))
        }
        "A" | "B" => argument.add(names_and_files(kernels)),
        version if version.starts_with("VERSION|") => argument.add(names_and_files(kernels)),
        "FORMAT=FILE" => argument.add(names_only(report_formats)),
        "RULE" | "RULE=WHY" => argument.add(names_only(rules)),
        "DIR" => argument.value_hint(ValueHint::DirPath),
        "FILE" | "PATH" | "FRAGMENT" | "YAML" => argument.value_hint(ValueHint::AnyPath),
        _ => argument,
    }
}

/// The names that begin with what is typed.
fn names_only(names: fn() -> Vec<String>) -> ArgValueCompleter {
    ArgValueCompleter::new(move |typed: &OsStr| fitting(typed, names()))
}

/// The same, and the files.
fn names_and_files(names: fn() -> Vec<String>) -> ArgValueCompleter {
    ArgValueCompleter::new(move |typed: &OsStr| {
        let mut all = fitting(typed, names());
        // Names are what is meant, as long as nothing looks like a path.
        if all.is_empty() || typed.to_string_lossy().contains('/') {
            all.extend(PathCompleter::any().complete(typed));
        }
        all
    })
}

fn fitting(typed: &OsStr, names: Vec<String>) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    names.into_iter().filter(|name| name.starts_with(&*typed)).map(CompletionCandidate::new).collect()
}

/// The oldest series, and those with patches of their own.
fn kernels() -> Vec<String> {
    let folders = std::fs::read_dir(crate::bundled::home().join("patches")).into_iter().flatten().flatten();
    let names = folders.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let series = names.filter(|name| name.starts_with(|c: char| c.is_ascii_digit()));
    let mut all: Vec<String> = std::iter::once(kernel::OLDEST.to_owned()).chain(series).collect();
    all.sort();
    all
}

fn machines() -> Vec<String> {
    Machines::in_folders(machine_folders()).names().into_iter().collect()
}

/// Commands and pages.
fn topics() -> Vec<String> {
    help::topics(&command())
}

/// What `--report` begins with.
fn report_formats() -> Vec<String> {
    ReportFile::formats().map(|format| format + "=").collect()
}

/// Each rule by its name and by its short id.
fn rules() -> Vec<String> {
    let all = judge::list();
    let words = all.iter().flat_map(|(id, _)| match judge::origin(id) {
        Some(origin) => {
            vec![origin.to_string().split(' ').next().unwrap_or_default().to_owned(), (*id).to_owned()]
        }
        None => vec![(*id).to_owned()],
    });
    let mut words: Vec<String> = words.collect();
    words.sort();
    words.dedup();
    words
}

fn images() -> Vec<String> {
    let cache = paths::cache().ok();
    let images = cache.iter().flat_map(|cache| kernel::cached_images(cache));
    images.map(|cached| cached.image.key.to_string()).collect()
}

fn mutants() -> Vec<String> {
    let patches = crate::bundled::home().join("patches");
    ["regressions", "equivalent"].iter().flat_map(|folder| stems(&patches.join(folder))).collect()
}
