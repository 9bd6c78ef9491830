//! `damonlab machine`: a machine's drawing and arguments, and whether QEMU builds it.

use super::error::{CliError, VerbResult};
use super::introduces_args::IntroducesArgs;
use super::output::{self, FormatArgs};
use super::scenarios;
use crate::bundled;
use crate::grammar;
use crate::host::paths;
use crate::host::text::excerpt;
use crate::machine::{self, Argv, Machine};
use crate::report::{self, Accepted};
use crate::scenario::{self, MachineFile, MachineSpec, Machines, ScenarioError};
use crate::setup::{self, Env, Work};
use crate::vm::{self, MachineCheck};
use clap::Args;
use std::path::{Path, PathBuf};
use std::time::Instant;

pub(super) const HELP: &str = "Examples: damonlab machine dram2\n          damonlab machine my.yaml --check\n\n\
    Exit status with --check: 0 if QEMU builds it, 2 with QEMU's own message if not.";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The name of a machine or of a scenario (`damonlab list` shows them), or a YAML file of either.
    #[arg(value_name = "MACHINE|SCENARIO|FILE")]
    what: String,
    /// Let QEMU build the machine, stop it before its first instruction, and quit.
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    introduces: IntroducesArgs,
    #[command(flatten)]
    format: FormatArgs,
}

pub(super) fn machine(arguments: &Arguments) -> VerbResult {
    let spec = spec(&arguments.what, &arguments.introduces)?;
    let machine = Machine::new(&spec)?;
    let drawing = machine::drawing(&spec)?;
    let accepted = if arguments.check { Some(check(&arguments.what, &machine.argv)?) } else { None };
    let listing = report::machine(&arguments.what, &drawing, &machine.argv, accepted.as_ref());
    output::list(&listing, arguments.format)?;
    Ok(0)
}

/// The machine of an argument: a file of either kind, a machine's name, or a scenario's.
fn spec(word: &str, introduces: &IntroducesArgs) -> Result<MachineSpec, CliError> {
    if paths::names_a_file(word) {
        return of_file(&bundled::given(word.into()), introduces);
    }
    let machines = Machines::in_folders(scenario::machine_folders());
    match machines.pick(word) {
        Ok(file) => {
            without_words(word, introduces)?;
            Ok(file.parse().map_err(Box::new)?.machine)
        }
        Err(ScenarioError::NoMachine { .. }) => match scenarios::path(word) {
            Ok(path) => of_scenario(path, introduces),
            Err(CliError::Unknown { name, .. }) => Err(unknown(name, &machines)?),
            Err(error) => Err(error),
        },
        Err(error) => Err(Box::new(error).into()),
    }
}

fn of_scenario(path: PathBuf, introduces: &IntroducesArgs) -> Result<MachineSpec, CliError> {
    Ok(introduces.sources(&[path], None)?.swap_remove(0).scenario.machine)
}

/// A machine has no words that a file could introduce.
fn without_words(word: &str, introduces: &IntroducesArgs) -> Result<(), CliError> {
    match introduces.path() {
        None => Ok(()),
        Some(_) => {
            let on = format!("'{}', which is a machine and no scenario", excerpt(word));
            Err(CliError::NoEffect { option: "--introduces", on })
        }
    }
}

fn unknown(name: String, machines: &Machines) -> Result<CliError, CliError> {
    let scenarios = scenarios::all()?.into_iter().map(|scenario| scenario.name);
    let known: Vec<String> = machines.names().into_iter().chain(scenarios).collect();
    let help = grammar::or_list(&name, known.iter().map(String::as_str), "damonlab list");
    Ok(CliError::Unknown { kind: "machine and no scenario", name, help })
}

/// A machine's file, or a scenario's. If it is neither, the error is about the kind that has steps.
fn of_file(path: &Path, introduces: &IntroducesArgs) -> Result<MachineSpec, CliError> {
    let file = MachineFile::load(path).map_err(Box::new)?;
    let no_machine = match file.parse() {
        Ok(machine) => {
            without_words(&path.to_string_lossy(), introduces)?;
            return Ok(machine.machine);
        }
        Err(error) => error,
    };
    match of_scenario(path.to_owned(), introduces) {
        Ok(machine) => Ok(machine),
        Err(error) if file.text.lines().any(|line| line.starts_with("steps:")) => Err(error),
        Err(_) => Err(Box::new(no_machine).into()),
    }
}

/// Lets QEMU build it.
fn check(word: &str, argv: &Argv) -> Result<Accepted, CliError> {
    let env = Env::machine()?;
    let tools = setup::tools(&env, Work::Guest)?;
    vm::capabilities(&env.cache, &tools)?.check(word, argv, &tools)?;
    let begun = Instant::now();
    match vm::try_machine(&tools.qemu, argv)? {
        MachineCheck::Accepted(notes) => Ok(Accepted { seconds: begun.elapsed().as_secs_f64(), notes }),
        MachineCheck::Refused(refusal) => Err(refusal.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use miette::Diagnostic;

    fn spec(word: &str) -> Result<MachineSpec, CliError> {
        super::spec(word, &IntroducesArgs::default())
    }

    #[test]
    fn a_machine_is_found_by_its_name_its_file_and_the_name_of_a_scenario_on_it() {
        let machine = spec("cxl1").unwrap();
        let file = scenario::shipped_machines().join("cxl1.yaml");
        for word in ["smoke-cxl1", &file.to_string_lossy()] {
            assert_eq!(spec(word).unwrap(), machine, "{word}");
        }
        let scenario = bundled::home().join("scenarios/idle.yaml");
        assert_eq!(spec(&scenario.to_string_lossy()).unwrap(), spec("idle").unwrap());
    }

    #[test]
    fn an_unknown_name_gets_the_nearest_machine_or_scenario() {
        let help = |word: &str| {
            let error = spec(word).unwrap_err();
            assert_eq!(error.exit_status(), 2);
            error.help().unwrap().to_string()
        };
        assert!(help("dram3").starts_with("did you mean 'dram2'?"), "{}", help("dram3"));
        assert!(help("pull-pusch").starts_with("did you mean 'pull-push'?"), "{}", help("pull-pusch"));
        assert_eq!(help("nothing-like-that"), "`damonlab list` shows what there is");
    }

    #[test]
    fn words_of_a_file_are_introduced_for_a_scenario_and_a_machine_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let (words, mine) = (folder.path().join("words.yaml"), folder.path().join("mine.yaml"));
        std::fs::write(&words, "version: 1\nintroduces: {actions: [collect]}\n").unwrap();
        let idle = std::fs::read_to_string(bundled::home().join("scenarios/idle.yaml")).unwrap();
        let action = "action: migrate_hot\n              target_nid: 0\n";
        assert!(idle.contains(action), "{idle}");
        std::fs::write(&mine, idle.replace(action, "action: collect\n")).unwrap();
        let with = IntroducesArgs { introduces: Some(words) };
        let mine = mine.to_string_lossy();
        assert!(spec(&mine).is_err());
        assert_eq!(super::spec(&mine, &with).unwrap(), spec("idle").unwrap());
        let error = super::spec("dram2", &with).unwrap_err().to_string();
        assert!(error.contains("--introduces has no effect on 'dram2'"), "{error}");
    }

    #[test]
    fn a_mistake_is_reported_for_the_kind_of_file_that_it_is_in() {
        let folder = tempfile::tempdir().unwrap();
        let error = |text: &str| {
            let path = folder.path().join("x.yaml");
            std::fs::write(&path, text).unwrap();
            spec(&path.to_string_lossy()).unwrap_err().to_string()
        };
        let node = "{id: 0, memory: 100M, cpus: [0]}";
        let text = format!("version: 1\nsummary: x\nmachine: {{nodes: [{node}]}}\n");
        assert!(error(&text).contains("blocks of 128 MiB"), "{}", error(&text));
        let text = "version: 1\nsummary: x\nmachine: cxl1\nsteps: [run]\n";
        assert!(!error(text).contains("steps'"), "{}", error(text));
    }
}
