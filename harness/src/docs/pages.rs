//! Which pages there are, and what each is about.

use include_dir::{Dir, File, include_dir};
use std::path::Path;

/// The folder `docs/` of the repository.
static DOCS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../docs");

/// Of the book alone: its contents, and the place where the README comes.
const OF_THE_BOOK: [&str; 2] = ["SUMMARY.md", "introduction.md"];

/// A page in Markdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Its path in `docs/` without `.md`: `scenarios`, `facts/damon`.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

impl Page {
    /// Its first heading.
    pub fn title(&self) -> &'static str {
        let heading = self.text.lines().find_map(|line| line.strip_prefix("# "));
        heading.unwrap_or(self.name)
    }
}

/// All pages by name, those in folders last.
pub fn pages() -> Vec<Page> {
    let mut pages = Vec::new();
    collect(&DOCS, &mut pages);
    pages.sort_by_key(|page: &Page| (page.name.contains('/'), page.name));
    pages
}

fn collect(folder: &'static Dir<'static>, pages: &mut Vec<Page>) {
    let is_page = |file: &&File<'_>| !OF_THE_BOOK.iter().any(|name| file.path() == Path::new(name));
    let files = folder.files().filter(is_page).filter_map(|file| {
        Some(Page { name: file.path().to_str()?.strip_suffix(".md")?, text: file.contents_utf8()? })
    });
    pages.extend(files);
    folder.dirs().for_each(|inner| collect(inner, pages));
}

/// The page of this name, in any case.
pub fn page(name: &str) -> Option<Page> {
    let name = name.strip_suffix(".md").unwrap_or(name);
    pages().into_iter().find(|page| page.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_of_the_folder_has_a_name_and_a_title() {
        let names: Vec<&str> = pages().iter().map(|page| page.name).collect();
        for wanted in ["scenarios", "glossary", "facts/damon"] {
            assert!(names.contains(&wanted), "{wanted} is not among {names:?}");
        }
        for page in pages() {
            assert_ne!(page.title(), page.name, "docs/{}.md has no heading", page.name);
        }
        assert_eq!(page("Scenarios.md").map(|page| page.title()), Some("Scenarios"));
    }
}
