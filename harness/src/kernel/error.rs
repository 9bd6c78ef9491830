//! Why there is no kernel image, and whose fault that is.

use super::config::{BadFragment, Dropped};
use crate::host::command::RunError;
use crate::host::fault::{Fault, Faulty};
use crate::host::interrupt::Interrupted;
use crate::host::lock::LockError;
use crate::host::text::{foreign, quote, shown};
use crate::series::SeriesError;
use crate::setup::{SourcesError, ourselves};
use std::fmt::Display;
use std::io;
use std::path::PathBuf;

/// Why there is no kernel image.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// A kernel or a config fragment does not exist.
    #[error("cannot read {}: {cause}", shown(.path))]
    NoSuchPath {
        /// The path.
        path: PathBuf,
        /// The system's error.
        cause: io::Error,
    },
    /// A version that is not available.
    #[error("linux {} is not available: {reason}", foreign(.version))]
    NoVersion {
        /// The version.
        version: String,
        /// Why not.
        reason: String,
    },
    /// A value of `--kernel` that names no kernel.
    #[error(
        "'{}' is not a kernel: it is not a version (7.2, 7.3 or 7.3.4), no file has that path, and {at}; sources in \
         the cache: {cached}",
        foreign(.name)
    )]
    NoSuchKernel {
        /// The value.
        name: String,
        /// Why it is not a git ref either.
        at: String,
        /// The releases in the cache.
        cached: String,
    },
    /// A git ref that a tree does not have.
    #[error("the repository in {dir} has no commit or tree '{}': {}", foreign(.name), quote(.why), dir = shown(.dir))]
    NoSuchRef {
        /// The tree.
        dir: PathBuf,
        /// The ref.
        name: String,
        /// git's error.
        why: String,
    },
    /// A folder without a kernel's Makefile.
    #[error("{} is not a Linux source tree: its Makefile does not set VERSION and PATCHLEVEL", shown(.0))]
    NotATree(PathBuf),
    /// A file that is not an x86 bzImage.
    #[error("{path} is not an x86 bzImage: {reason}", path = shown(.path))]
    NotAnImage {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A bzImage where something needs a source.
    #[error(
        "{path} is a bzImage, which is booted as it is: it has no source for {what}; give the tree that it was built from \
         (DIR or DIR@REF), or leave that out",
        path = shown(.path)
    )]
    ImageHasNoSource {
        /// The bzImage.
        path: PathBuf,
        /// What needs the source.
        what: String,
    },
    /// A bzImage that is shorter than its header says.
    #[error(
        "{path} is cut off: its header announces {wanted} bytes, and the file has {found}; copy or build it again",
        path = shown(.path)
    )]
    CutOff {
        /// The file.
        path: PathBuf,
        /// The size in its header.
        wanted: u64,
        /// The size of the file.
        found: u64,
    },
    /// A tree without DAMON, or without the part of it that damonlab tests.
    #[error("linux {} in {dir} has no {missing}: wanted {wanted} or newer", foreign(.release), dir = shown(.dir))]
    TooOld {
        /// The tree.
        dir: PathBuf,
        /// Its version.
        release: String,
        /// What it does not have.
        missing: &'static str,
        /// The oldest version that has it.
        wanted: &'static str,
    },
    /// A file name that damonlab's lists cannot store.
    #[error("{} has a file whose name is not UTF-8 or has a line break: {}", shown(.dir), foreign(.name))]
    BadName {
        /// The tree.
        dir: PathBuf,
        /// The name, lossily.
        name: String,
    },
    /// The tree changed while it was being copied.
    #[error("{} changed while it was being copied: run again", shown(.0))]
    ChangedDuringCopy(PathBuf),
    /// Patches that cannot be read.
    #[error(transparent)]
    Series(#[from] SeriesError),
    /// Hunks that do not fit exactly, with `--strict`.
    #[error("--strict: {} of the patches' hunks do not fit {to} exactly:{}", .inexact.len(), lines(.inexact))]
    Inexact {
        /// The source.
        to: String,
        /// The hunks, a line each.
        inexact: Vec<String>,
    },
    /// Patches that the source has already.
    #[error(
        "{} of the {of} patches {} in {to} already, as their reverse applies:{}\n--skip-applied passes over them",
        .already.len(), if .already.len() == 1 { "is" } else { "are" }, lines(.already)
    )]
    AlreadyApplied {
        /// The source.
        to: String,
        /// Their titles.
        already: Vec<String>,
        /// How many patches there are, the bundled ones included.
        of: usize,
    },
    /// A patch that does not apply.
    #[error("the patch {} does not apply to {to}: {problem}", shown(.patch))]
    PatchRefused {
        /// The patch.
        patch: PathBuf,
        /// The source.
        to: String,
        /// The files and hunks.
        problem: String,
    },
    /// A malformed line of a config fragment.
    #[error(transparent)]
    BadFragment(#[from] BadFragment),
    /// Requested options that are not in the finished configuration.
    #[error("{} of the requested options are not in the kernel's configuration:{}", .0.len(), lines(.0))]
    Dropped(Vec<Dropped>),
    /// The compiler or the linker rejects the source.
    #[error("the kernel does not compile:\n{excerpt}\nthe whole log: {}", shown(.log))]
    Compile {
        /// The first error with its context.
        excerpt: String,
        /// The log.
        log: PathBuf,
    },
    /// make failed for another reason.
    #[error("the build of the kernel failed:\n{excerpt}\nthe whole log: {}", shown(.log))]
    Make {
        /// The end of the log.
        excerpt: String,
        /// The log.
        log: PathBuf,
    },
    /// bubblewrap is missing, or the host does not let it work.
    #[error(
        "a build cannot run in bubblewrap here: {0}\n`damonlab setup --with bubblewrap` installs it; the host must allow \
         user namespaces (docs/SECURITY.md)"
    )]
    NoConfinement(RunError),
    /// A confined build has left a link or a device where damonlab reads or writes.
    #[error(
        "{} is no plain file: the build has put a link or a device there, which leads out of its folder. Nothing was read \
         from it. Do not build this source outside of bubblewrap; remove its build folder",
        shown(.0)
    )]
    LeadsOut(PathBuf),
    /// make cannot work in the cache folder.
    #[error("cannot build a kernel in {}: the path has a blank or a colon; set XDG_CACHE_HOME to another folder", shown(.0))]
    CachePath(PathBuf),
    /// The beginning of a key is that of several images.
    #[error("several kernels in the cache have a key that begins with '{name}': {}; use more of its characters", .keys.join(", "))]
    SeveralKeys {
        /// What was typed.
        name: String,
        /// The keys.
        keys: Vec<String>,
    },
    /// A run uses what was to be removed.
    #[error("{0} is in use by another damonlab; remove it when that has ended")]
    InUse(String),
    /// A release could be fetched neither from Debian nor from kernel.org.
    #[error("cannot fetch linux {wanted}\n  Debian's archive: {debian}\n  kernel.org: {mirror}")]
    Fetch {
        /// The requested release.
        wanted: String,
        /// The error of Debian's archive.
        debian: Box<KernelError>,
        /// The error of kernel.org.
        mirror: Box<KernelError>,
    },
    /// A machine that is not Debian.
    #[error("not asked on {}", foreign(.0))]
    NotDebian(String),
    /// curl, which fetches from kernel.org, is missing.
    #[error("no curl in PATH; `{}` names the package that has it", ourselves("doctor"))]
    NoCurl,
    /// A file that should be a tarball of a release.
    #[error(
        "{} is not the tarball of a release, which is named linux-VERSION.tar.xz (of other sources, unpack it and give the \
         folder)", shown(.0)
    )]
    NoTarball(PathBuf),
    /// A tarball without a checksum.
    #[error(
        "{path} cannot be checked: there is neither {path}.sha256 nor a sha256sums.asc beside it; put kernel.org's list there, \
         or write the output of `sha256sum` for it", path = shown(.0)
    )]
    Unchecked(PathBuf),
    /// The given tarball is of another release.
    #[error("DAMONLAB_SOURCE is {}, which is not linux {wanted}; unset it, or give the tarball of that release", shown(.path))]
    OtherTarball {
        /// The tarball.
        path: PathBuf,
        /// The requested release.
        wanted: String,
    },
    /// A download with another checksum than its list says.
    #[error("{file} does not have the checksum of {list}: wanted {wanted}, found {}", foreign(.found))]
    Checksum {
        /// The download.
        file: String,
        /// The list.
        list: String,
        /// The checksum in the list.
        wanted: String,
        /// The checksum of the download.
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
        /// The requested release.
        wanted: String,
    },
    /// The archive has no such package, or not in that version.
    #[error("{suites} have no package {package}{others}")]
    NoPackage {
        /// The versions that it has instead, as text; empty if it has none.
        others: String,
        /// The package.
        package: String,
        /// The suites.
        suites: String,
    },
    /// A program failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A lock could not be taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The user asked to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// A file of the cache or of a source cannot be used.
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
            | E::NoTarball(_)
            | E::Unchecked(_)
            | E::OtherTarball { .. }
            | E::NoSuchRef { .. }
            | E::NotATree(_)
            | E::NotAnImage { .. }
            | E::ImageHasNoSource { .. }
            | E::CutOff { .. }
            | E::TooOld { .. }
            | E::BadName { .. }
            | E::SeveralKeys { .. }
            | E::ChangedDuringCopy(_)
            | E::Inexact { .. }
            | E::AlreadyApplied { .. }
            | E::PatchRefused { .. }
            | E::BadFragment(_)
            | E::Dropped(_)
            | E::LeadsOut(_)
            | E::Compile { .. } => Fault::BadInput,
            E::NoConfinement(error) => error.fault(),
            E::Make { .. }
            | E::CachePath(_)
            | E::InUse(_)
            | E::Fetch { .. }
            | E::NoCurl
            | E::NotDebian(_)
            | E::Checksum { .. }
            | E::Sources(_)
            | E::NotListed { .. }
            | E::NoPackage { .. }
            | E::Io(_) => Fault::Infra,
        }
    }
}

fn lines(all: &[impl Display]) -> String {
    all.iter().map(|one| format!("\n  {one}")).collect()
}

impl KernelError {
    /// Whether the source, the patches or the configuration are the reason, and not the host. `Make` is among them: a
    /// linker error appears as a failure of make.
    pub fn does_not_build(&self) -> bool {
        matches!(self, KernelError::Compile { .. } | KernelError::Make { .. } | KernelError::Dropped(_))
    }
}
