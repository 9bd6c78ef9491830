//! What a scenario needs of the kernel because it introduces or names it itself.

use super::introduced::{Introduced, Word, WordKind};
use super::parts::{self, Part};
use super::raw::RawDamon;
use super::raw_steps::RawDamonStep;
use crate::grammar::{At, Checked, Fault, Scalar};
use damonlab_protocol::damon::{file_feature, goals_folder};
use damonlab_protocol::kernel_feature::KernelFeature;
use serde_saphyr::Location;
use std::collections::BTreeSet;

/// A feature, and where it is needed.
pub(crate) type Required = (KernelFeature, Option<Location>);

/// All of it.
pub(crate) struct Needs {
    /// Once each.
    pub(crate) required: Vec<Required>,
    /// The scenario uses words that another file introduces.
    pub(crate) uses_file: bool,
}

/// Every word that the scenario introduces, every one that it uses, and every file that it names. `events` are those
/// that it records or expects by name.
pub(crate) fn required<'a>(
    introduced: &Introduced,
    config: &RawDamon,
    steps: impl Iterator<Item = &'a RawDamonStep>,
    events: impl Iterator<Item = &'a At<Scalar>>,
) -> Checked<Needs> {
    let mut all = Found { introduced, used: Vec::new(), seen: BTreeSet::new(), required: Vec::new() };
    config.kdamonds.iter().for_each(|kdamond| parts::of_kdamond(&kdamond.value, &mut |part| all.part(part)));
    steps.for_each(|step| all.step(step));
    events.for_each(|event| all.event(event));
    for word in introduced.words() {
        if let Some(at) = word.at {
            if word.kind == WordKind::Keyword && !all.used.contains(&word) {
                let message = format!("no file of a `sysfs` becomes '{}'", word.name);
                return Err(
                    Fault::at_location(at, message).help("a keyword is a value: sysfs: {FILE: KEYWORD}")
                );
            }
            all.add(word.feature(), at);
        }
    }
    // A tracepoint is recorded, and a word that the scenario introduces as well is needed, wherever they stand.
    let has_effect = |word: &Word| word.kind == WordKind::Tracepoint || word.at.is_some();
    let in_effect = introduced.words().any(|word| word.from_file && has_effect(word));
    let uses_file = in_effect || all.used.iter().any(|word| word.from_file);
    Ok(Needs { required: all.required, uses_file })
}

struct Found<'a> {
    introduced: &'a Introduced,
    used: Vec<&'a Word>,
    seen: BTreeSet<KernelFeature>,
    required: Vec<Required>,
}

impl Found<'_> {
    fn step(&mut self, step: &RawDamonStep) {
        match step {
            RawDamonStep::Commit(commit) => {
                for kdamond in &commit.kdamonds.value {
                    parts::of_kdamond(&kdamond.value, &mut |part| self.part(part));
                }
            }
            RawDamonStep::Retarget(retarget) => {
                for scheme in &retarget.schemes {
                    parts::of_goals(&scheme.value.goals, &goals_folder(0), &mut |part| self.part(part));
                }
            }
            RawDamonStep::Start(_)
            | RawDamonStep::Stop
            | RawDamonStep::Pause
            | RawDamonStep::Resume
            | RawDamonStep::ReadBack => {}
        }
    }

    fn part(&mut self, part: Part<'_>) {
        match part {
            Part::Keyword(kind, keyword) => self.uses(keyword, |word| word.kind == kind),
            Part::Files(folder, files) => {
                for (name, value) in &files.0 {
                    let feature = KernelFeature::parse(&file_feature(&format!("{folder}{}", name.value.0)));
                    self.add(feature, name.referenced);
                    self.uses(value, |word| word.kind == WordKind::Keyword);
                }
            }
        }
    }

    /// An event with or without its system.
    fn event(&mut self, event: &At<Scalar>) {
        let introduced = self.introduced;
        for word in introduced.all(WordKind::Tracepoint) {
            let bare = word.name.split_once(':').map(|(_, name)| name);
            if word.name == event.value.0 || bare == Some(event.value.0.as_str()) {
                self.word(word, event.referenced);
            }
        }
    }

    /// The words of a kind that stand in `keyword`.
    fn uses(&mut self, keyword: &At<Scalar>, is_of_kind: impl Fn(&Word) -> bool) {
        let introduced = self.introduced;
        let text = keyword.value.0.trim();
        for word in introduced.words().filter(|word| word.name == text && is_of_kind(word)) {
            self.word(word, keyword.referenced);
        }
    }
}

impl<'a> Found<'a> {
    fn word(&mut self, word: &'a Word, at: Location) {
        if !self.used.contains(&word) {
            self.used.push(word);
        }
        self.add(word.feature(), at);
    }

    fn add(&mut self, feature: Option<KernelFeature>, at: Location) {
        let Some(feature) = feature else { return };
        if self.seen.insert(feature.clone()) {
            self.required.push((feature, Some(at)));
        }
    }
}
