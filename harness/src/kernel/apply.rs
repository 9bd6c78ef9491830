//! Applies patches, and returns the content of the files that they touch.
//!
//! The patches are applied in a scratch folder with the touched files only, by `git apply`, which moves hunks but never
//! ignores context (no fuzz). A patch that it refuses is tried again with as much of its context as matches at exactly one
//! place, and then, if the source is a repository, in a three-way merge. A patch that does not apply while its reverse
//! does is in the source already. The working copy gets the finished content, so a
//! patch that has not changed changes no modification time.

use super::error::KernelError;
use super::listing::{Content, Entry, FileKind, kind_of};
use super::{git_apply, merge, user_tree};
use crate::host::command::Output;
use crate::host::progress::Progress;
use crate::host::text::shown;
use crate::series::{
    self, Diff, FileDiff, Misfit, Patch, SeriesError, fit, link_stays_inside, symlink_ancestor,
};
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
    /// The titles of the patches that the source has already.
    pub already: Vec<String>,
    /// What came of each patch, in order.
    pub results: Vec<PatchResult>,
}

/// What came of one patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatchResult {
    /// All hunks fit, and those that moved are named.
    Applies(Vec<String>),
    /// Some hunks do not fit exactly; these and those that moved are named.
    Inexact {
        /// The hunks that moved.
        moved: Vec<String>,
        /// The others.
        inexact: Vec<String>,
    },
    /// It is in the source.
    AlreadyApplied,
    /// Why it does not apply.
    Refused(String),
}

/// What is refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules {
    /// A hunk that does not fit exactly.
    pub strict: bool,
    /// Not a patch that is in already: it is passed over.
    pub skip_applied: bool,
    /// Nothing: the first patch that does not apply ends it.
    pub trial: bool,
}

impl Rules {
    /// All that can be.
    pub const STRICT: Rules = Rules { strict: true, skip_applied: false, trial: false };
}

/// What is noted about a patch that is in the source.
pub const PASSED_OVER: &str = "already applied, and passed over";

impl Applied {
    fn add(&mut self, step: &PatchStep<'_>, result: PatchResult) {
        let lines = |hunks: &[String]| hunks.iter().map(|hunk| step.line(hunk)).collect::<Vec<_>>();
        match &result {
            PatchResult::Applies(moved) => self.moved.extend(lines(moved)),
            PatchResult::Inexact { moved, inexact } => {
                self.moved.extend(lines(moved));
                self.inexact.extend(lines(inexact));
            }
            PatchResult::AlreadyApplied => self.already.push(step.patch.title()),
            PatchResult::Refused(_) => {}
        }
        self.results.push(result);
    }

    /// Prints the hunks that moved and those that did not fit exactly.
    pub fn report(&self, progress: &Progress) {
        let passed = self.already.iter().map(|title| format!("{title}: {PASSED_OVER}"));
        let lines = self.moved.iter().chain(&self.inexact).cloned().chain(passed);
        lines.for_each(|line| progress.say(&format!("kernel: {line}")));
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
    /// What is refused.
    pub rules: Rules,
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
        let result = step.result()?;
        all.add(&step, result);
        step.check_links()?;
        if matches!(all.results.last(), Some(PatchResult::Refused(_))) {
            return Ok(all);
        }
    }
    if !(all.already.is_empty() || base.rules.skip_applied || base.rules.trial) {
        let (to, already) = (base.name.to_owned(), all.already);
        return Err(KernelError::AlreadyApplied { to, already, of: patches.len() });
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
    /// What comes of it; in a trial a refusal, too.
    fn result(&self) -> Result<PatchResult, KernelError> {
        match self.apply() {
            Err(error @ (KernelError::PatchRefused { .. } | KernelError::Series(_)))
                if self.base.rules.trial =>
            {
                Ok(PatchResult::Refused(error.to_string()))
            }
            result => result,
        }
    }

    fn apply(&self) -> Result<PatchResult, KernelError> {
        let fitted = self.fitted()?;
        let text = self.diff.bytes();
        let exact = fitted.as_ref().ok().filter(|fitted| fitted.inexact.is_empty());
        if let Some(fitted) = exact
            && self.git(&fitted.diff)?
        {
            return Ok(PatchResult::Applies(fitted.moved.clone()));
        }
        if git_apply::run(self.scratch, &text, &["-R", "--check"])?.status.success()
            || self.is_in_the_source()
        {
            return Ok(PatchResult::AlreadyApplied);
        }
        if let Ok(Fitted { diff, moved, inexact }) = &fitted
            && !inexact.is_empty()
        {
            // With the places found, so that git uses these and no others.
            self.refuse_if_strict(inexact)?;
            if self.git(diff)? {
                return Ok(PatchResult::Inexact { moved: moved.clone(), inexact: inexact.clone() });
            }
        }
        let exact = git_apply::run(self.scratch, &text, &[])?;
        if exact.status.success() {
            // git reads some diffs differently, and never leaves context out.
            return Ok(PatchResult::Applies(Vec::new()));
        }
        let damaged = matches!(&fitted, Err(problems) if problems.iter().any(|(_, m)| matches!(m, Misfit::Blanks { .. })));
        if let Some(repository) = self.base.repository.filter(|_| !damaged)
            && merge::three_way(repository, self.scratch, &text)?
        {
            let inexact = vec!["merged three-way with the files that it was made from".to_owned()];
            self.refuse_if_strict(&inexact)?;
            return Ok(PatchResult::Inexact { moved: Vec::new(), inexact });
        }
        self.refused(&text, &exact, fitted.err().unwrap_or_default())
    }

    /// Whether every file is as the patch makes it, which git does not see where a file has grown at its beginning or end.
    fn is_in_the_source(&self) -> bool {
        let has = |file: &FileDiff| {
            let Some(path) = file.old.as_ref().or(file.new.as_ref()) else { return false };
            let path = self.scratch.join(path);
            match path.symlink_metadata() {
                Ok(meta) if meta.is_file() => {
                    std::fs::read(path).is_ok_and(|text| series::has(Some(&text), file))
                }
                Ok(_) => false,
                Err(_) => series::has(None, file),
            }
        };
        self.diff.files.iter().all(has)
    }

    fn git(&self, diff: &Diff) -> Result<bool, KernelError> {
        Ok(git_apply::run(self.scratch, &diff.bytes(), &[])?.status.success())
    }

    fn refuse_if_strict(&self, inexact: &[String]) -> Result<(), KernelError> {
        if !self.base.rules.strict || self.base.rules.trial {
            return Ok(());
        }
        let inexact = inexact.iter().map(|hunk| self.line(hunk)).collect();
        Err(KernelError::Inexact { to: self.base.name.to_owned(), inexact })
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
                            let line = format!("{old}: {one}");
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
    ) -> Result<PatchResult, KernelError> {
        // It applies what it can and reports the rest hunk by hunk; the scratch folder is discarded anyway.
        let rejected = git_apply::run(self.scratch, text, &["--reject", "--verbose"])?;
        let mut problem =
            git_apply::problem(&rejected.stderr).unwrap_or_else(|| exact.stderr.trim().to_owned());
        for (file, misfit) in &misfits {
            problem.push_str(&format!("\n  {file}: {misfit}"));
        }
        if misfits.iter().any(|(_, misfit)| matches!(misfit, Misfit::Blanks { .. })) {
            problem.push_str(&format!("\n{}", series::FETCH_AGAIN));
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
