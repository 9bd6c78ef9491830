//! Patches: what the files they touch look like afterwards.
//!
//! The patches are applied in a scratch folder that holds only the touched files, by `git apply`, which
//! moves hunks but never ignores context (no fuzz). A patch that it refuses is given to it once more with as much of its context as
//! stands at one place alone, and then, where the source is a repository, for a three-way merge. The working copy then gets the
//! finished content, so a patch that does not change changes no file's time.

use super::error::KernelError;
use super::listing::{Content, Entry, FileKind, kind_of};
use super::{git_apply, merge, usertree};
use crate::host::command::Output;
use crate::host::progress::Progress;
use crate::series::{Diff, Misfit, Patch, SeriesError, fit, link_stays_inside, symlink_ancestor};
use fs_err as fs;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A touched file after all patches; none if they remove it.
pub type Touched = BTreeMap<String, Option<(Entry, Vec<u8>)>>;

/// What patches did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The files.
    pub touched: Touched,
    /// Hunks that moved with all of their context, a line each.
    pub moved: Vec<String>,
    /// What did not fit just as it is, a line each.
    pub inexact: Vec<String>,
}

impl Applied {
    /// Says what moved and what did not fit just as it is.
    pub fn tell(&self, progress: &Progress) {
        self.moved.iter().chain(&self.inexact).for_each(|what| progress.say(&format!("kernel: {what}")));
    }
}

/// What patches are applied to.
#[derive(Debug, Clone, Copy)]
pub struct Base<'a> {
    /// The tree, which is only read.
    pub dir: &'a Path,
    /// What messages call it.
    pub name: &'a str,
    /// A repository that may have the files that a patch was made from.
    pub repository: Option<&'a Path>,
    /// What does not fit just as it is, is refused.
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
            return Err(outside(&patches[0], path, &link));
        }
        copy(&base.dir.join(path), &scratch.path().join(path))?;
    }
    let mut all = Applied::default();
    for (before, (patch, diff)) in patches.iter().zip(&diffs).enumerate() {
        for path in diff.paths() {
            // A patch before this one may have made a link.
            if let Some(link) = symlink_ancestor(scratch.path(), &path) {
                return Err(outside(patch, &path, &link));
            }
        }
        let one = One { patch, diff, before, base, scratch: scratch.path() };
        one.apply(&mut all)?;
        one.check_links()?;
    }
    for path in paths {
        let after = load(&scratch.path().join(&path))?;
        all.touched.insert(path, after);
    }
    Ok(all)
}

fn outside(patch: &Patch, path: &str, link: &str) -> KernelError {
    let place = patch.path.display().to_string();
    let name = format!("{path}, below the symbolic link {link}");
    SeriesError::Outside { place, name, why: "what is written there lands elsewhere" }.into()
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
    let bytes = usertree::read(path, kind)?;
    Ok(Some((Entry { kind, content: Content::of(&bytes) }, bytes)))
}

/// One patch on its way into the scratch folder.
struct One<'a> {
    patch: &'a Patch,
    diff: &'a Diff,
    /// How many patches were applied before it.
    before: usize,
    base: &'a Base<'a>,
    scratch: &'a Path,
}

/// A patch's hunks where they fit.
struct Fitted {
    diff: Diff,
    moved: Vec<String>,
    inexact: Vec<String>,
}

impl One<'_> {
    fn apply(&self, all: &mut Applied) -> Result<(), KernelError> {
        let fitted = self.fitted()?;
        let text = self.diff.bytes();
        if let Ok(fitted) = &fitted {
            // With the places that were told, so that git takes these and not others.
            self.strictly(&fitted.inexact)?;
            if git_apply::git_apply(self.scratch, &fitted.diff.bytes(), &[])?.status.success() {
                all.moved.extend(fitted.moved.iter().cloned());
                all.inexact.extend(fitted.inexact.iter().cloned());
                return Ok(());
            }
        }
        let exact = git_apply::git_apply(self.scratch, &text, &[])?;
        if exact.status.success() {
            // git has its own ways to read a diff, and never leaves context out.
            return Ok(());
        }
        let damaged = matches!(&fitted, Err(problems) if problems.iter().any(|(_, m)| matches!(m, Misfit::Blanks { .. })));
        if let Some(repository) = self.base.repository.filter(|_| !damaged)
            && merge::three_way(repository, self.scratch, &text)?
        {
            let merged =
                vec![self.named("merged three-way, from the files that it was made from".to_owned())];
            self.strictly(&merged)?;
            all.inexact.extend(merged);
            return Ok(());
        }
        self.refused(&text, &exact, fitted.err().unwrap_or_default())
    }

    fn strictly(&self, inexact: &[String]) -> Result<(), KernelError> {
        if !self.base.strict || inexact.is_empty() {
            return Ok(());
        }
        Err(KernelError::Inexact { to: self.base.name.to_owned(), inexact: inexact.to_vec() })
    }

    fn named(&self, what: String) -> String {
        format!("{}: {what}", self.patch.title())
    }

    /// Where its hunks fit, or what does not.
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
                    Ok((placed, told)) => {
                        hunks = placed;
                        for one in told {
                            let line = self.named(format!("{old}: {one}"));
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
        // What applies is applied and what does not is told hunk by hunk; the scratch folder is lost anyway.
        let told = git_apply::git_apply(self.scratch, text, &["--reject", "--verbose"])?;
        let mut problem = git_apply::problem(&told.stderr).unwrap_or_else(|| exact.stderr.trim().to_owned());
        for (file, misfit) in &misfits {
            problem.push_str(&format!("\n  {file}: {misfit}"));
        }
        if misfits.iter().any(|(_, misfit)| matches!(misfit, Misfit::Blanks { .. })) {
            problem.push_str(&format!("\n{}", crate::series::FETCH_AGAIN));
        }
        let to = match self.before {
            0 => self.base.name.to_owned(),
            count => format!("{} with the {count} before it", self.base.name),
        };
        Err(KernelError::PatchRefused { patch: self.patch.path.clone(), to, problem })
    }

    /// No link that it made leads out of the tree.
    fn check_links(&self) -> Result<(), KernelError> {
        for path in self.diff.paths() {
            let Ok(target) = std::fs::read_link(self.scratch.join(&path)) else { continue };
            let target = target.to_string_lossy();
            if !link_stays_inside(&path, &target) {
                let place = self.patch.path.display().to_string();
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
