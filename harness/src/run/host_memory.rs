//! Refuses a machine that is larger than this host, before anything starts.
//!
//! A guest touches its memory bit by bit, and QEMU lets it start with more than the host has. Then the host kills it
//! half-way, or kills something else.

use super::run_error::RunError;
use crate::host::slots;
use crate::scenario::{Scenario, ScenarioError};
use damonlab_protocol::units::Bytes;

const HELP: &str = "make this smaller, or run it on a host with more memory; the memory of other damonlab guests counts \
                    as free, because they will end";

/// Refuses a scenario whose machine is larger than the memory of this host without damonlab's guests.
///
/// # Errors
/// [`RunError::Scenario`] with the line of the memory.
pub fn check(scenario: &Scenario) -> Result<(), RunError> {
    let free = slots::memory_without_guests().map_err(RunError::Memory)?;
    Ok(fits(scenario, free)?)
}

fn fits(scenario: &Scenario, free: Bytes) -> Result<(), Box<ScenarioError>> {
    let machine = scenario.machine.memory();
    if machine <= free {
        return Ok(());
    }
    let message = format!("the machine needs {}, and this host has {} free", rough(machine), rough(free));
    Err(Box::new(scenario.places.wrong_memory(message, HELP)))
}

/// In GiB with one decimal, or in whole MiB, rounded down: `21.3 GiB`, `48 GiB`, `700 MiB`.
fn rough(bytes: Bytes) -> String {
    let (mebibytes, tenths) = (bytes.0 >> 20, bytes.0 / ((1 << 30) / 10));
    match (bytes.0 >> 30, tenths % 10) {
        (0, _) => format!("{mebibytes} MiB"),
        (whole, 0) => format!("{whole} GiB"),
        (whole, tenth) => format!("{whole}.{tenth} GiB"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{MachineFile, Machines};

    const SCENARIO: &str = "version: 1
summary: Two nodes and a window.
machine:
  nodes: [{id: 0, memory: 512M, cpus: [0]}, {id: 1, memory: 24G}]
  cxl: [{node: 2, size: 1G}]
steps: [offline: {node: 2}]
";

    fn gib(count: u64) -> Bytes {
        Bytes(count << 30)
    }

    #[test]
    fn a_machine_that_is_larger_than_the_host_is_refused_at_its_largest_memory() {
        let scenario = Scenario::parse("large", SCENARIO).unwrap();
        let free = Bytes(gib(21).0 + gib(1).0 / 3);
        let error = fits(&scenario, free).unwrap_err();
        assert_eq!(error.to_string(), "the machine needs 25.5 GiB, and this host has 21.3 GiB free");
        assert_eq!(error.place().as_deref(), Some("large.yaml:4"));
        let ScenarioError::Wrong(wrong) = *error else { panic!("{error:?}") };
        let column = SCENARIO.lines().nth(3).unwrap().find("24G").unwrap() + 1;
        assert_eq!(wrong.column, column as u64);
    }

    #[test]
    fn a_machine_in_its_own_file_is_refused_at_a_line_of_that_file() {
        let text = "version: 1\nsummary: Large.\nmachine:\n  nodes: [{id: 0, memory: 48G, cpus: [0]}]\n  cxl: [{node: 1, size: 256M}]\n";
        let file = MachineFile::of("big", "machines/big.yaml", text.to_owned());
        let steps = SCENARIO.replace("offline: {node: 2}", "offline: {node: 1}");
        let machines = Machines::default().overruled_by(file);
        let scenario = Scenario::parse_with("large", &steps, &machines, None).unwrap();
        assert_eq!(fits(&scenario, gib(8)).unwrap_err().place().as_deref(), Some("machines/big.yaml:4"));
    }

    #[test]
    fn a_machine_as_large_as_the_host_is_accepted() {
        let scenario = Scenario::parse("large", SCENARIO).unwrap();
        assert!(fits(&scenario, scenario.machine.memory()).is_ok());
        assert!(fits(&scenario, Bytes(scenario.machine.memory().0 - 1)).is_err());
    }

    #[test]
    fn sizes_are_rounded_down() {
        assert_eq!(
            [gib(48), Bytes(700 << 20), Bytes((1 << 30) * 213 / 10)].map(rough),
            ["48 GiB", "700 MiB", "21.3 GiB"]
        );
    }
}
