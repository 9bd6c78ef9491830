//! A fresh scenario: a text with comments that is valid, and passes as it is.

use super::damo_file::{DamoFile, nodes_with_memory};
use crate::scenario::{MachineFile, MachineSpec, Machines, Scenario, ScenarioError};
use damonlab_protocol::units::NodeId;

/// What comes before everything else.
const HEAD: &str = include_str!("fresh/head.yaml");

/// A machine of two nodes.
const MACHINE: &str = include_str!("fresh/machine.yaml");

/// A scheme that counts hot memory, its steps and expectations.
const OWN: &str = include_str!("fresh/damon.yaml");

/// Steps and expectations round a configuration of damo's.
const ROUND: &str = include_str!("fresh/round.yaml");

/// The machine of a fresh scenario.
#[derive(Debug, Clone)]
pub enum FreshMachine {
    /// Described in the scenario.
    Own,
    /// One of `scenarios/machines/`, by its name.
    Named(MachineFile),
}

/// What a fresh scenario is made of.
#[derive(Debug, Clone)]
pub struct Fresh {
    /// Its name.
    pub name: String,
    /// Its machine.
    pub machine: FreshMachine,
    /// What its file has for `machine`, read.
    spec: MachineSpec,
}

impl Fresh {
    /// One of this name on this machine.
    ///
    /// # Errors
    /// The machine's file has a mistake.
    pub fn new(name: &str, machine: FreshMachine) -> Result<Fresh, ScenarioError> {
        let spec = match &machine {
            FreshMachine::Own => {
                let text = format!("version: 1\nsummary: Two nodes.\n{MACHINE}");
                MachineFile::of("two-nodes", "two-nodes.yaml", text).parse()?.machine
            }
            FreshMachine::Named(file) => file.parse()?.machine,
        };
        Ok(Fresh { name: name.to_owned(), machine, spec })
    }

    /// Its machine, read.
    pub fn spec(&self) -> &MachineSpec {
        &self.spec
    }

    /// Its text; with a configuration of damo's, a scenario round that.
    ///
    /// # Errors
    /// The reader refuses it.
    pub fn text(&self, damo: Option<&DamoFile>) -> Result<String, ScenarioError> {
        let nodes = nodes_with_memory(&self.spec);
        let first = nodes.first().copied().unwrap_or(NodeId(0)).0.to_string();
        let (summary, workloads, rest) = match damo {
            None => {
                let regions: Vec<String> = nodes.iter().map(|node| format!("{{node: {}}}", node.0)).collect();
                let own = OWN.replace("REGIONS", &regions.join(", "));
                ("DAMON finds the memory that a workload touches.", vec![("hot".to_owned(), None)], own)
            }
            Some(damo) => {
                let rest = ROUND.replace("DAMON\n", &damo.damon);
                ("DAMON runs with this configuration.", damo.workloads.clone(), rest)
            }
        };
        let clock = if self.spec.cpus() > 1 {
            "\n# Several CPUs need the host's time, with which no run repeats.\nclock: real\n"
        } else {
            ""
        };
        let workloads: String = workloads.iter().map(|workload| line(workload, &first)).collect();
        let text = HEAD.replace("SUMMARY", summary)
            + &match &self.machine {
                FreshMachine::Own => MACHINE.to_owned(),
                FreshMachine::Named(file) => format!("machine: {}\n", file.name),
            }
            + "\n# Each is a process that touches its memory again and again.\nworkloads:\n"
            + &workloads
            + "\n"
            + &rest.replace("NODE", &first)
            + clock;
        self.check(&text)?;
        Ok(text)
    }

    /// Whether the reader takes it.
    fn check(&self, text: &str) -> Result<(), ScenarioError> {
        let machines = match &self.machine {
            FreshMachine::Own => Machines::default(),
            FreshMachine::Named(file) => Machines::default().overruled_by(file.clone()),
        };
        Scenario::parse_with(&self.name, text, &machines, None).map(drop)
    }
}

/// The line of a workload.
fn line((name, memcg): &(String, Option<String>), node: &str) -> String {
    let memcg = memcg.as_ref().map_or(String::new(), |path| format!(", memcg: {path}"));
    let size = DamoFile::size().0 >> 20;
    format!("  - {{name: {name}, size: {size}M, node: {node}, touch: {{every: 20ms}}{memcg}}}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{machines, shipped_machines};

    fn fresh(machine: FreshMachine) -> Fresh {
        Fresh::new("fresh", machine).unwrap()
    }

    #[test]
    fn a_fresh_scenario_is_read_back_on_every_machine() {
        assert!(fresh(FreshMachine::Own).text(None).unwrap().contains("A failure means"));
        for machine in machines(&shipped_machines()).unwrap() {
            let file = MachineFile::load(&shipped_machines().join(format!("{}.yaml", machine.name))).unwrap();
            let text = fresh(FreshMachine::Named(file)).text(None).unwrap();
            assert!(text.contains(&format!("machine: {}\n", machine.name)), "{text}");
        }
    }

    #[test]
    fn a_scenario_is_made_round_what_damo_reports() {
        let path = crate::bundled::home().join("harness/tests/damo/report.json");
        let report = std::fs::read_to_string(path).unwrap();
        let fresh = fresh(FreshMachine::Own);
        let damo = DamoFile::read("report.json", &report, fresh.spec()).unwrap();
        let text = fresh.text(Some(&damo)).unwrap();
        assert!(text.contains("regions: [{node: 0}, {node: 1}]"), "{text}");
        for reported in ["state", "268,435,456", "effective_sz_bytes", "null"] {
            assert!(!text.contains(reported), "{reported} in\n{text}");
        }
    }

    #[test]
    fn processes_of_the_host_become_workloads() {
        let text = "kdamonds: [{contexts: [{ops: vaddr, targets: [{pid: 7}, {pid: 9}, {pid: 7}],
            schemes: [{action: stat, filters: [{filter_type: memcg, matching: true, memcg_path: /a}]}]}]}]";
        let fresh = fresh(FreshMachine::Own);
        let damo = DamoFile::read("k.yaml", text, fresh.spec()).unwrap();
        let wanted = [("process-0".to_owned(), Some("/a".to_owned())), ("process-1".to_owned(), None)];
        assert_eq!(damo.workloads, wanted);
        assert!(fresh.text(Some(&damo)).unwrap().contains("{pid: {workload: process-1}}"));
    }

    #[test]
    fn a_node_that_the_machine_does_not_have_is_an_error_in_damos_file() {
        let text = "kdamonds:\n  - contexts: [{ops: paddr, targets: [{regions: [{start: 0, end: 4096}]}], schemes: [\n      {action: migrate_hot, target_nid: 7}]}]";
        let error = DamoFile::read("k.yaml", text, fresh(FreshMachine::Own).spec()).unwrap_err();
        assert_eq!(error.place().as_deref(), Some("k.yaml:3"));
    }

    #[test]
    fn all_that_damo_printed_becomes_a_scenario_or_names_its_mistake() {
        let stored = include_str!("../../tests/damo/args-3.4.3.jsonl");
        let (mut made, mut refused) = (0, Vec::new());
        for line in stored.lines() {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            let fresh = fresh(FreshMachine::Own);
            let read = DamoFile::read("damo.json", &record["prints"].to_string(), fresh.spec());
            match read.and_then(|damo| fresh.text(Some(&damo))) {
                Ok(_) => made += 1,
                Err(error) => refused.push(format!("{}: {error}", record["name"])),
            }
        }
        assert!(made > 50 && refused.len() < 10, "{made} made; refused:\n{}", refused.join("\n"));
    }
}
