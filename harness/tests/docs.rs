//! The pages that people read: no link is dead, and each page of docs/ is in the book.

use pulldown_cmark::{Event, LinkType, Options, Parser, Tag, TagEnd};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a crate lies in the repository")
}

/// All Markdown files but those of builds and results.
fn pages() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![repository().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match path.is_dir() {
                true if ["target", "results", ".git"].contains(&name.as_str()) => {}
                true => folders.push(path),
                false if name.ends_with(".md") => found.push(path),
                false => {}
            }
        }
    }
    found.sort();
    found
}

/// The targets of all links and images of a page, and the anchors of its headings as GitHub and mdBook make them.
fn read(page: &Path) -> (Vec<String>, BTreeSet<String>) {
    let text = fs_err::read_to_string(page).expect("UTF-8");
    let (mut links, mut anchors, mut heading) = (Vec::new(), BTreeSet::new(), None::<String>);
    for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Link { link_type: LinkType::Autolink | LinkType::Email, .. }) => {}
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                links.push(dest_url.into_string());
            }
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                anchors.extend(heading.take().map(|text| anchor(&text)));
            }
            Event::Html(text) | Event::InlineHtml(text) => {
                let ids = text.split("<a id=\"").skip(1).filter_map(|rest| rest.split('"').next());
                anchors.extend(ids.map(str::to_owned));
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            _ => {}
        }
    }
    (links, anchors)
}

fn anchor(heading: &str) -> String {
    let kept = heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
        .collect::<String>();
    kept.replace(' ', "-")
}

/// Why a link of a page leads nowhere.
fn dead(page: &Path, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, wanted) = link.split_once('#').unwrap_or((link, ""));
    let target = if path.is_empty() { page.to_owned() } else { page.parent()?.join(path) };
    let from = page.strip_prefix(repository()).unwrap_or(page).display();
    if !target.exists() {
        return Some(format!("{from}: there is no {link}"));
    }
    let is_page = target.extension().is_some_and(|extension| extension == "md");
    (!wanted.is_empty() && is_page && !read(&target).1.contains(wanted))
        .then(|| format!("{from}: {path} has no heading for #{wanted}"))
}

#[test]
fn no_link_in_a_page_is_dead() {
    let pages = pages();
    let links: Vec<_> =
        pages.iter().flat_map(|page| read(page).0.into_iter().map(move |link| (page, link))).collect();
    assert!(links.len() > 100, "{} links were found", links.len());
    let dead: Vec<String> = links.iter().filter_map(|(page, link)| dead(page, link)).collect();
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

#[test]
fn each_page_of_docs_is_in_the_book() {
    let docs = repository().join("docs");
    let in_book: BTreeSet<String> = read(&docs.join("SUMMARY.md")).0.into_iter().collect();
    let inside = |page: &PathBuf| Some(page.strip_prefix(&docs).ok()?.display().to_string());
    let pages =
        pages().iter().filter_map(inside).filter(|page| page != "SUMMARY.md").collect::<BTreeSet<_>>();
    assert_eq!(pages, in_book, "left: pages of docs/, right: those of SUMMARY.md");
}

#[test]
fn a_dead_link_and_a_dead_anchor_are_found() {
    let readme = repository().join("README.md");
    assert!(dead(&readme, "docs/nowhere.md").is_some());
    assert!(dead(&readme, "docs/tour.md#nowhere").is_some());
    assert_eq!(dead(&readme, "docs/tour.md#one-scenario"), None);
}
