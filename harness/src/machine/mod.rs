//! From the machine that a scenario asks for to the arguments that make virtme-ng and QEMU build it.
//!
//! Pure: no process, no file. virtme-ng composes a shell line from what it is given, so every argument
//! is checked against a character set that no shell touches.

mod argv;
mod built;
mod cxl;
#[cfg(test)]
mod derived;
mod drawing;
#[cfg(test)]
pub(crate) mod generated;
mod hmat;
mod layout;
mod needs;
mod option;
mod ports;
mod qemu_number;
mod slit;
#[cfg(test)]
mod tests;
mod view;

pub use crate::scenario::ranges;
pub use argv::{Argv, MachineError, NodeMemory, qemu_check_args};
pub use built::Machine;
pub use cxl::backend as cxl_backend;
pub use drawing::drawing;
pub use needs::{Feature, NEEDS, QemuFeature};
pub use option::QemuOption;
