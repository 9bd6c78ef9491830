//! From the machine that a scenario asks for to the words that make virtme-ng and QEMU build it.
//!
//! Pure: no process, no file. virtme-ng composes a shell line from what it is given, so every word
//! is checked against a character set that no shell touches.

mod argv;
mod cxl;
mod drawing;
mod hmat;
mod layout;
mod needs;
mod option;
mod slit;
mod view;

pub use argv::{Argv, MachineError, qemu_check_args};
pub use cxl::backend as cxl_backend;
pub use drawing::drawing;
pub use layout::ranges;
pub use needs::{Feature, NEEDS, QemuFeature};
pub use option::QemuOption;

use crate::scenario::{MachineSpec, Scenario};
use damonlab_protocol::machine_view::MachineView;
use damonlab_protocol::plan::Plan;

/// A machine, ready to be started.
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    /// The words for virtme-ng, QEMU and the kernel.
    pub argv: Argv,
    /// What the kernel must show of it.
    pub view: MachineView,
}

impl Machine {
    /// The machine that `spec` asks for.
    ///
    /// # Errors
    ///
    /// [`MachineError`] if a word would need quoting.
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

    /// What the guest is told to do.
    pub fn plan(&self, scenario: &Scenario, seed: u64) -> Plan {
        scenario.plan(seed, self.view.clone())
    }
}

#[cfg(test)]
mod derived;
#[cfg(test)]
pub(crate) mod generated;
#[cfg(test)]
mod tests;
