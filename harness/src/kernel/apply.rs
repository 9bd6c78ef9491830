//! Applies patches, and returns the content of the files that they touch.
//!
//! The patches are applied in a scratch folder with the touched files only, by `git apply`, which moves hunks but never
//! ignores context (no fuzz). A patch that it refuses is tried again with as much of its context as matches at exactly one
//! place, and then, if the source is a repository, in a three-way merge. The working copy gets the finished content, so a
//! patch that has not changed changes no modification time.

use super::error::KernelError;
use super::listing::{Content, Entry, FileKind, kind_of};
use super::{git_apply, merge, user_tree};
use crate::host::command::Output;
use crate::host::progress::Progress;
use crate::host::text::shown;
use crate::series::{Diff, Misfit, Patch, SeriesError, fit, link_stays_inside, symlink_ancestor};
use fs_err as fs;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The touched files after all patches; none for a file that they remove.
pub type Touched = BTreeMap<String, Option<(Entry, Vec<u8>)>>;

/// The result of applying patches.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The touched files.
    pub touched: Touched,
    /// The hunks that moved with all of their context, a line each.
    pub moved: Vec<String>,
    /// The hunks that did not fit exactly, a line each.
    pub inexact: Vec<String>,
}

impl Applied {
    /// Prints the hunks that moved and those that did not fit exactly.
    pub fn report(&self, progress: &Progress) {
        self.moved.iter().chain(&self.inexact).for_each(|line| progress.say(&format!("kernel: {line}")));
    }
}

/// The source that patches are applied to.
#[derive(Debug, Clone, Copy)]
pub struct Base<'a> {
    /// The tree, which is only read.
    pub dir: &'a Path,
    /// Its name in messages.
    pub name: &'a str,
    /// A repository that may have the files that the patches were made from.
    pub repository: Option<&'a Path>,
    /// Whether a hunk that does not fit exactly is refused.
    pub strict: bool,
}

/// Applies `patches` in order to the files of `base`.
pub fn apply(patches: &[Patch], base: &Base<'_>) -> Result<Applied, KernelError> {
    if patches.is_empty() {
        return Ok(Applied::default());
    }
    let scratch = tempfile::tempdir()?;
    let diffs = patches.iter().map(Patch::diff).collect::<Result<Vec<_>, _>>()?;
    let paths: BTreeSet<String> = diffs.iter().flat_map(Diff::paths).collect();
    for path in &paths {
        if let Some(link) = symlink_ancestor(base.dir, path) {
            return Err(behind_link(&patches[0], path, &link));
        }
        copy(&base.dir.join(path), &scratch.path().join(path))?;
    }
    let mut all = Applied::default();
    for (before, (patch, diff)) in patches.iter().zip(&diffs).enumerate() {
        for path in diff.paths() {
            // An earlier patch may have made a link.
            if let Some(link) = symlink_ancestor(scratch.path(), &path) {
                return Err(behind_link(patch, &path, &link));
            }
        }
        let step = PatchStep { patch, diff, before, base, scratch: scratch.path() };
        step.apply(&mut all)?;
        step.check_links()?;
    }
    for path in paths {
        let after = load(&scratch.path().join(&path))?;
        all.touched.insert(path, after);
    }
    Ok(all)
}

fn behind_link(patch: &Patch, path: &str, link: &str) -> KernelError {
    let place = shown(&patch.path).to_string();
    let name = format!("{path}, below the symbolic link {link}");
    SeriesError::Outside { place, name, why: "a write there would land elsewhere" }.into()
}

fn copy(from: &Path, to: &Path) -> Result<(), KernelError> {
    let Ok(meta) = std::fs::symlink_metadata(from) else { return Ok(()) };
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    match kind_of(&meta) {
        Some(FileKind::Link) => Ok(std::os::unix::fs::symlink(fs::read_link(from)?, to)?),
        Some(_) => Ok(fs::copy(from, to).map(drop)?),
        None => Ok(()),
    }
}

fn load(path: &Path) -> Result<Option<(Entry, Vec<u8>)>, KernelError> {
    let Ok(meta) = std::fs::symlink_metadata(path) else { return Ok(None) };
    let Some(kind) = kind_of(&meta) else { return Ok(None) };
    let bytes = user_tree::read(path, kind)?;
    Ok(Some((Entry { kind, content: Content::of(&bytes) }, bytes)))
}

/// The application of one patch in the scratch folder.
struct PatchStep<'a> {
    patch: &'a Patch,
    diff: &'a Diff,
    /// The number of patches applied before it.
    before: usize,
    base: &'a Base<'a>,
    scratch: &'a Path,
}

/// A patch with its hunks where they fit.
struct Fitted {
    diff: Diff,
    moved: Vec<String>,
    inexact: Vec<String>,
}

impl PatchStep<'_> {
    fn apply(&self, all: &mut Applied) -> Result<(), KernelError> {
        let fitted = self.fitted()?;
        let text = self.diff.bytes();
        if let Ok(fitted) = &fitted {
            // With the places found, so that git uses these and no others.
            self.refuse_if_strict(&fitted.inexact)?;
            if git_apply::run(self.scratch, &fitted.diff.bytes(), &[])?.status.success() {
                all.moved.extend(fitted.moved.iter().cloned());
                all.inexact.extend(fitted.inexact.iter().cloned());
                return Ok(());
            }
        }
        let exact = git_apply::run(self.scratch, &text, &[])?;
        if exact.status.success() {
            // git reads some diffs differently, and never leaves context out.
            return Ok(());
        }
        let damaged = matches!(&fitted, Err(problems) if problems.iter().any(|(_, m)| matches!(m, Misfit::Blanks { .. })));
        if let Some(repository) = self.base.repository.filter(|_| !damaged)
            && merge::three_way(repository, self.scratch, &text)?
        {
            let merged = vec![self.line("merged three-way with the files that it was made from")];
            self.refuse_if_strict(&merged)?;
            all.inexact.extend(merged);
            return Ok(());
        }
        self.refused(&text, &exact, fitted.err().unwrap_or_default())
    }

    fn refuse_if_strict(&self, inexact: &[String]) -> Result<(), KernelError> {
        if !self.base.strict || inexact.is_empty() {
            return Ok(());
        }
        Err(KernelError::Inexact { to: self.base.name.to_owned(), inexact: inexact.to_vec() })
    }

    fn line(&self, what: &str) -> String {
        format!("{}: {what}", self.patch.title())
    }

    /// The patch where its hunks fit, or the hunks that do not.
    fn fitted(&self) -> Result<Result<Fitted, Vec<(String, Misfit)>>, KernelError> {
        let mut fitted = Fitted { diff: Diff::default(), moved: Vec::new(), inexact: Vec::new() };
        let mut problems = Vec::new();
        for file in &self.diff.files {
            let mut hunks = file.hunks.clone();
            if let Some(old) = &file.old
                && self.scratch.join(old).symlink_metadata().is_ok_and(|meta| meta.is_file())
                && let Ok(text) = std::fs::read(self.scratch.join(old))
            {
                match fit(&text, &file.hunks) {
                    Ok((placed, inexact)) => {
                        hunks = placed;
                        for one in inexact {
                            let line = self.line(&format!("{old}: {one}"));
                            if one.is_exact() { &mut fitted.moved } else { &mut fitted.inexact }.push(line);
                        }
                    }
                    Err(misfit) => problems.push((old.clone(), misfit)),
                }
            }
            let mut file = file.clone();
            file.hunks = hunks;
            fitted.diff.files.push(file);
        }
        Ok(if problems.is_empty() { Ok(fitted) } else { Err(problems) })
    }

    fn refused(
        &self,
        text: &[u8],
        exact: &Output,
        misfits: Vec<(String, Misfit)>,
    ) -> Result<(), KernelError> {
        // It applies what it can and reports the rest hunk by hunk; the scratch folder is discarded anyway.
        let rejected = git_apply::run(self.scratch, text, &["--reject", "--verbose"])?;
        let mut problem =
            git_apply::problem(&rejected.stderr).unwrap_or_else(|| exact.stderr.trim().to_owned());
        for (file, misfit) in &misfits {
            problem.push_str(&format!("\n  {file}: {misfit}"));
        }
        if misfits.iter().any(|(_, misfit)| matches!(misfit, Misfit::Blanks { .. })) {
            problem.push_str(&format!("\n{}", crate::series::FETCH_AGAIN));
        }
        let to = match self.before {
            0 => self.base.name.to_owned(),
            count => format!("{} after {count} other patches", self.base.name),
        };
        Err(KernelError::PatchRefused { patch: self.patch.path.clone(), to, problem })
    }

    /// Checks that no symbolic link of the patch leads out of the tree.
    fn check_links(&self) -> Result<(), KernelError> {
        for path in self.diff.paths() {
            let Ok(target) = std::fs::read_link(self.scratch.join(&path)) else { continue };
            let target = target.to_string_lossy();
            if !link_stays_inside(&path, &target) {
                let place = shown(&self.patch.path).to_string();
                let name = format!("{path} -> {target}");
                let why = "the symbolic link leads out of the tree";
                return Err(SeriesError::Outside { place, name, why }.into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
