//! From a request to an image: found in the cache, or built.

use super::apply::{Applied, PASSED_OVER};
use super::build::Build;
use super::cache_layout::source_lock;
use super::confinement::BuildIn;
use super::error::KernelError;
use super::image::{self, About, Image, find, foreign};
use super::inputs::Inputs;
use super::instrument::Instrumented;
use super::listing::Listing;
use super::release::Origins;
use super::request::{BuildRequest, Request};
use super::source::Source;
use super::source_facts::SourceFacts;
use super::source_tree::SourceTree;
use super::working_copy::{self, Origin, WorkingCopy};
use super::{bundled_patches, cached_images, evict, late_facts};
use crate::host::lock::Lock;
use crate::host::names::Key;
use crate::host::progress::Progress;
use fs_err as fs;
use std::path::Path;

/// The image for `request`, from the cache or built. To make room for a new one, the longest unused ones are removed.
///
/// `origins` says where releases come from; its cache has everything.
pub fn obtain(request: &Request, origins: &Origins, progress: &Progress) -> Result<Image, KernelError> {
    match request {
        Request::Image(path) => foreign(path),
        Request::Build(request) => obtain_build(request, origins, progress),
    }
}

/// The same for a kernel that has a source.
pub fn obtain_build(
    request: &BuildRequest,
    origins: &Origins,
    progress: &Progress,
) -> Result<Image, KernelError> {
    let source_tree = source_tree(request, origins, progress)?;
    let image = cached_or_built(request, &source_tree, origins, progress)?;
    if !image.cached
        && let Err(cause) = evict::make_room(&origins.env.cache, evict::limit(), progress)
    {
        progress.say(&format!("kernel: cannot remove old kernels from the cache: {cause}"));
    }
    Ok(image)
}

/// The source of `request`, fetched if it is not here.
pub(super) fn source_tree(
    request: &BuildRequest,
    origins: &Origins,
    progress: &Progress,
) -> Result<SourceTree, KernelError> {
    match &request.source {
        Source::Release(wanted) => Ok(SourceTree::of_release(origins.obtain(wanted, progress)?)),
        Source::Tarball(path) => Ok(SourceTree::of_release(origins.of_tarball(path, progress)?)),
        Source::Tree(dir) => SourceTree::of_tree(dir),
        Source::Ref { dir, name } => SourceTree::of_ref(dir, name),
    }
}

fn cached_or_built(
    request: &BuildRequest,
    source_tree: &SourceTree,
    origins: &Origins,
    progress: &Progress,
) -> Result<Image, KernelError> {
    let cache = &origins.env.cache;
    let bundled = bundled_patches::of(&request.project, source_tree, &request.patches)?;
    let bundled_count = bundled.patches.len();
    let inputs = Inputs::of(request, bundled.patches, origins)?;
    let cached = |key: &Key| cached(request, source_tree, &inputs, cache, key, progress);
    let known = source_tree.known_by();
    // The key of the image is known without a list of files.
    if let Some(image) = known.as_ref().map(|source| cached(&inputs.key(source))).transpose()?.flatten() {
        return Ok(image);
    }
    check_place(cache)?;
    // A patch that does not apply is reported before any waiting. A tree may change until it is listed.
    let early = known.is_some().then(|| source_tree.apply(&inputs.patches, request.rules())).transpose()?;
    let folder = cache.join("tree").join(&source_tree.id);
    let _lock =
        Lock::acquire(&source_lock(cache, &source_tree.id), "another damonlab to build from this source")?;
    fs::create_dir_all(&folder)?;
    let listing = source_tree.listing(&folder)?;
    let source = known.unwrap_or_else(|| listing.digest());
    let key = inputs.key(&source);
    if let Some(image) = cached(&key)? {
        return Ok(image);
    }
    bundled.note.iter().for_each(|note| progress.say(&format!("kernel: {note}")));
    let out = cache.join("build").join(request.build_name(source_tree));
    let applied = early.map_or_else(|| source_tree.apply(&inputs.patches, request.rules()), Ok)?;
    applied.report(progress);
    let describe =
        source_tree.describe(inputs.patches.len() - applied.already.len(), request.series.as_ref());
    let instrumented = inputs.counts().then(|| Instrumented::of(&applied.touched));
    let site = BuildSite {
        listing: &listing,
        copy: &WorkingCopy::in_folder(&folder),
        out: &out,
        cache,
        build_in: request.build_in,
        instrumented: instrumented.as_ref(),
    };
    compile(source_tree, &inputs, &applied, &describe, &site, progress)?;
    let notes = instrumented.as_ref().map(|objects| objects.notes(&out)).transpose()?.unwrap_or_default();
    let about = About {
        describe,
        inexact: applied.inexact,
        already: applied.already,
        source,
        facts: SourceFacts::of_tree(&site.copy.tree()),
        build: out.clone(),
        ..about(request, &inputs, bundled_count)
    };
    image::publish(cache, &key, &about, &notes)
}

/// make cannot build below such a path.
fn check_place(cache: &Path) -> Result<(), KernelError> {
    match cache.to_string_lossy().contains(|c: char| c.is_whitespace() || c == ':') {
        true => Err(KernelError::CachePath(cache.to_owned())),
        false => Ok(()),
    }
}

/// The image for `request`, if it is available without fetching or building anything. That is never known for a tree
/// without a ref, whose files have to be read first.
pub fn ready(request: &Request, origins: &Origins) -> Result<Option<Image>, KernelError> {
    match request {
        Request::Image(path) => foreign(path).map(Some),
        Request::Build(request) => Ok(key(request, origins)?.and_then(|key| find(&origins.env.cache, &key))),
    }
}

/// The key of the image for `request`; none if it is not known without fetching a source or reading all of a tree.
///
/// # Errors
/// A patch or a fragment cannot be read.
pub fn key(request: &BuildRequest, origins: &Origins) -> Result<Option<Key>, KernelError> {
    let Some(source_tree) = SourceTree::here(&request.source, origins)? else { return Ok(None) };
    let bundled = bundled_patches::of(&request.project, &source_tree, &request.patches)?;
    let inputs = Inputs::of(request, bundled.patches, origins)?;
    Ok(source_tree.known_by().map(|source| inputs.key(&source)))
}

/// Tries the patches of `request` on its source, if that is in the cache or a repository. Returns false if it is not.
///
/// # Errors
/// A patch cannot be read or does not apply.
pub fn applies(request: &BuildRequest, origins: &Origins) -> Result<bool, KernelError> {
    let Some(source_tree) = SourceTree::here(&request.source, origins)? else { return Ok(false) };
    let bundled = bundled_patches::of(&request.project, &source_tree, &request.patches)?;
    source_tree.apply(&request.on_top_of(bundled.patches), request.rules())?;
    Ok(true)
}

/// The image `key`, if it is in the cache. Inexact hunks are reported as when it was built.
fn cached(
    request: &BuildRequest,
    source_tree: &SourceTree,
    inputs: &Inputs,
    cache: &Path,
    key: &Key,
    progress: &Progress,
) -> Result<Option<Image>, KernelError> {
    let Some(image) = find(cache, key) else { return Ok(None) };
    let inexact = image::inexact(cache, key);
    if request.strict && !inexact.is_empty() {
        return Err(KernelError::Inexact { to: source_tree.name.clone(), inexact });
    }
    let already = image::already(cache, key);
    if !request.skip_applied && !already.is_empty() {
        let of = request.patches.len();
        return Err(KernelError::AlreadyApplied { to: source_tree.name.clone(), already, of });
    }
    let passed = already.iter().map(|title| format!("{title}: {PASSED_OVER}"));
    inexact.into_iter().chain(passed).for_each(|line| progress.say(&format!("kernel: {line}")));
    cached_images::mark_used(cache, key);
    progress.say(&format!("kernel: cached: {} ({key})", image.describe));
    Ok(Some(late_facts::completed(image, request, source_tree, &inputs.patches, cache)))
}

/// What is known about an image before it is built.
fn about(request: &BuildRequest, inputs: &Inputs, bundled: usize) -> About {
    About {
        patches: inputs.patches.iter().map(|patch| patch.path.to_string_lossy().into_owned()).collect(),
        bundled,
        bundled_digest: image::short_digest(&inputs.bytes_of_patches(bundled)),
        fragments: request.fragments.iter().map(|path| file_name(path)).collect(),
        compiler: inputs.toolchain.version.clone(),
        ..About::default()
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Where a kernel is built.
struct BuildSite<'a> {
    /// The files of the source.
    listing: &'a Listing,
    /// The working copy.
    copy: &'a WorkingCopy,
    /// The build folder.
    out: &'a Path,
    cache: &'a Path,
    build_in: BuildIn,
    /// The objects that count.
    instrumented: Option<&'a Instrumented>,
}

/// Updates the working copy and the build folder. The caller has the lock of the source.
fn compile(
    source_tree: &SourceTree,
    inputs: &Inputs,
    applied: &Applied,
    describe: &str,
    site: &BuildSite<'_>,
    progress: &Progress,
) -> Result<(), KernelError> {
    let BuildSite { listing, copy, out, cache, build_in, instrumented } = *site;
    let want = working_copy::overlaid(listing, &applied.touched);
    let files = source_tree.extract(&copy.stale(&want), &cache.join("tree").join(&source_tree.id))?;
    let origin = Origin { dir: &files.dir, listing, frozen: files.frozen };
    let changes = copy.sync(&origin, &applied.touched)?;
    if changes.fresh {
        // make compares times, and the files of a new working copy have old ones.
        source_tree.forget_builds(cache)?;
    }
    progress.say(&format!("kernel: {describe}, {} files changed", changes.written + changes.removed));
    fs::create_dir_all(out)?;
    for folder in [cache.join("home"), build_in.ccache(cache)] {
        fs::create_dir_all(folder)?;
    }
    let build = Build {
        tree: copy.tree(),
        out: out.to_owned(),
        cache,
        toolchain: &inputs.toolchain,
        build_in,
        shown_as: source_tree.shown_as(),
        instrumented,
        progress,
    };
    let kconfig = want.kconfig_digest();
    build.configure(&inputs.fragments, &inputs.stamp(&kconfig))?;
    build.compile()
}
