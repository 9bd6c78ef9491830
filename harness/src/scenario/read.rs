//! From a path or a text to a [`Scenario`].

use super::error::ScenarioError;
use super::files::{paths, read, stem, unreadable};
use super::place::{Places, Source};
use super::raw::RawScenario;
use super::resolve::Resolved;
use super::subject::{self, RawConfig};
use super::{IntroducesFile, MachineSpec, Machines, Scenario, resolve};
use crate::grammar::{self, Fault};
use crate::host::text::shown;
use damonlab_protocol::damon::Kdamond;
use std::path::Path;

impl Scenario {
    /// Reads the file at `path`. The scenario's name is the file's stem; a machine that it names is looked
    /// up beside it, then among those that ship.
    ///
    /// # Errors
    ///
    /// [`ScenarioError`]: there is no such file, it cannot be read, or it has a mistake, with the line.
    pub fn load(path: &Path) -> Result<Scenario, ScenarioError> {
        Scenario::load_with(path, &Machines::beside(path), None)
    }

    /// Reads the file at `path`, with the machine from `machines` and words from `introduces`.
    ///
    /// # Errors
    ///
    /// As [`Scenario::load`]; a mistake in the machine's file has its line there.
    pub fn load_with(
        path: &Path,
        machines: &Machines,
        introduces: Option<&IntroducesFile>,
    ) -> Result<Scenario, ScenarioError> {
        let text = read(path).map_err(|error| unreadable(path, error))?;
        parse(&stem(path), &shown(path).to_string(), &text, machines, introduces)
    }

    /// Reads `text` as the scenario `name`; errors call it `name.yaml`. It must describe its machine itself.
    ///
    /// # Errors
    ///
    /// [`ScenarioError::Wrong`].
    pub fn parse(name: &str, text: &str) -> Result<Scenario, ScenarioError> {
        Scenario::parse_with(name, text, &Machines::default(), None)
    }

    /// Reads `text` as the scenario `name`, with the machine from `machines` and words from `introduces`.
    ///
    /// # Errors
    ///
    /// As [`Scenario::parse`]; a mistake in the machine's file has its line there.
    pub fn parse_with(
        name: &str,
        text: &str,
        machines: &Machines,
        introduces: Option<&IntroducesFile>,
    ) -> Result<Scenario, ScenarioError> {
        parse(name, &format!("{name}.yaml"), text, machines, introduces)
    }
}

/// The keys at the top of a scenario, in the order in which they are written.
pub fn top_keys() -> &'static [&'static str] {
    grammar::keys_of::<RawScenario>()
}

fn parse(
    name: &str,
    file: &str,
    text: &str,
    machines: &Machines,
    introduces: Option<&IntroducesFile>,
) -> Result<Scenario, ScenarioError> {
    let raw: RawScenario = grammar::read(file, text)?;
    let inside = |fault: Fault| ScenarioError::from(fault.inside(file, text));
    let source = Source::new(file, text);
    resolve::check_header(name, &raw).map_err(inside)?;
    let (words, changes) = introduces.map(IntroducesFile::content).transpose()?.unwrap_or_default();
    let introduced = resolve::introduced(&raw, &words).map_err(inside)?;
    let chosen = machines.choose(&raw.machine, &source, inside)?;
    let on_its_own = || {
        let own = machines.own().choose(&raw.machine, &source, inside).ok()?;
        resolve::scenario(name, &raw, &own, &introduced, &source).ok()
    };
    let Resolved { scenario, needed, uses_file } =
        resolve::scenario(name, &raw, &chosen, &introduced, &source).map_err(|fault| match &chosen.file {
            // The scenario is sound with its own machine: the mistake is the combination with the other one.
            Some(machine) if chosen.overrules && on_its_own().is_some() => {
                inside(fault.or_help(&format!("the machine is '{}', which came by --machine", machine.name)))
            }
            _ => inside(fault),
        })?;
    let steps: Vec<_> = raw.steps.value.iter().flat_map(|step| step.value.of_subject()).collect();
    let notes = subject::notes(&raw.damon, &steps, text);
    Ok(Scenario {
        introduces_file: introduces.filter(|_| uses_file || !changes.is_empty()).cloned(),
        notes,
        places: Places::of(chosen.memory, &raw.workloads, needed, &source),
        ..scenario
    })
}

/// The kdamonds of a text in damo's format, on a machine, and what is noted about them; errors call it `file`. damo takes
/// `{"kdamonds": [...]}`, and reports the list alone.
///
/// # Errors
///
/// [`ScenarioError::Wrong`].
pub fn kdamonds(
    file: &str,
    text: &str,
    machine: &MachineSpec,
) -> Result<(Vec<Kdamond>, Vec<String>), ScenarioError> {
    let list = text.trim_start().starts_with('[');
    let text = if list { format!("{{\"kdamonds\": {text}}}") } else { text.to_owned() };
    let raw: RawConfig = grammar::read(file, &text)?;
    let kdamonds = resolve::kdamonds(&raw, machine).map_err(|fault| fault.inside(file, &text))?;
    Ok((kdamonds, subject::notes(&raw, &[], &text)))
}

/// Every scenario in `dir` (`*.yaml`, not in folders below it), by name.
///
/// # Errors
///
/// The first file that is not a scenario, or the folder if it cannot be read.
pub fn all(dir: &Path) -> Result<Vec<Scenario>, ScenarioError> {
    paths(dir)?.iter().map(|path| Scenario::load(path)).collect()
}
