//! What GitHub shows beside the lines of a change: the text for people, and in the end a workflow command for each rule that
//! is violated, at the scenario's or the patch's line.
//!
//! A runner obeys a line that begins with `::`, whoever wrote it. The text for people has none
//! ([`crate::host::text::unlike_a_command`]), so the only commands are those of this file.

use super::checked::{Check, Place};
use super::document::{Suite, Whole, case_name};
use super::event::{Event, Item, Listing};
use super::human::Human;
use super::reporter::{Reporter, Verbosity};
use super::{document::Document, place};
use crate::host::text::{block_up_to, quote, unlike_a_command};
use std::io::{self, Write};
use std::path::Path;

/// GitHub shows so many errors of a step, and drops the rest.
const SHOWN: usize = 10;

/// How long a message may be, in characters.
const MESSAGE: usize = 2000;

/// Writes the text and the commands.
pub(super) struct Github<W: Write> {
    human: Human<Vec<u8>>,
    /// It writes after the text, in the end.
    commands: Document<Vec<u8>>,
    out: W,
}

impl<W: Write> Github<W> {
    pub(super) fn new(out: W, verbosity: Verbosity) -> Github<W> {
        let commands = Document::new(render, Vec::new());
        Github { human: Human::new(Vec::new(), verbosity), commands, out }
    }

    fn print(&mut self) -> io::Result<()> {
        let text = std::mem::take(self.human.out());
        let text = String::from_utf8_lossy(&text);
        self.out.write_all(unlike_a_command(&text).as_bytes())
    }
}

impl<W: Write> Reporter for Github<W> {
    fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        self.human.event(event)?;
        self.print()?;
        self.commands.event(event)?;
        let commands = std::mem::take(self.commands.out());
        self.out.write_all(&commands)?;
        self.out.flush()
    }

    fn listing(&mut self, listing: &Listing) -> io::Result<()> {
        self.human.listing(listing)?;
        self.print()?;
        self.out.flush()
    }
}

/// One annotation, and the cases that it is about.
struct Annotation {
    place: Option<Place>,
    title: String,
    text: String,
    cases: Vec<String>,
}

/// The commands.
fn render(whole: &Whole) -> String {
    let mut all: Vec<Annotation> = Vec::new();
    for (suite, case) in whole.bad_cases() {
        for annotation in annotations(suite, case) {
            let same =
                |known: &&mut Annotation| known.title == annotation.title && known.place == annotation.place;
            match all.iter_mut().find(same) {
                Some(known) => known.cases.extend(annotation.cases),
                None => all.push(annotation),
            }
        }
    }
    let more = all.len().saturating_sub(SHOWN);
    let mut out: String = all.iter().take(SHOWN).map(command).collect();
    if more > 0 {
        let text =
            format!("{more} more findings are not shown here; the log and the job's summary have them");
        out.push_str(&format!("::notice title=damonlab::{}\n", data(&text)));
    }
    out
}

/// What a case violates, or why it has no result.
fn annotations(suite: &Suite, case: &Item) -> Vec<Annotation> {
    let name = quote(&suite.name).to_string();
    let annotation = |what: &str, text: &str, place: Option<&Place>| Annotation {
        place: place.or(case.place.as_ref()).cloned(),
        title: format!("{name}: {}", quote(what)),
        text: text.to_owned(),
        cases: vec![case_name(case)],
    };
    let violated = case.checks.iter().filter(|check| check.is_violated());
    let all: Vec<Annotation> =
        violated.map(|Check { name, text, place, .. }| annotation(name, text, place.as_ref())).collect();
    if all.is_empty() { vec![annotation(case.status.word, &case.headline.join(", "), None)] } else { all }
}

fn command(annotation: &Annotation) -> String {
    let Annotation { place, title, text, cases } = annotation;
    let place =
        place.iter().map(|Place { file, line }| format!("file={},line={line},", property(&file_name(file))));
    let cases = if cases.len() > 1 { format!("{}: ", cases.join(", ")) } else { String::new() };
    let message = block_up_to(&format!("{cases}{text}"), MESSAGE);
    format!("::error {}title={}::{}\n", place.collect::<String>(), property(title), data(message.trim_end()))
}

/// A file as the repository has it.
fn file_name(file: &Path) -> String {
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let workspace = crate::host::variables::value("GITHUB_WORKSPACE");
    let below = workspace.as_ref().and_then(|root| absolute.strip_prefix(root).ok());
    below.map_or_else(|| place::shown(&absolute), |below| crate::host::text::shown(below).to_string())
}

/// The message of a command, which ends with its line.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A").replace("##[", "#\\x23[")
}

/// The value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::super::CheckResult;
    use super::super::Format;
    use super::super::testing::{FAIL, INFRA, run, run_of, sweep};
    use super::*;

    fn commands(items: &[Item]) -> Vec<String> {
        let text = run_of(Format::Github, items);
        text.lines().filter(|line| line.starts_with("::")).map(str::to_owned).collect()
    }

    #[test]
    fn what_is_violated_is_an_error_at_its_line_after_the_text_for_people() {
        let text = run_of(Format::Github, &sweep());
        let title = "title=idle%3A expectation (line 41 of the scenario)";
        let wanted = format!("::error file=scenarios/idle.yaml,line=41,{title}::expected 1%0Asaw 2\n");
        assert!(text.starts_with("FAIL  idle seed 1 ") && text.ends_with(&wanted), "{text}");
    }

    #[test]
    fn what_several_seeds_violate_is_one_error_that_names_them() {
        let [_, second, whole] = sweep();
        let third = Item { seed: Some(2), ..second.clone() };
        let found = commands(&[second, third, whole]);
        assert!(found.len() == 1 && found[0].ends_with("::seed 1, seed 2: expected 1%0Asaw 2"), "{found:?}");
    }

    #[test]
    fn a_run_without_a_result_is_an_error_at_its_scenario() {
        let found = commands(&[run("idle", 0, INFRA)]);
        assert_eq!(found, ["::error file=scenarios/idle.yaml,line=1,title=idle%3A INFRA::what it came to"]);
    }

    #[test]
    fn text_of_a_guest_is_no_command_and_ends_none() {
        let mut item = run("idle", 0, FAIL);
        item.details[0].text = "::add-mask::a\n::error::b".to_owned();
        item.checks = vec![Check::new("a,b:c", CheckResult::Violated, "100%\n::error::d")];
        let text = run_of(Format::Github, &[item]);
        let found: Vec<&str> = text.lines().filter(|line| line.trim_start().starts_with("::")).collect();
        let wanted = "::error file=scenarios/idle.yaml,line=1,title=idle%3A a%2Cb%3Ac::100%25%0A::error::d";
        assert_eq!(found, [wanted], "{text}");
    }

    #[test]
    fn more_than_github_shows_are_counted() {
        let found =
            commands(&(0..12).map(|index| run(&format!("idle-{index}"), 0, FAIL)).collect::<Vec<_>>());
        assert_eq!(found.len(), SHOWN + 1);
        assert!(found[SHOWN].starts_with("::notice title=damonlab::2 more findings"), "{found:?}");
    }
}
