//! Helpers for tests with a real QEMU.

use crate::host::{paths, variables};
use std::path::PathBuf;

/// The real QEMU; none, and the test is skipped, if it is not installed and `DAMONLAB_REQUIRE` does not require it.
pub(crate) fn qemu() -> Option<PathBuf> {
    let name = "qemu-system-x86_64";
    let found = paths::find_program(&std::env::var_os("PATH").unwrap_or_default(), name);
    if found.is_none() {
        assert!(!variables::is(variables::REQUIRE, "vm"), "{name} is not installed");
        eprintln!("skipped: {name} is not installed");
    }
    found
}
