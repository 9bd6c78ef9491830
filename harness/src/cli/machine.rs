//! `damonlab machine`: what a machine looks like, what QEMU is told, and whether it takes it.

use super::error::CliError;
use super::verbs::{Answer, say, scenario_path};
use crate::machine::{self, Argv, Machine};
use crate::scenario::{MachineSpec, Scenario};
use crate::setup::{self, Env, Tools};
use crate::vm::{self, Trial};
use clap::Args;
use std::path::Path;
use std::time::Instant;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A name from scenarios/, or a YAML file.
    #[arg(value_name = "SCENARIO")]
    what: String,
    /// Let QEMU build the machine, stopped before its first instruction, and quit.
    #[arg(long)]
    check: bool,
}

pub(super) fn machine(arguments: &Arguments) -> Answer {
    let spec = spec(&arguments.what)?;
    let machine = Machine::new(&spec)?;
    say(&format!("{}\n{}", machine::drawing(&spec)?, words(&machine.argv)))?;
    if arguments.check { check(&arguments.what, &machine.argv) } else { Ok(0) }
}

/// The machine that a word stands for.
fn spec(word: &str) -> Result<MachineSpec, CliError> {
    Ok(Scenario::load(&scenario_path(word)?).map_err(Box::new)?.machine)
}

/// What QEMU and the kernel are told, an option a line.
fn words(argv: &Argv) -> String {
    let mut text = format!("QEMU's options for it\n  -m {}\n  -smp {}\n", argv.memory_word(), argv.cpus);
    for option in argv.options() {
        text.push_str(&format!("  {option}\n"));
    }
    if !argv.kernel.is_empty() {
        text.push_str("\nthe kernel's words for it\n");
    }
    text.extend(argv.kernel.iter().map(|word| format!("  {word}\n")));
    text
}

fn check(word: &str, argv: &Argv) -> Answer {
    let env = Env::machine()?;
    let tools = setup::tools(&env)?;
    vm::capabilities(&env.cache, &tools)?.check(word, argv, &tools)?;
    let begun = Instant::now();
    match vm::try_machine(&tools.qemu, argv)? {
        Trial::Taken(notes) => {
            let took = begun.elapsed().as_secs_f64();
            let notes: String = notes.iter().map(|note| format!("note: QEMU says: {note}\n")).collect();
            say(&format!("\nQEMU takes it ({took:.2} s)\n{notes}"))?;
            Ok(0)
        }
        Trial::Refused(refusal) => Err(refusal.into()),
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
        capabilities.check(&scenario.name, &Machine::new(&scenario.machine)?.argv, tools)?;
    }
    Ok(())
}
