//! `damonlab machine`: what a machine looks like, what QEMU is told, and whether it takes it.

use super::error::CliError;
use super::verbs::{VerbResult, say, scenario_path};
use crate::host::paths;
use crate::machine::{self, Argv, Machine};
use crate::scenario::{MachineFile, MachineSpec, Machines, Scenario, ScenarioError, shipped_machines};
use crate::setup::{self, Env, Tools};
use crate::vm::{self, MachineCheck};
use clap::Args;
use std::path::Path;
use std::time::Instant;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The name of a machine or of a scenario (`damonlab list` has them), or a YAML file of either.
    #[arg(value_name = "MACHINE|SCENARIO|FILE")]
    what: String,
    /// Let QEMU build the machine, stopped before its first instruction, and quit.
    #[arg(long)]
    check: bool,
}

pub(super) fn machine(arguments: &Arguments) -> VerbResult {
    let spec = spec(&arguments.what)?;
    let machine = Machine::new(&spec)?;
    say(&format!("{}\n{}", machine::drawing(&spec)?, words(&machine.argv)))?;
    if arguments.check { check(&arguments.what, &machine.argv) } else { Ok(0) }
}

/// The machine that a word stands for: a file of either kind, a machine's name, or a scenario's.
fn spec(word: &str) -> Result<MachineSpec, CliError> {
    if paths::names_a_file(word) {
        return of_file(Path::new(word));
    }
    match Machines::in_folders(vec![shipped_machines()]).pick(word) {
        Ok(file) => Ok(file.parse().map_err(Box::new)?.machine),
        Err(ScenarioError::NoMachine { help, .. }) => match scenario_path(word) {
            Ok(path) => Ok(Scenario::load(&path).map_err(Box::new)?.machine),
            Err(CliError::NoScenario { name, known }) => Err(CliError::NoMachine { name, help, known }),
            Err(error) => Err(error),
        },
        Err(error) => Err(Box::new(error).into()),
    }
}

/// A machine's file, or a scenario's. Of one that is neither, the mistake is told as of the kind that has steps.
fn of_file(path: &Path) -> Result<MachineSpec, CliError> {
    let file = MachineFile::load(path).map_err(Box::new)?;
    let no_machine = match file.parse() {
        Ok(machine) => return Ok(machine.machine),
        Err(error) => error,
    };
    match Scenario::load(path) {
        Ok(scenario) => Ok(scenario.machine),
        Err(error) if file.text.lines().any(|line| line.starts_with("steps:")) => Err(Box::new(error).into()),
        Err(_) => Err(Box::new(no_machine).into()),
    }
}

/// What QEMU and the kernel are told, an option a line.
fn words(argv: &Argv) -> String {
    let mut text = format!("QEMU's options for it\n  -m {}\n", argv.memory_word());
    if argv.options().all(|option| option.name != "-smp") {
        text.push_str(&format!("  -smp {}\n", argv.cpus));
    }
    for option in argv.options() {
        text.push_str(&format!("  {option}\n"));
    }
    if !argv.kernel.is_empty() {
        text.push_str("\nthe kernel's words for it\n");
    }
    text.extend(argv.kernel.iter().map(|word| format!("  {word}\n")));
    text
}

fn check(word: &str, argv: &Argv) -> VerbResult {
    let env = Env::machine()?;
    let tools = setup::tools(&env)?;
    vm::capabilities(&env.cache, &tools)?.check(word, argv, &tools)?;
    let begun = Instant::now();
    match vm::try_machine(&tools.qemu, argv)? {
        MachineCheck::Accepted(notes) => {
            let took = begun.elapsed().as_secs_f64();
            let notes: String = notes.iter().map(|note| format!("note: QEMU says: {note}\n")).collect();
            say(&format!("\nQEMU takes it ({took:.2} s)\n{notes}"))?;
            Ok(0)
        }
        MachineCheck::Refused(refusal) => Err(refusal.into()),
    }
}

/// Whether QEMU has all that the machines of these scenarios need. A kept answer costs a millisecond.
pub(super) fn fit_qemu<'a>(
    scenarios: impl IntoIterator<Item = &'a Scenario>,
    cache: &Path,
    tools: &Tools,
) -> Result<(), CliError> {
    let capabilities = vm::capabilities(cache, tools)?;
    for scenario in scenarios {
        capabilities.check(&scenario.name, &Machine::of(scenario)?.argv, tools)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use miette::Diagnostic;

    #[test]
    fn a_machine_is_found_by_its_name_its_file_and_the_name_of_a_scenario_on_it() {
        let machine = spec("cxl1").unwrap();
        let file = shipped_machines().join("cxl1.yaml");
        for word in ["smoke-cxl1", &file.to_string_lossy()] {
            assert_eq!(spec(word).unwrap(), machine, "{word}");
        }
        let scenario = paths::project().join("scenarios/idle.yaml");
        assert_eq!(spec(&scenario.to_string_lossy()).unwrap(), spec("idle").unwrap());
    }

    #[test]
    fn a_word_that_stands_for_nothing_is_answered_with_both_lists() {
        let error = spec("dram3").unwrap_err();
        assert_eq!(error.exit_status(), 2);
        let text = error.help().unwrap().to_string();
        assert!(text.contains("dram2") && text.contains("pull-push-consist"), "{text}");
    }

    #[test]
    fn a_mistake_is_told_of_the_kind_of_file_that_it_is_in() {
        let folder = tempfile::tempdir().unwrap();
        let told = |text: &str| {
            let path = folder.path().join("x.yaml");
            std::fs::write(&path, text).unwrap();
            spec(&path.to_string_lossy()).unwrap_err().to_string()
        };
        let node = "{id: 0, memory: 100M, cpus: [0]}";
        let text = format!("version: 1\nsummary: x\nmachine: {{nodes: [{node}]}}\n");
        assert!(told(&text).contains("blocks of 128 MiB"), "{}", told(&text));
        let text = "version: 1\nsummary: x\nmachine: cxl1\nsteps: [run]\n";
        assert!(!told(text).contains("steps'"), "{}", told(text));
    }
}
