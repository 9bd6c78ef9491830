//! A page as a terminal shows it: headings in bold, tables with lines, text broken at the terminal's width.

use super::links;
use super::pages::Page;
use termimad::MadSkin;
use termimad::crossterm::style::{Attribute, Color};

/// The page for a terminal of this many columns. A link to another page has the name of that page behind its words, which `damonlab help`
/// takes.
pub fn rendered(page: &Page, columns: usize) -> String {
    let text = skin().text(&unbroken(page.text), Some(columns)).to_string();
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// The text with one line for each paragraph, item and row: the lines of the file have another width than the terminal.
fn unbroken(text: &str) -> String {
    let (mut fenced, mut open) = (false, false);
    let mut out = String::new();
    for line in text.lines() {
        let content = line.trim_start();
        let is_fence = content.starts_with("```");
        let continues = open && is_text(content) && !fenced && !is_fence;
        let begins = if continues { " " } else { "\n" };
        out.push_str(begins);
        match fenced || is_fence {
            true => out.push_str(line),
            false if continues => out.push_str(&links::replace(content, shown)),
            false => out.push_str(&links::replace(line, shown)),
        }
        fenced ^= is_fence;
        open = !fenced && !is_fence && (is_text(content) || is_item(content));
    }
    out.trim_start().to_owned()
}

/// Whether a line belongs to a paragraph.
fn is_text(content: &str) -> bool {
    !(content.is_empty() || content.starts_with(['|', '#', '>']) || is_item(content))
}

/// Whether a line begins an item of a list.
fn is_item(content: &str) -> bool {
    let number = content.trim_start_matches(|c: char| c.is_ascii_digit());
    content.starts_with("- ")
        || content.starts_with("* ")
        || number.len() < content.len() && number.starts_with(". ")
}

/// A link: its words, and the page that it leads to.
fn shown(words: &str, address: &str) -> String {
    match address.split('#').next() {
        None | Some("") => words.to_owned(),
        Some(file) if words.contains(file) => words.to_owned(),
        Some(file) => format!("{words} ({file})"),
    }
}

fn skin() -> MadSkin {
    let mut skin = MadSkin::no_style();
    for header in &mut skin.headers {
        header.add_attr(Attribute::Bold);
        header.align = termimad::Alignment::Left;
    }
    skin.bold.add_attr(Attribute::Bold);
    skin.italic.add_attr(Attribute::Italic);
    skin.inline_code.set_fg(Color::Cyan);
    skin.code_block.set_fg(Color::Cyan);
    skin
}

#[cfg(test)]
mod tests {
    use super::super::pages;
    use super::*;

    /// What is seen of a page.
    fn seen(page: &Page, columns: usize) -> String {
        anstream::adapter::strip_str(&rendered(page, columns)).to_string()
    }

    #[test]
    fn every_page_has_all_its_words_and_no_line_that_is_too_long() {
        for page in pages() {
            let text = seen(&page, 90);
            let is_code = |line: &str| page.text.contains(line.trim());
            let long = text.lines().find(|line| line.chars().count() > 90 && !is_code(line));
            assert_eq!(long, None, "{}", page.name);
            assert!(text.contains(page.title().trim_matches('`')), "{}:\n{text}", page.name);
        }
    }

    #[test]
    fn paragraphs_and_items_are_broken_anew() {
        let text = "# A\n\none\ntwo\n- three\n  four\n1. five\n\n| a |\n|---|\n```\nsix\nseven\n```\n";
        let wanted = "# A\n\none two\n- three four\n1. five\n\n| a |\n|---|\n```\nsix\nseven\n```";
        assert_eq!(unbroken(text), wanted);
    }

    #[test]
    fn a_link_names_its_page() {
        let page =
            Page { name: "a", text: "# A\n\nSee [machines](machines.md#b), [here](#c) and [x.md](x.md).\n" };
        assert!(
            seen(&page, 80).contains("See machines (machines.md), here and x.md."),
            "{}",
            seen(&page, 80)
        );
    }
}
