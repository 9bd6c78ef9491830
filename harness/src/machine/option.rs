//! QEMU's options, taken apart: the drawing and the needed features are read from the arguments that QEMU gets.

use super::Argv;
use std::fmt;

/// An option and its value: `-device cxl-rp,port=0,...`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QemuOption<'a> {
    /// With its dash.
    pub name: &'a str,
    /// All of it, commas and all.
    pub value: &'a str,
}

impl Argv {
    /// QEMU's options, in order. Every one of ours has a value.
    pub fn options(&self) -> impl Iterator<Item = QemuOption<'_>> {
        self.qemu.chunks_exact(2).map(|pair| QemuOption { name: &pair[0], value: &pair[1] })
    }
}

impl<'a> QemuOption<'a> {
    /// What kind of thing it makes: the first part, unless that is a property already.
    pub fn kind(&self) -> Option<&'a str> {
        self.value.split(',').next().filter(|part| !part.contains('='))
    }

    /// Its properties, in order; a key may come again.
    pub fn properties(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.value.split(',').filter_map(|part| part.split_once('='))
    }

    /// The value of a property.
    pub fn property(&self, key: &str) -> Option<&'a str> {
        self.properties().find(|(found, _)| *found == key).map(|(_, value)| value)
    }
}

impl fmt::Display for QemuOption<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.value)
    }
}
