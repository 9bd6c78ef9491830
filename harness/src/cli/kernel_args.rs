//! Which kernel, and what is changed in it: the arguments of every verb that runs on one.

use super::error::CliError;
use super::values;
use crate::host::progress::Progress;
use crate::kernel::{
    BuildIn, Changes, ConfigPart, KernelError, Origins, Profile, Request, SeriesLabel, Source,
};
use crate::series::{self, Patch};
use clap::Args;
use std::path::PathBuf;

/// Which kernel, and what is changed in it.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct KernelArgs {
    /// The kernel: a release (7.2 or 7.3 for its newest, 7.3.4 for that one; 6.12 is the oldest series), a source tree,
    /// TREE@REF for a git ref in it, the tarball linux-VERSION.tar.xz with its checksum beside it, or a bzImage [default:
    /// 7.3]. All but a bzImage get the patches of patches/ for their
    /// release (docs/kernels.md).
    #[arg(long, value_name = "VERSION|DIR|DIR@REF|bzImage")]
    pub(super) kernel: Option<PathBuf>,
    /// A patch series on top: an mbox, a maildir, a folder of .patch files or of quilt, a mail, or
    /// REPOSITORY:BASE..TOPIC; files may be packed by gzip. May be given more than once. damonlab reports what it leaves out, and what does not apply exactly. To build a series runs
    /// its Makefiles and scripts, as you; for a stranger's series see --build-in.
    #[arg(long, value_name = "PATH", value_parser = values::path())]
    pub(super) series: Vec<PathBuf>,
    /// Refuse a patch that applies only with less context, at another place or merged.
    #[arg(long)]
    pub(super) strict: bool,
    /// Pass over a patch that the source has already (its reverse applies) instead of refusing it.
    #[arg(long)]
    pub(super) skip_applied: bool,
    /// A patch on top of everything else. May be given more than once.
    #[arg(long = "patch", value_name = "FILE", value_parser = values::path())]
    pub(super) patches: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) config: ConfigArgs,
}

/// How the kernel is configured.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ConfigArgs {
    /// fast: what the scenarios need (the default). debug: also KASAN, lockdep, DEBUG_VM and kmemleak, and a warning is
    /// a panic; several times slower. kunit: with DAMON's KUnit suites. host-root: can read the host's files, for
    /// selftests and damo. coverage: counts the lines that it executes, for `damonlab coverage`. May be given more than once.
    #[arg(long = "profile", value_name = "fast|debug|kunit|host-root|coverage")]
    pub(super) profiles: Vec<Profile>,
    /// A config fragment on top of kernel-config/ and the profile. May be given more than once.
    #[arg(long = "config", value_name = "FRAGMENT", value_parser = values::path())]
    pub(super) fragments: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) build: BuildArgs,
}

/// Where a kernel is built.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct BuildArgs {
    /// Where make and the scripts of the source run. host (the default): as you, with all your files; a series' Makefiles
    /// and scripts can do what you can. bwrap: in bubblewrap, without network and without your files (docs/SECURITY.md).
    #[arg(long, value_name = "host|bwrap")]
    pub(super) build_in: Option<BuildIn>,
}

impl KernelArgs {
    /// The same kernel with `profile` besides.
    pub(super) fn with_profile(&self, profile: Profile) -> KernelArgs {
        let mut arguments = self.clone();
        arguments.config.profiles.push(profile);
        arguments
    }

    /// Refuses what is about patches where there are none. damonlab's own fit the releases that they are for exactly, a
    /// tree perhaps not.
    fn check_without_patches(&self, request: &Request) -> Result<(), CliError> {
        let is_tree = matches!(request, Request::Build(build) if !matches!(build.source, Source::Release(_) | Source::Tarball(_)));
        if self.skip_applied {
            return Err(CliError::NeedsPatch("--skip-applied"));
        }
        if self.strict && !is_tree {
            return Err(CliError::NeedsPatch("--strict"));
        }
        Ok(())
    }

    /// The user's patches: those of the series, then the others.
    pub(super) fn patches(&self) -> Result<Vec<Patch>, CliError> {
        let mut patches = if self.series.is_empty() {
            Vec::new()
        } else {
            series::read(&self.series).map_err(KernelError::from)?.patches
        };
        patches.extend(series::read_patches(&self.patches).map_err(KernelError::from)?);
        Ok(patches)
    }

    /// The kernel that they ask for.
    pub(super) fn request(&self, origins: &Origins, progress: &Progress) -> Result<Request, CliError> {
        let kernel = match &self.kernel {
            None => Request::default(),
            Some(word) => Request::parse(word, origins)?,
        };
        let mut changes = Changes {
            strict: self.strict,
            skip_applied: self.skip_applied,
            config: self.config.parts(),
            build_in: self.config.build.build_in,
            ..Changes::default()
        };
        if !self.series.is_empty() {
            let series = series::read(&self.series).map_err(KernelError::from)?;
            series.notes.iter().for_each(|what| progress.say(&format!("series: {what}")));
            changes.series = Some(SeriesLabel { name: series.name(), patches: series.patches.len() });
            changes.patches = series.patches;
        }
        changes.patches.extend(series::read_patches(&self.patches).map_err(KernelError::from)?);
        let has_patches = !changes.patches.is_empty();
        let request = kernel.with(changes)?;
        if !has_patches {
            self.check_without_patches(&request)?;
        }
        self.config.build.check(origins)?;
        Ok(request)
    }
}

impl BuildArgs {
    /// `kernel`, built where the user wants it.
    pub(super) fn request(&self, kernel: Request, origins: &Origins) -> Result<Request, CliError> {
        self.check(origins)?;
        Ok(kernel.with(Changes { build_in: self.build_in, ..Changes::default() })?)
    }

    /// Refuses a confinement that does not work here.
    pub(super) fn check(&self, origins: &Origins) -> Result<(), CliError> {
        Ok(self.build_in.unwrap_or_default().check(&origins.env.path)?)
    }
}

impl ConfigArgs {
    /// The profiles, then the fragments.
    fn parts(&self) -> Vec<ConfigPart> {
        let profiles = self.profiles.iter().copied().map(ConfigPart::Profile);
        profiles.chain(self.fragments.iter().cloned().map(ConfigPart::Fragment)).collect()
    }
}
