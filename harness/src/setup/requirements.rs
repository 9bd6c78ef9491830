//! The table of what damonlab needs on the machine.

use super::version::Version;
use std::fmt;

/// A program or a library that damonlab uses.
#[derive(Debug)]
pub(super) struct Requirement {
    /// Its name in a report.
    pub name: &'static str,
    /// What damonlab uses it for.
    pub purpose: &'static str,
    /// How it is detected.
    pub detect: Detect,
    /// The Debian package that has it; `distributions.txt` has the others' by it.
    pub package: &'static str,
    /// Whether damonlab works without it.
    pub importance: Importance,
    /// What does not work without it.
    pub work: Work,
}

/// What a tool is for. Each includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// To run a guest on a kernel that is there.
    Guest,
    /// To build a kernel, or to find a built one: its name depends on patches and compiler.
    Kernel,
}

/// How a requirement is detected.
#[derive(Debug)]
pub(super) enum Detect {
    /// An executable in `PATH`.
    Program(&'static str),
    /// An executable in `PATH` whose `--version` is at least this one.
    ProgramAtLeast(&'static str, Version),
    /// A C header below `/usr/include`.
    Header(&'static str),
    /// `python3` can make virtual environments with pip.
    PythonVenv,
}

/// What to look for in a distribution that damonlab does not know.
impl fmt::Display for Detect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Detect::Program(name) => write!(f, "the program {name}"),
            Detect::ProgramAtLeast(name, version) => write!(f, "the program {name}, {version} or newer"),
            Detect::Header(name) => write!(f, "the library with the header {name}"),
            Detect::PythonVenv => f.write_str("Python's modules venv and ensurepip"),
        }
    }
}

/// Whether damonlab works without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Importance {
    /// damonlab does not work without it.
    Required,
    /// It does; the purpose names what is lost.
    Optional,
}

/// The oldest virtme-ng with the command line that damonlab uses.
pub(super) fn oldest_virtme_ng() -> Version {
    Version::of(1, 39)
}

/// The whole table, in the order of a report.
///
/// It does not have perl: with damonlab's fragments the build of 7.3 does not call it.
pub(super) fn all() -> Vec<Requirement> {
    use Detect::{Program, ProgramAtLeast, PythonVenv};
    // The oldest that was tested (docs/facts/qemu.md). 9.0.0 dies of the query for a machine's properties.
    let qemu = ProgramAtLeast("qemu-system-x86_64", Version::of(10, 0));
    let mut table = vec![
        required("QEMU", "boots the guest, with NUMA nodes and CXL memory", qemu, "qemu-system-x86"),
        required("python3", "runs virtme-ng", Program("python3"), "python3"),
        required(
            "python3-venv",
            "keeps virtme-ng apart from the system's Python",
            PythonVenv,
            "python3-venv",
        ),
        required("file", "virtme-ng reads a kernel's version with it", Program("file"), "file"),
    ];
    table.extend(for_kernels());
    table
}

fn for_kernels() -> Vec<Requirement> {
    use Detect::{Header, Program};
    let git = "applies patches, lists the files of a kernel tree";
    let mut table = vec![required("git", git, Program("git"), "git")];
    let build = "builds the kernel";
    for (name, package) in [
        ("gcc", "gcc"),
        ("ld", "binutils"),
        ("strings", "binutils"),
        ("make", "make"),
        ("flex", "flex"),
        ("bison", "bison"),
        ("bc", "bc"),
        ("tar", "tar"),
        ("xz", "xz-utils"),
    ] {
        table.push(required(name, build, Program(name), package));
    }
    for (name, header, package) in [
        ("libc headers", "stdio.h", "libc6-dev"),
        ("libelf headers", "libelf.h", "libelf-dev"),
        ("OpenSSL headers", "openssl/ssl.h", "libssl-dev"),
    ] {
        table.push(required(name, build, Header(header), package));
    }
    table.push(required(
        "ccache",
        "builds a kernel again in a fraction of the time",
        Program("ccache"),
        "ccache",
    ));
    let purpose = "fetches the kernel from kernel.org or a mirror";
    let curl = required("curl", purpose, Program("curl"), "curl");
    table.push(Requirement { importance: Importance::Optional, ..curl });
    let purpose = "reads which lines of the kernel ran, for damonlab coverage";
    let gcov = required("gcov", purpose, Program("gcov"), "gcc");
    table.push(Requirement { importance: Importance::Optional, ..gcov });
    table.into_iter().map(|requirement| Requirement { work: Work::Kernel, ..requirement }).collect()
}

fn required(name: &'static str, purpose: &'static str, detect: Detect, package: &'static str) -> Requirement {
    let (importance, work) = (Importance::Required, Work::Guest);
    Requirement { name, purpose, detect, package, importance, work }
}
