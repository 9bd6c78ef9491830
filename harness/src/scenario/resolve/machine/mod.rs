//! The machine: do its nodes, CPUs, distances, speeds and CXL windows make a machine that QEMU and the
//! kernel take, and in which slow memory is a tier of its own?

mod cxl;
mod distances;
mod hmat;
mod limits;
mod nodes;
mod placement;
mod speed;
mod whole;

pub(super) use cxl::ACROSS;
pub(super) use whole::check_virtual_time;
pub(in crate::scenario) use whole::resolve;
#[cfg(test)]
pub(crate) use whole::{machine_of, try_machine_of};
