//! Why there is no kernel image, and whose fault that is.

use super::config::{BadFragment, Dropped};
use crate::host::command::RunError;
use crate::host::fault::{Fault, Faulty};
use crate::host::interrupt::Interrupted;
use crate::host::lock::LockError;
use crate::series::SeriesError;
use crate::setup::SourcesError;
use std::io;
use std::path::PathBuf;

/// Why there is no kernel image.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// The path that was given does not exist.
    #[error("no kernel at {}: {cause}", .path.display())]
    NoSuchPath {
        /// The path.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// A version that cannot be had.
    #[error("there is no linux {word} to be had: {reason}")]
    NoVersion {
        /// What was asked for.
        word: String,
        /// Why not.
        reason: String,
    },
    /// A word that means no kernel.
    #[error(
        "'{word}' is no kernel: it is no version (7.2, 7.3 or 7.3.4), nothing lies at that path, and {at}; \
         sources in the cache: {cached}"
    )]
    NoSuchKernel {
        /// The word.
        word: String,
        /// What came of looking for a git ref in it.
        at: String,
        /// The releases that are in the cache.
        cached: String,
    },
    /// A git ref that a tree does not have.
    #[error("the repository in {dir} has no commit or tree '{name}': {why}", dir = .dir.display())]
    NoSuchRef {
        /// The tree.
        dir: PathBuf,
        /// The ref.
        name: String,
        /// What git said.
        why: String,
    },
    /// A folder without a kernel's Makefile.
    #[error("{} is not a Linux source tree: its Makefile does not say VERSION and PATCHLEVEL", .0.display())]
    NotATree(PathBuf),
    /// A file that is no x86 bzImage.
    #[error("{path} is not an x86 bzImage: {reason}", path = .path.display())]
    NotAnImage {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A tree that lacks DAMON, or the part of it that damonlab tests.
    #[error("linux {release} in {dir} has no {lacks}: wanted {wanted} or newer", dir = .dir.display())]
    TooOld {
        /// The tree.
        dir: PathBuf,
        /// Its version.
        release: String,
        /// What it does not have.
        lacks: &'static str,
        /// The oldest version that has it.
        wanted: &'static str,
    },
    /// A file name that damonlab's lists cannot carry.
    #[error("{} has a file whose name is not UTF-8 or has a line break: {name:?}", .dir.display())]
    BadName {
        /// The tree.
        dir: PathBuf,
        /// The name, lossily.
        name: String,
    },
    /// The tree changed while it was being copied.
    #[error("{} changed while it was being copied: run again", .0.display())]
    Moving(PathBuf),
    /// Patches that cannot be read.
    #[error(transparent)]
    Series(#[from] SeriesError),
    /// A patch that does not fit just as it is, where that was asked for.
    #[error("--strict: {} of the patches' hunks do not fit {to} just as they are:{}", .inexact.len(), lines(.inexact))]
    Inexact {
        /// The source.
        to: String,
        /// What does not, a line each.
        inexact: Vec<String>,
    },
    /// A patch that does not apply.
    #[error("the patch {} does not apply to {to}: {problem}", .patch.display())]
    PatchRefused {
        /// The patch.
        patch: PathBuf,
        /// The source it was applied to.
        to: String,
        /// Which file and which hunk.
        problem: String,
    },
    /// A line of a config fragment that is none.
    #[error(transparent)]
    BadFragment(#[from] BadFragment),
    /// Requested symbols that the kernel's configuration did not take.
    #[error("the kernel did not take {} of the requested options:{}", .0.len(), dropped_lines(.0))]
    Dropped(Vec<Dropped>),
    /// The compiler refused.
    #[error("the kernel does not compile:\n{excerpt}\nthe whole log: {}", .log.display())]
    Compile {
        /// The first error with what surrounds it.
        excerpt: String,
        /// The log.
        log: PathBuf,
    },
    /// make failed, and not because of the source.
    #[error("the build of the kernel failed:\n{excerpt}\nthe whole log: {}", .log.display())]
    Make {
        /// The end of the log.
        excerpt: String,
        /// The log.
        log: PathBuf,
    },
    /// make cannot work in such a folder.
    #[error("the kernel's build cannot work in {}: the path has a blank or a colon; set XDG_CACHE_HOME to another", .0.display())]
    CachePath(PathBuf),
    /// A release came neither from Debian nor from kernel.org.
    #[error("cannot fetch linux {wanted}\n  Debian's archive: {debian}\n  kernel.org: {mirror}")]
    Fetch {
        /// What was asked for.
        wanted: String,
        /// What went wrong with Debian's archive.
        debian: Box<KernelError>,
        /// What went wrong with kernel.org.
        mirror: Box<KernelError>,
    },
    /// There is nothing to fetch from kernel.org with.
    #[error("no curl in PATH; `apt-get install curl ca-certificates` brings it")]
    NoCurl,
    /// A download that is not what its list of checksums says.
    #[error("{file} does not have the checksum of {list}: wanted {wanted}, found {found}")]
    Checksum {
        /// The download.
        file: String,
        /// The list.
        list: String,
        /// The list's checksum; "no entry" if it has none.
        wanted: String,
        /// The download's.
        found: String,
    },
    /// The machine's apt sources.
    #[error(transparent)]
    Sources(#[from] SourcesError),
    /// A list of checksums without such a release.
    #[error("{list} names no release of linux {wanted}")]
    NotListed {
        /// The list.
        list: String,
        /// What was asked for.
        wanted: String,
    },
    /// The archive has no such package, or not in that version.
    #[error("the suite {suite} has no package {package}{others}")]
    NoPackage {
        /// The versions that it has instead, in words; empty where it has none.
        others: String,
        /// The package.
        package: String,
        /// The suite.
        suite: String,
    },
    /// A program failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A lock.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The user asked to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// A file of the cache or of a source.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Faulty for KernelError {
    fn fault(&self) -> Fault {
        use KernelError as E;
        match self {
            E::Series(error) => error.fault(),
            E::Run(error) => error.fault(),
            E::Lock(error) => error.fault(),
            E::Interrupted(stop) => stop.fault(),
            E::Fetch { mirror, .. } if mirror.is_interrupt() => Fault::Interrupted,
            E::NoSuchPath { .. }
            | E::NoVersion { .. }
            | E::NoSuchKernel { .. }
            | E::NoSuchRef { .. }
            | E::NotATree(_)
            | E::NotAnImage { .. }
            | E::TooOld { .. }
            | E::BadName { .. }
            | E::Moving(_)
            | E::Inexact { .. }
            | E::PatchRefused { .. }
            | E::BadFragment(_)
            | E::Dropped(_)
            | E::Compile { .. } => Fault::BadInput,
            E::Make { .. }
            | E::CachePath(_)
            | E::Fetch { .. }
            | E::NoCurl
            | E::Checksum { .. }
            | E::Sources(_)
            | E::NotListed { .. }
            | E::NoPackage { .. }
            | E::Io(_) => Fault::Infra,
        }
    }
}

fn lines(told: &[String]) -> String {
    told.iter().map(|one| format!("\n  {one}")).collect()
}

impl KernelError {
    /// What was to be built is why there is no kernel, and not the host. make itself fails where the linker does.
    pub fn is_the_sources(&self) -> bool {
        matches!(self, KernelError::Compile { .. } | KernelError::Make { .. } | KernelError::Dropped(_))
    }
}

fn dropped_lines(dropped: &[Dropped]) -> String {
    dropped.iter().map(|one| format!("\n  {one}")).collect()
}
