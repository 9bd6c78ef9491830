//! Machines in files of their own: `machine: NAME` in a scenario, `run --machine`, a recording's
//! `machine.yaml`: which file is meant, and its content.

use super::error::ScenarioError;
use super::place::{Place, Source};
use super::raw_machine::{RawMachineFile, RawMachineRef};
use super::{MachineSpec, files, resolve};
use crate::bundled;
use crate::grammar::{self, At, Fault};
use crate::host::paths;
use crate::host::text::shown;
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The folder of machines, beside scenarios.
const FOLDER: &str = "machines";

/// The folder of scenarios of a source tree, which has theirs.
const SCENARIOS: &str = "scenarios";

/// A machine's file as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineFile {
    /// The machine's name: the file's stem.
    pub name: String,
    /// The whole text.
    pub text: String,
    /// What errors call the file.
    shown: String,
}

/// The content of a machine's file.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedMachine {
    /// The file's stem.
    pub name: String,
    /// One sentence for people.
    pub summary: String,
    /// The machine.
    pub machine: MachineSpec,
}

impl MachineFile {
    /// The file at `path`.
    ///
    /// # Errors
    /// It is not there or cannot be read. Its content is not checked.
    pub fn load(path: &Path) -> Result<MachineFile, ScenarioError> {
        let text = files::read(path).map_err(|source| match source.kind() {
            ErrorKind::NotFound => ScenarioError::NoMachineFile(path.to_owned()),
            _ => ScenarioError::Unreadable { path: path.to_owned(), source },
        })?;
        Ok(MachineFile::of(&files::stem(path), &shown(path).to_string(), text))
    }

    /// The text of the machine `name`; errors call it `shown`.
    pub fn of(name: &str, shown: &str, text: String) -> MachineFile {
        MachineFile { name: name.to_owned(), text, shown: shown.to_owned() }
    }

    /// Its content.
    ///
    /// # Errors
    /// [`ScenarioError::Wrong`], with the line in this file.
    pub fn parse(&self) -> Result<NamedMachine, ScenarioError> {
        self.parse_with_memory().map(|(machine, _)| machine)
    }

    /// Its content, and the place of its largest memory.
    fn parse_with_memory(&self) -> Result<(NamedMachine, Option<Place>), ScenarioError> {
        let raw: RawMachineFile = grammar::read(&self.shown, &self.text)?;
        let machine =
            resolve::machine_file(&self.name, &raw).map_err(|fault| fault.inside(&self.shown, &self.text))?;
        let summary = raw.summary.value.0.trim().to_owned();
        let memory = Place::of_memory(&raw.machine.value, &Source::new(&self.shown, &self.text));
        Ok((NamedMachine { name: self.name.clone(), summary, machine }, memory))
    }
}

/// Every machine in `dir` (`*.yaml`), by name; none where there is no such folder.
///
/// # Errors
/// The first file that is not a machine, or the folder if it cannot be read.
pub fn machines(dir: &Path) -> Result<Vec<NamedMachine>, ScenarioError> {
    if !dir.exists() {
        return Ok(Vec::new());
    }
    files::paths(dir)?.iter().map(|path| MachineFile::load(path)?.parse()).collect()
}

/// The folder of the machines that ship.
pub fn shipped_machines() -> PathBuf {
    bundled::home().join(SCENARIOS).join(FOLDER)
}

/// The folders of machines that need no path: the current folder's, then that of those that ship.
pub fn machine_folders() -> Vec<PathBuf> {
    bundled::folders(&format!("{SCENARIOS}/{FOLDER}"))
}

/// Where a scenario's machine is looked up. The default knows no names: what stands in the text must do.
#[derive(Debug, Clone, Default)]
pub struct Machines {
    /// Folders of machines; the first that has a name wins.
    folders: Vec<PathBuf>,
    /// This one, whatever the scenario names.
    instead: Option<MachineFile>,
}

impl Machines {
    /// The machines of these folders; the first that has a name wins.
    pub fn in_folders(folders: Vec<PathBuf>) -> Machines {
        Machines { folders, instead: None }
    }

    /// Those beside a scenario's file, then those of the current folder, then those that ship.
    pub fn beside(scenario: &Path) -> Machines {
        let own = scenario.parent().unwrap_or(Path::new("")).join(FOLDER);
        Machines::in_folders(std::iter::once(own).chain(machine_folders()).collect())
    }

    /// With a machine that overrules the scenario's.
    pub fn overruled_by(self, machine: MachineFile) -> Machines {
        Machines { instead: Some(machine), ..self }
    }

    /// Without.
    pub(super) fn own(&self) -> Machines {
        Machines { instead: None, ..self.clone() }
    }

    /// The machine for an argument of the command line: a path, or a name.
    ///
    /// # Errors
    /// There is none. The content of the file is not checked.
    pub fn pick(&self, argument: &str) -> Result<MachineFile, ScenarioError> {
        if paths::names_a_file(argument) {
            return MachineFile::load(Path::new(argument));
        }
        let found = if resolve::can_name(argument) { self.find(argument)? } else { None };
        found.ok_or_else(|| {
            let names = self.names();
            let help = grammar::or_list(argument, names.iter().map(String::as_str), "damonlab list");
            ScenarioError::NoMachine { name: argument.to_owned(), help }
        })
    }

    /// The names of all machines that can be looked up.
    pub fn names(&self) -> BTreeSet<String> {
        let paths = self.folders.iter().filter_map(|folder| files::paths(folder).ok()).flatten();
        paths.map(|path| files::stem(&path)).collect()
    }

    /// The machine for a scenario's `machine:`, in its `source`. A mistake there goes into the scenario's file
    /// by `inside`.
    pub(super) fn choose(
        &self,
        raw: &At<RawMachineRef>,
        source: &Source,
        inside: impl Fn(Fault) -> ScenarioError,
    ) -> Result<Chosen, ScenarioError> {
        let (file, overrules) = match (&self.instead, &raw.value) {
            (Some(file), _) => (file.clone(), true),
            (None, RawMachineRef::Here(here)) => {
                let spec = resolve::machine(here).map_err(inside)?;
                let memory = Place::of_memory(&raw.value, source);
                return Ok(Chosen { spec, memory, file: None, overrules: false });
            }
            (None, RawMachineRef::Named(name)) => {
                resolve::check_machine_name(name, raw).map_err(&inside)?;
                let unknown = || {
                    let message = format!("there is no machine named '{name}'");
                    inside(Fault::at(raw, message).help(self.known(name)))
                };
                (self.find(name)?.ok_or_else(unknown)?, false)
            }
        };
        let (named, memory) = file.parse_with_memory()?;
        Ok(Chosen { spec: named.machine, memory, file: Some(file), overrules })
    }

    fn find(&self, name: &str) -> Result<Option<MachineFile>, ScenarioError> {
        let mut paths = self.folders.iter().map(|folder| folder.join(format!("{name}.yaml")));
        paths.find(|path| path.is_file()).map(|path| MachineFile::load(&path)).transpose()
    }

    /// What to write instead of `name`.
    fn known(&self, name: &str) -> String {
        let names = self.names();
        if names.is_empty() {
            return "no named machines are known here: describe the machine in a mapping, {nodes: [..]}"
                .to_owned();
        }
        grammar::among(name, &names.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

/// The machine that a scenario runs on.
pub(super) struct Chosen {
    pub(super) spec: MachineSpec,
    /// Where its largest memory stands.
    pub(super) memory: Option<Place>,
    /// Its file, where it does not stand in the scenario.
    pub(super) file: Option<MachineFile>,
    /// It is another than the scenario's own.
    pub(super) overrules: bool,
}

#[cfg(test)]
mod tests {
    use super::super::Scenario;
    use super::*;
    use fs_err as fs;

    const SCENARIO: &str = "
version: 1
summary: A process on the second node.
machine: NAME
workloads: [{name: hot, size: 16M, node: 1}]
damon: {kdamonds: [{contexts: [{ops: paddr, targets: [{regions: [{node: 0}]}]}]}]}
steps: [start, run: {for: 1s}, stop]
";

    fn text(memory: &str) -> String {
        format!(
            "version: 1\nsummary: A machine.\nmachine:\n  nodes: [{{id: 0, memory: {memory}, cpus: [0]}}]\n"
        )
    }

    fn two_nodes(memory: &str) -> String {
        text(memory).replace("[0]}]", &format!("[0]}}, {{id: 1, memory: {memory}}}]"))
    }

    fn named(name: &str) -> String {
        SCENARIO.replace("NAME", name)
    }

    /// A folder with a scenario that wants `dram2`, and a machine of that name beside it.
    fn folder(machine: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(FOLDER)).unwrap();
        fs::write(folder.path().join("machines/dram2.yaml"), machine).unwrap();
        let path = folder.path().join("here.yaml");
        fs::write(&path, named("dram2")).unwrap();
        (folder, path)
    }

    fn memory(scenario: &Scenario) -> Vec<u64> {
        scenario.machine.nodes.iter().map(|node| node.memory.0 >> 20).collect()
    }

    #[test]
    fn every_machine_that_ships_is_sound_and_named_as_its_file() {
        let names: Vec<String> =
            machines(&shipped_machines()).unwrap().into_iter().map(|machine| machine.name).collect();
        for wanted in ["cxl1", "dram-slow", "dram2"] {
            assert!(names.iter().any(|name| name == wanted), "{wanted} is not among {names:?}");
        }
        for name in names {
            assert!(shipped_machines().join(format!("{name}.yaml")).is_file(), "{name}");
        }
    }

    #[test]
    fn dram_slow_is_the_machine_of_pull_push() {
        let pull_push = Scenario::load(&bundled::home().join("scenarios/pull-push.yaml")).unwrap();
        let file = MachineFile::load(&shipped_machines().join("dram-slow.yaml")).unwrap();
        assert_eq!(file.parse().unwrap().machine, pull_push.machine);
        assert_eq!(pull_push.machine_file, None);
    }

    #[test]
    fn a_machine_beside_the_scenario_comes_before_one_that_ships() {
        let (folder, path) = folder(&two_nodes("256M"));
        assert_eq!(memory(&Scenario::load(&path).unwrap()), [256, 256]);
        fs::remove_dir_all(folder.path().join(FOLDER)).unwrap();
        let shipped = Scenario::load(&path).unwrap();
        assert_eq!(memory(&shipped), [512, 512]);
        assert_eq!(shipped.machine_file.map(|file| file.name).as_deref(), Some("dram2"));
    }

    #[test]
    fn a_mistake_in_a_machines_file_has_its_line_there() {
        let (folder, path) = folder(&text("100M"));
        let place = Scenario::load(&path).unwrap_err().place();
        let machine = folder.path().join("machines/dram2.yaml");
        assert_eq!(place, Some(format!("{}:4", machine.display())));
    }

    #[test]
    fn names_from_both_folders_are_known() {
        let (_folder, path) = folder("");
        let names = Machines::beside(&path).names();
        assert!(names.contains("cxl1") && names.contains("dram2"), "{names:?}");
    }

    #[test]
    fn a_text_alone_knows_no_names() {
        let error = Scenario::parse("alone", &named("dram2")).unwrap_err();
        assert_eq!(error.to_string(), "there is no machine named 'dram2'");
        assert_eq!(error.place().as_deref(), Some("alone.yaml:4"));
    }

    #[test]
    fn a_machine_of_the_command_line_overrules_the_scenarios_own() {
        let (_folder, path) = folder(&two_nodes("256M"));
        let large = MachineFile::of("large", "large.yaml", two_nodes("1G"));
        let scenario =
            Scenario::load_with(&path, &Machines::beside(&path).overruled_by(large.clone()), None).unwrap();
        assert_eq!((memory(&scenario), scenario.machine_file), (vec![1024, 1024], Some(large)));
    }

    #[test]
    fn what_does_not_go_with_the_other_machine_says_where_that_came_from() {
        let (_folder, path) = folder(&two_nodes("256M"));
        let small = MachineFile::of("small", "small.yaml", text("256M"));
        let help = |text: &str| {
            fs::write(&path, text).unwrap();
            let machines = Machines::beside(&path).overruled_by(small.clone());
            let error = Scenario::load_with(&path, &machines, None).unwrap_err();
            assert_eq!(error.place(), Some(format!("{}:5", path.display())));
            miette::Diagnostic::help(&error).map(|help| help.to_string()).unwrap_or_default()
        };
        let shown = help(&named("dram2"));
        assert!(shown.ends_with("; the machine is 'small', which came by --machine"), "{shown}");
        let shown = help(&named("dram2").replace("node: 1", "node: 5"));
        assert!(!shown.contains("--machine"), "its own machine does not have the node either: {shown}");
    }

    #[test]
    fn a_word_of_the_command_line_is_a_name_or_a_path_and_never_a_way_out_of_the_folder() {
        let (folder, path) = folder(&two_nodes("256M"));
        let machines = Machines::beside(&path);
        let file = folder.path().join("machines/dram2.yaml");
        assert_eq!(machines.pick("dram2").unwrap(), machines.pick(file.to_str().unwrap()).unwrap());
        for argument in ["", "$(id)", "a b", "-x", "DRAM2"] {
            let error = machines.pick(argument).unwrap_err();
            assert!(matches!(error, ScenarioError::NoMachine { .. }), "{argument}: {error}");
        }
        let error = machines.pick("./nowhere").unwrap_err();
        assert!(matches!(error, ScenarioError::NoMachineFile(_)), "{error}");
    }

    #[test]
    fn a_file_whose_name_cannot_be_one_is_refused() {
        let error = MachineFile::of("My Machine", "My Machine.yaml", text("256M")).parse().unwrap_err();
        assert_eq!(error.to_string(), "the file's name 'My Machine' cannot name a machine");
    }
}
