//! `damonlab kernel`: builds, inspects, lists and removes kernels.

use super::error::{CliError, VerbResult};
use super::kernel_args::KernelArgs;
use super::output::{self, FormatArgs};
use crate::grammar;
use crate::host::paths;
use crate::host::progress::Progress;
use crate::kernel::{self, Origins};
use crate::report::{self, KernelCache, Listing};
use crate::scenario;
use crate::setup::{self, Env};
use crate::vm;
use clap::{Args, Subcommand};
use std::path::Path;

/// What to do with kernels.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Build a kernel, or find it in the cache, and print where it is.
    #[command(after_help = "Example: damonlab kernel build --kernel ~/linux --series v3.mbox")]
    Build(Arguments),
    /// Report which DAMON features that scenarios may need a kernel has, which not, and what it has that damonlab does not
    /// know. Builds the kernel, and boots a small guest once.
    #[command(after_help = "Example: damonlab kernel has --kernel 7.2")]
    Has(Arguments),
    /// List the kernels in the cache, and what they take there.
    #[command(after_help = "Example: damonlab kernel list")]
    List(FormatArgs),
    /// Remove an image by the beginning of its key, or a source with all its builds. What a run uses stays.
    #[command(after_help = "Example: damonlab kernel rm 3f2a91")]
    Rm {
        /// The beginning of one image's key, or a source's name.
        name: String,
        #[command(flatten)]
        format: FormatArgs,
    },
}

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    kernel: KernelArgs,
    #[command(flatten)]
    format: FormatArgs,
}

pub(super) fn kernel(verb: &Verb) -> VerbResult {
    match verb {
        Verb::Build(arguments) => build(arguments)?,
        Verb::Has(arguments) => has(arguments)?,
        Verb::List(format) => output::list(&cache(&paths::cache()?).listing(), *format)?,
        Verb::Rm { name, format } => output::list(&remove(name)?, *format)?,
    }
    Ok(0)
}

fn build(arguments: &Arguments) -> Result<(), CliError> {
    let (origins, progress) = (Origins::of(Env::machine()?), Progress::stderr());
    let image = kernel::obtain(&arguments.kernel.request(&origins, &progress)?, &origins, &progress)?;
    output::list(&report::kernel(&image), arguments.format)
}

fn has(arguments: &Arguments) -> Result<(), CliError> {
    let (origins, progress) = (Origins::of(Env::machine()?), Progress::stderr());
    let request = arguments.kernel.request(&origins, &progress)?;
    let tools = setup::tools(&origins.env, request.work())?;
    let image = kernel::obtain(&request, &origins, &progress)?;
    let all = scenario::all_needs();
    let probed = vm::probed_features(&origins.env.cache, &tools, &image, &all, &progress)?;
    output::list(&report::kernel_features(&image, &all, &probed), arguments.format)
}

/// What is in the cache of kernels.
pub(super) fn cache(cache: &Path) -> KernelCache {
    KernelCache {
        images: kernel::cached_images(cache),
        folders: kernel::cache_folders(cache),
        limit: kernel::limit(),
    }
}

fn remove(name: &str) -> Result<Listing, CliError> {
    let folder = paths::cache()?;
    let removed = kernel::remove(&folder, name)?;
    if removed.is_empty() {
        let held = kernel::cache_folders(&folder);
        let known = held.iter().map(|one| one.name.as_str());
        let help = grammar::or_list(name, known, "damonlab kernel list");
        return Err(CliError::Unknown { kind: "kernel in the cache", name: name.to_owned(), help });
    }
    Ok(report::removed_kernels(&removed))
}
