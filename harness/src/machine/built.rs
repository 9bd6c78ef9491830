//! A machine that can be started.

use super::argv::{self, Argv, MachineError};
use super::view;
use crate::scenario::{MachineSpec, Scenario};
use damonlab_protocol::machine_view::MachineView;
use damonlab_protocol::plan::Plan;

/// A machine, ready to be started.
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    /// The arguments for virtme-ng, QEMU and the kernel.
    pub argv: Argv,
    /// What the kernel must show of it.
    pub view: MachineView,
}

impl Machine {
    /// The machine that `spec` asks for.
    ///
    /// # Errors
    ///
    /// [`MachineError`] if an argument would need quoting.
    pub fn new(spec: &MachineSpec) -> Result<Machine, MachineError> {
        Ok(Machine { argv: argv::compose(spec)?, view: view::wanted(spec) })
    }

    /// The machine of a scenario, with the kernel parameters that it wants.
    ///
    /// # Errors
    ///
    /// As [`Machine::new`].
    pub fn of(scenario: &Scenario) -> Result<Machine, MachineError> {
        let mut machine = Machine::new(&scenario.machine)?;
        machine.argv.kernel.extend(scenario.boot.parameters.iter().cloned());
        Ok(machine)
    }

    /// What the guest has to do.
    pub fn plan(&self, scenario: &Scenario, seed: u64) -> Plan {
        scenario.plan(seed, self.view.clone())
    }
}
