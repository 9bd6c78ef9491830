//! The corpus: a folder of scenarios that each reached lines of the kernel that none before it did.

use super::tree::Tree;
use crate::grammar::Wrong;
use crate::host::fault::{Fault, Faulty};
use crate::host::text::shown;
use crate::line_coverage::{Counts, files};
use crate::run::ScenarioSource;
use crate::scenario::{self, ScenarioError};
use fs_err as fs;
use std::io;
use std::path::{Path, PathBuf};

/// So many functions are named in the comment of a scenario.
const NAMED: usize = 5;

/// A scenario of the corpus.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The name of its file without the extension.
    pub name: String,
    /// As values.
    pub tree: Tree,
}

/// Why a folder is no corpus.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum CorpusError {
    /// It cannot be read or written.
    #[error("cannot use {} as a corpus: {cause}", shown(.path))]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The error of the system.
        cause: io::Error,
    },
    /// A file in it is no valid scenario.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Scenario(#[from] Box<ScenarioError>),
    /// A scenario in it runs on the real clock.
    #[error("{} runs on the real clock, on which no run repeats; take it out of the corpus", shown(.0))]
    RealClock(PathBuf),
}

impl Faulty for CorpusError {
    fn fault(&self) -> Fault {
        match self {
            CorpusError::Folder { cause, .. } => cause.fault(),
            CorpusError::Scenario(_) | CorpusError::RealClock(_) => Fault::BadInput,
        }
    }
}

/// The folder.
#[derive(Debug, Clone)]
pub struct Corpus {
    folder: PathBuf,
}

impl Corpus {
    /// The corpus in a folder, which is created, with the scenarios that are in it, by name.
    ///
    /// # Errors
    /// See [`CorpusError`].
    pub fn open(folder: &Path) -> Result<(Corpus, Vec<(Kept, ScenarioSource)>), CorpusError> {
        let failed = |cause| CorpusError::Folder { path: folder.to_owned(), cause };
        fs::create_dir_all(folder).map_err(failed)?;
        let mut known = Vec::new();
        for path in scenario::paths(folder).map_err(Box::new)? {
            let source = ScenarioSource::from(&path)?;
            if !source.scenario.clock.is_virtual() {
                return Err(CorpusError::RealClock(path));
            }
            let of_yaml = |wrong: Box<Wrong>| Box::new(ScenarioError::from(wrong));
            let tree = Tree::read(&path.to_string_lossy(), &source.text).map_err(of_yaml)?;
            known.push((Kept { name: source.scenario.name.clone(), tree }, source));
        }
        Ok((Corpus { folder: folder.to_owned() }, known))
    }

    /// Stores a scenario with what it reached and the command that runs it on top. An earlier exploration may have left one
    /// of its name.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn add(
        &self,
        name: &str,
        tree: &Tree,
        new: &NewLines,
        made_of: Option<&str>,
        repeat: impl Fn(&Path) -> String,
    ) -> Result<Kept, CorpusError> {
        let mut names = std::iter::once(name.to_owned()).chain((2..).map(|count| format!("{name}-{count}")));
        let is_free = |name: &String| !self.file(name).exists();
        let name = names.find(is_free).unwrap_or_else(|| name.to_owned());
        let file = self.file(&name);
        let origin =
            made_of.map_or("Drawn by damonlab explore.".to_owned(), |of| format!("A variation of {of}."));
        let comment = format!("# Reached {new}.\n# {origin} Repeat it: {}\n", repeat(&file));
        fs::write(&file, format!("{comment}{}", tree.text()))
            .map_err(|cause| CorpusError::Folder { path: self.folder.clone(), cause })?;
        Ok(Kept { name, tree: tree.clone() })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.yaml"))
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// The lines that scenarios have reached so far.
#[derive(Debug, Clone, Default)]
pub struct Reached {
    counts: Counts,
}

/// The lines that a scenario reached first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewLines {
    /// How many.
    pub count: usize,
    /// The functions that they are in, by file and line.
    pub functions: Vec<String>,
}

impl Reached {
    /// Adds what a scenario reached; what no scenario before it did.
    pub(super) fn add(&mut self, counts: &Counts) -> NewLines {
        let mut new = NewLines::default();
        for (path, file) in &counts.files {
            let known = self.counts.files.get(path);
            let is_known =
                |number| known.and_then(|file| file.lines.get(number)).is_some_and(|line| line.is_executed());
            for (number, _) in
                file.lines.iter().filter(|(number, line)| line.is_executed() && !is_known(number))
            {
                new.count += 1;
                if let Some(function) = file.function_at(*number)
                    && !new.functions.iter().any(|known| known == function)
                {
                    new.functions.push(function.to_owned());
                }
            }
        }
        self.counts.add(counts);
        new
    }

    /// How many lines were reached, and how many have code.
    pub fn total(&self) -> (usize, usize) {
        let files = files(&self.counts);
        (files.iter().map(|file| file.executed).sum(), files.iter().map(|file| file.lines).sum())
    }
}

impl std::fmt::Display for NewLines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines = if self.count == 1 { "line" } else { "lines" };
        write!(f, "{} {lines} that no scenario before it did", self.count)?;
        let (named, more) = self.functions.split_at(self.functions.len().min(NAMED));
        if !named.is_empty() {
            write!(f, ", in {}", named.join(", "))?;
        }
        if more.is_empty() { Ok(()) } else { write!(f, " and {} more functions", more.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line_coverage::{FileCounts, Function};

    /// Counts of a file with the functions `one` (lines 1 to 9) and `two` (10 to 19), in which these lines are executed.
    fn counts(executed: &[u32]) -> Counts {
        let mut file = FileCounts::default();
        file.functions.insert("one".into(), Function { first: 1, last: 9, calls: 1 });
        file.functions.insert("two".into(), Function { first: 10, last: 19, calls: 1 });
        for line in [1, 2, 11, 12] {
            file.lines.entry(line).or_default().add("x", u64::from(executed.contains(&line)));
        }
        Counts { files: [("mm/damon/core.c".to_owned(), file)].into() }
    }

    #[test]
    fn a_scenario_is_new_by_the_lines_that_none_before_it_reached() {
        let mut reached = Reached::default();
        let first = reached.add(&counts(&[1, 2]));
        assert_eq!(first, NewLines { count: 2, functions: vec!["one".into()] });
        let second = reached.add(&counts(&[2, 11]));
        assert_eq!(second.to_string(), "1 line that no scenario before it did, in two");
        assert_eq!(reached.add(&counts(&[1, 11])).count, 0);
        assert_eq!(reached.total(), (3, 4));
    }

    fn idle() -> String {
        fs::read_to_string(crate::bundled::home().join("scenarios/idle.yaml")).unwrap()
    }

    #[test]
    fn what_is_kept_is_a_valid_scenario_with_a_comment_and_overwrites_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (corpus, known) = Corpus::open(&folder.path().join("new")).unwrap();
        assert!(known.is_empty());
        let tree = Tree::read("idle.yaml", &idle()).unwrap();
        let new = NewLines { count: 7, functions: vec!["damon_new_ctx".into()] };
        let repeat = |file: &Path| format!("damonlab run {}", file.display());
        let names = [None, Some("explore-0-3")]
            .map(|made_of| corpus.add("explore-0-9", &tree, &new, made_of, repeat).unwrap().name);
        assert_eq!(names, ["explore-0-9", "explore-0-9-2"]);
        let text = fs::read_to_string(corpus.file("explore-0-9-2")).unwrap();
        let wanted = "# Reached 7 lines that no scenario before it did, in damon_new_ctx.\n\
                      # A variation of explore-0-3. Repeat it: damonlab run ";
        assert!(text.starts_with(wanted), "{text}");
        let (_, known) = Corpus::open(corpus.folder()).unwrap();
        assert_eq!(
            known.iter().map(|(kept, _)| &kept.name).collect::<Vec<_>>(),
            ["explore-0-9-2", "explore-0-9"]
        );
        assert_eq!(known[0].0.tree, tree);
    }

    #[test]
    fn a_folder_with_something_else_is_refused_with_the_file() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("broken.yaml"), "version: 1\n").unwrap();
        let error = Corpus::open(folder.path()).unwrap_err();
        assert_eq!(error.fault(), Fault::BadInput);
        assert!(matches!(error, CorpusError::Scenario(_)), "{error}");
        fs::write(folder.path().join("broken.yaml"), idle() + "clock: real\n").unwrap();
        assert!(matches!(Corpus::open(folder.path()), Err(CorpusError::RealClock(_))));
    }
}
