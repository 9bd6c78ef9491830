//! A machine that this host can never hold is the user's to mend, before anything is started.
//!
//! A guest touches its memory bit by bit, and QEMU lets it begin with more than there is: it would be killed
//! half-way, or make the host kill something else.

use crate::host::slots;
use crate::scenario::{Scenario, ScenarioError};
use damonlab_protocol::units::Bytes;
use std::io;

const HELP: &str = "make this smaller, or run it on a host with more memory; what other damonlab guests hold \
                    counts as free, since they end";

/// Refuses a machine that is larger than what this host has without damonlab's guests.
///
/// # Errors
/// The host does not say how much memory it has.
pub(super) fn check(scenario: &Scenario) -> io::Result<Result<(), Box<ScenarioError>>> {
    Ok(fits(scenario, slots::memory_without_guests()?))
}

fn fits(scenario: &Scenario, free: Bytes) -> Result<(), Box<ScenarioError>> {
    let machine = scenario.machine.memory();
    if machine <= free {
        return Ok(());
    }
    let message = format!("the machine takes {}, and this host has {} free", rough(machine), rough(free));
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
        assert_eq!(error.to_string(), "the machine takes 25.5 GiB, and this host has 21.3 GiB free");
        assert_eq!(error.place().as_deref(), Some("large.yaml:4"));
        let ScenarioError::Wrong(wrong) = *error else { panic!("{error:?}") };
        let column = SCENARIO.lines().nth(3).unwrap().find("24G").unwrap() + 1;
        assert_eq!(wrong.column, column as u64);
    }

    #[test]
    fn a_machine_in_a_file_of_its_own_is_refused_there() {
        let text = "version: 1\nsummary: Large.\nmachine:\n  nodes: [{id: 0, memory: 48G, cpus: [0]}]\n  cxl: [{node: 1, size: 256M}]\n";
        let file = MachineFile::of("big", "machines/big.yaml", text.to_owned());
        let steps = SCENARIO.replace("offline: {node: 2}", "offline: {node: 1}");
        let machines = Machines::default().overruled_by(file);
        let scenario = Scenario::parse_with("large", &steps, &machines).unwrap();
        assert_eq!(fits(&scenario, gib(8)).unwrap_err().place().as_deref(), Some("machines/big.yaml:4"));
    }

    #[test]
    fn a_machine_that_just_fits_is_not_refused() {
        let scenario = Scenario::parse("large", SCENARIO).unwrap();
        assert!(fits(&scenario, scenario.machine.memory()).is_ok());
        assert!(fits(&scenario, Bytes(scenario.machine.memory().0 - 1)).is_err());
    }

    #[test]
    fn sizes_are_said_roughly() {
        assert_eq!(
            [gib(48), Bytes(700 << 20), Bytes((1 << 30) * 213 / 10)].map(rough),
            ["48 GiB", "700 MiB", "21.3 GiB"]
        );
    }
}
