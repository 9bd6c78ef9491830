//! `damonlab new`: a fresh scenario in a file of its own.

use super::error::{CliError, VerbResult};
use super::output;
use crate::authoring::{DamoFile, Fresh, FreshMachine};
use crate::host::paths;
use crate::host::text::shown;
use crate::scenario::{self, MachineFile, Machines, shipped_machines};
use clap::Args;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

pub(super) const HELP: &str = "Examples: damonlab new my-scheme\n          \
    damonlab new my-scheme --machine cxl1\n          \
    damo args damon --damos_action pageout >kdamonds.json; damonlab new my-scheme --from kdamonds.json\n\n\
    The scenario passes as it is. `damonlab help scenarios` has all that can stand in it.";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The scenario's name, for NAME.yaml in this folder, or the path of a file that does not exist.
    #[arg(value_name = "NAME|PATH")]
    file: String,
    /// A configuration in damo's format (JSON or YAML), which the scenario runs.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// One of the machines that `damonlab list` shows. Without it, the scenario describes one of two nodes.
    #[arg(long, value_name = "MACHINE")]
    machine: Option<String>,
}

pub(super) fn new(arguments: &Arguments) -> VerbResult {
    let path = path(&arguments.file);
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let machine = match &arguments.machine {
        Some(name) => FreshMachine::Named(named_machine(name)?),
        None => FreshMachine::Own,
    };
    let fresh = Fresh::new(&name, machine).map_err(Box::new)?;
    let damo = arguments.from.as_deref().map(|from| read(from, &fresh)).transpose()?;
    let text = fresh.text(damo.as_ref()).map_err(Box::new)?;
    write(&path, &text).map_err(|cause| CliError::NewFile { path: path.clone(), cause })?;
    for note in damo.iter().flat_map(|damo| &damo.notes) {
        output::print(&format!("note: {}, {note}\n", shown(arguments.from.as_deref().unwrap_or(&path))))?;
    }
    let argument = if path.components().count() == 1 { Path::new(".").join(&path) } else { path };
    output::print(&format!(
        "{} is there. damonlab run {} runs it.\n",
        shown(&argument),
        paths::quoted(&argument.to_string_lossy())
    ))?;
    Ok(0)
}

/// A name is a file of this folder.
fn path(argument: &str) -> PathBuf {
    if paths::names_a_file(argument) { argument.into() } else { format!("{argument}.yaml").into() }
}

/// A machine that every scenario finds by its name.
fn named_machine(name: &str) -> Result<MachineFile, CliError> {
    let machines = Machines::in_folders(vec![shipped_machines()]);
    if paths::names_a_file(name) {
        let help =
            "a scenario names a machine of damonlab's, or of machines/ beside it; paste another one into it";
        return Err(CliError::Unknown { kind: "machine", name: name.to_owned(), help: help.to_owned() });
    }
    Ok(machines.pick(name).map_err(Box::new)?)
}

fn read(from: &Path, fresh: &Fresh) -> Result<DamoFile, CliError> {
    let text = scenario::read_part(from).map_err(Box::new)?;
    Ok(DamoFile::read(&shown(from).to_string(), &text, fresh.spec()).map_err(Box::new)?)
}

/// Writes a file that must not be there yet.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(path: &Path) -> Arguments {
        Arguments { file: path.to_string_lossy().into_owned(), from: None, machine: None }
    }

    #[test]
    fn a_file_that_is_there_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.yaml");
        std::fs::write(&path, "mine").unwrap();
        let error = new(&arguments(&path)).unwrap_err();
        assert_eq!(error.exit_status(), 2, "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    }

    #[test]
    fn a_file_is_written_and_can_be_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.yaml");
        assert_eq!(new(&arguments(&path)).unwrap(), 0);
        assert!(scenario::Scenario::load(&path).is_ok());
    }

    #[test]
    fn a_name_is_a_file_of_this_folder() {
        assert_eq!(path("mine"), Path::new("mine.yaml"));
        assert_eq!(path("a/mine.yml"), Path::new("a/mine.yml"));
    }
}
