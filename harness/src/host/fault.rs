//! Whose fault an error is. Every error type of the crate answers for itself, so that the command line needs no table
//! of them to choose an exit status.

use std::io;

/// Who has to act before the same command can succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The user: what was typed, a scenario, a patch or a kernel source is wrong.
    BadInput,
    /// The machine: a tool, the disk, the network or QEMU failed.
    Infra,
    /// Nobody: the user asked to stop.
    Interrupted,
}

/// An error that knows whose fault it is.
pub trait Faulty {
    /// Whose fault it is.
    fn fault(&self) -> Fault;

    /// Whether the user asked to stop.
    fn is_interrupt(&self) -> bool {
        self.fault() == Fault::Interrupted
    }
}

impl Faulty for io::Error {
    fn fault(&self) -> Fault {
        Fault::Infra
    }
}

impl<T: Faulty + ?Sized> Faulty for Box<T> {
    fn fault(&self) -> Fault {
        (**self).fault()
    }
}
