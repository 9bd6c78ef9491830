//! What would come of the patches of a request, without a build.

use super::apply::{Applied, PatchResult, Rules};
use super::bundled_patches;
use super::error::KernelError;
use super::obtain::source_tree;
use super::release::Origins;
use super::request::BuildRequest;
use crate::host::progress::Progress;
use crate::series::Patch;

/// What comes of the user's patches.
#[derive(Debug)]
pub struct Trial {
    /// What they would be applied to, with damonlab's own patches.
    pub base: String,
    /// The patches and what comes of them, up to the first that does not apply.
    pub patches: Vec<(Patch, PatchResult)>,
    /// Those after it, which were not tried.
    pub untried: Vec<Patch>,
}

/// Applies the patches of `request` to copies of the files that they touch. The source is fetched if it is not here.
///
/// # Errors
/// There is no source, or one of damonlab's own patches does not apply.
pub fn try_patches(
    request: &BuildRequest,
    origins: &Origins,
    progress: &Progress,
) -> Result<Trial, KernelError> {
    let source = source_tree(request, origins, progress)?;
    let bundled = bundled_patches::of(&request.project, &source, &request.patches)?.patches;
    let count = bundled.len();
    let base = source.describe(count, None);
    let all = request.on_top_of(bundled);
    let Applied { results, .. } = source.apply(&all, Rules { trial: true, ..Rules::default() })?;
    if let Some(PatchResult::Refused(_)) = results.get(..count).and_then(<[_]>::last) {
        source.apply(&all[..count], Rules::default())?;
    }
    let tried = results.len().saturating_sub(count);
    let mut patches = request.patches.clone();
    let untried = patches.split_off(tried);
    Ok(Trial { base, patches: patches.into_iter().zip(results.into_iter().skip(count)).collect(), untried })
}
