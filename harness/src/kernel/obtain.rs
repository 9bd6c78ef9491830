//! From a request to an image: found in the cache, or built.

use super::apply::Applied;
use super::build::Build;
use super::cache_layout::source_lock;
use super::copy::{self, Origin, WorkingCopy};
use super::error::KernelError;
use super::image::{self, About, Image, find, foreign};
use super::inputs::Inputs;
use super::listing::Listing;
use super::release::Origins;
use super::request::Request;
use super::source::Source;
use super::subject::Subject;
use super::{bundled_patches, evict, stock};
use crate::host::lock::Lock;
use crate::host::progress::Progress;
use fs_err as fs;
use std::path::Path;

/// The image that `request` asks for, from the cache or built. What has been unused for the longest makes room for it.
///
/// `origins` says where the default release comes from; its cache holds everything.
pub fn obtain(request: &Request, origins: &Origins, progress: &Progress) -> Result<Image, KernelError> {
    let image = cached_or_built(request, origins, progress)?;
    if !image.cached
        && let Err(cause) = evict::make_room(&origins.env.cache, evict::limit(), progress)
    {
        progress.say(&format!("kernel: what is too much in the cache stays there: {cause}"));
    }
    Ok(image)
}

fn cached_or_built(request: &Request, origins: &Origins, progress: &Progress) -> Result<Image, KernelError> {
    let subject = match &request.source {
        Source::Image(path) => return foreign(path),
        Source::Release(wanted) => Subject::of_release(origins.obtain(wanted, progress)?),
        Source::Tree(dir) => Subject::of_tree(dir)?,
        Source::Ref { dir, name } => Subject::of_ref(dir, name)?,
    };
    let cache = &origins.env.cache;
    if cache.to_string_lossy().contains(|c: char| c.is_whitespace() || c == ':') {
        return Err(KernelError::CachePath(cache.clone()));
    }
    let ours = bundled_patches::of(&request.project, &subject, &request.patches)?;
    let number_of_ours = ours.patches.len();
    let inputs = Inputs::of(request, ours.patches, origins)?;
    let cached = |key: &str| cached(request, &subject, cache, key, progress);
    let known = subject.known_by();
    // No list of files is needed to know the image.
    if let Some(source) = &known
        && let Some(image) = cached(&inputs.key(source))?
    {
        return Ok(image);
    }
    // What does not fit is told before anybody is waited for. A tree may change until it is listed.
    let early = known.is_some().then(|| subject.apply(&inputs.patches, request.strict)).transpose()?;
    let folder = cache.join("tree").join(&subject.id);
    let _lock = Lock::acquire(&source_lock(cache, &subject.id), || {
        progress.say("kernel: waiting for another damonlab to build from this source");
    })?;
    fs::create_dir_all(&folder)?;
    let listing = subject.listing(&folder)?;
    let source = known.unwrap_or_else(|| listing.digest());
    let key = inputs.key(&source);
    if let Some(image) = cached(&key)? {
        return Ok(image);
    }
    if let Some(note) = ours.note {
        progress.say(&format!("kernel: {note}"));
    }
    let out = cache.join("build").join(request.build_name(&subject));
    let describe = subject.describe(inputs.patches.len(), request.series.as_ref());
    let applied = early.map_or_else(|| subject.apply(&inputs.patches, request.strict), Ok)?;
    applied.tell(progress);
    let site = Site { listing: &listing, copy: &WorkingCopy::in_folder(&folder), out: &out, cache };
    make(&subject, &inputs, &applied, &describe, &site, progress)?;
    let about = About {
        describe,
        inexact: applied.inexact,
        source,
        patches: inputs.patches.iter().map(|patch| patch.path.display().to_string()).collect(),
        ours: number_of_ours,
        fragments: request.fragments.iter().map(|path| file_name(path)).collect(),
        compiler: inputs.toolchain.version.clone(),
        release: None,
        build: out,
    };
    image::publish(cache, &key, &about)
}

/// The image that `request` asks for, if it is to be had without fetching or building anything. A tree's
/// never is, unless a ref names it: what is in it has to be looked at first.
pub fn ready(request: &Request, origins: &Origins) -> Result<Option<Image>, KernelError> {
    match &request.source {
        Source::Image(path) => foreign(path).map(Some),
        _ => Ok(key(request, origins)?.and_then(|key| find(&origins.env.cache, &key))),
    }
}

/// The key of the image that `request` asks for; none where that is not known without fetching a source or
/// looking at all of a tree.
///
/// # Errors
/// A patch or a fragment that is none.
pub fn key(request: &Request, origins: &Origins) -> Result<Option<String>, KernelError> {
    let Some(subject) = Subject::here(&request.source, origins)? else { return Ok(None) };
    let ours = bundled_patches::of(&request.project, &subject, &request.patches)?;
    let inputs = Inputs::of(request, ours.patches, origins)?;
    Ok(subject.known_by().map(|source| inputs.key(&source)))
}

/// Applies the patches of `request` to a source that is here already, and keeps nothing of it. False: none is
/// here, and nothing was tried.
///
/// # Errors
/// A patch that is none or does not apply.
pub fn applies(request: &Request, origins: &Origins) -> Result<bool, KernelError> {
    let Some(subject) = Subject::here(&request.source, origins)? else { return Ok(false) };
    let ours = bundled_patches::of(&request.project, &subject, &request.patches)?;
    subject.apply(&request.on_top_of(ours.patches), request.strict)?;
    Ok(true)
}

/// The image `key`, if it is there. Its patches did not fit better the last time than they do now.
fn cached(
    request: &Request,
    subject: &Subject,
    cache: &Path,
    key: &str,
    progress: &Progress,
) -> Result<Option<Image>, KernelError> {
    let Some(image) = find(cache, key) else { return Ok(None) };
    let inexact = image::inexact(cache, key);
    if request.strict && !inexact.is_empty() {
        return Err(KernelError::Inexact { to: subject.name.clone(), inexact });
    }
    inexact.iter().for_each(|what| progress.say(&format!("kernel: {what}")));
    stock::mark_used(cache, key);
    progress.say(&format!("kernel: cached: {} ({key})", image.describe));
    Ok(Some(image))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Where a kernel is built.
struct Site<'a> {
    /// The files of the source.
    listing: &'a Listing,
    /// The tree that make sees.
    copy: &'a WorkingCopy,
    /// What make writes.
    out: &'a Path,
    cache: &'a Path,
}

/// Brings the working copy and the build folder up to date. The caller holds the source's lock.
fn make(
    subject: &Subject,
    inputs: &Inputs,
    applied: &Applied,
    describe: &str,
    site: &Site<'_>,
    progress: &Progress,
) -> Result<(), KernelError> {
    let Site { listing, copy, out, cache } = *site;
    let want = copy::overlaid(listing, &applied.touched);
    let files = subject.files(&copy.stale(&want), &cache.join("tree").join(&subject.id))?;
    let origin = Origin { dir: &files.dir, listing, frozen: files.frozen };
    let changes = copy.sync(&origin, &applied.touched)?;
    if changes.fresh {
        // Objects go by times, and the files of a new working copy have old ones.
        subject.forget_builds(cache)?;
    }
    progress.say(&format!("kernel: {describe}, {} files changed", changes.written + changes.removed));
    fs::create_dir_all(out)?;
    fs::create_dir_all(cache.join("home"))?;
    let build = Build {
        tree: copy.tree(),
        out: out.to_owned(),
        cache,
        toolchain: &inputs.toolchain,
        shown_as: subject.shown_as(),
        progress,
    };
    let kconfig = want.kconfig_digest();
    build.configure(&inputs.fragments, &inputs.stamp(&kconfig))?;
    build.compile()
}
