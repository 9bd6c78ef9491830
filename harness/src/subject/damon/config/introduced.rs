//! Words that a file introduces: a patch adds them to DAMON, and damonlab does not know them.
//!
//! Such a word is accepted where one of its kind stands, and written as it is. Nothing is known about it but what the
//! file states.

use super::keywords::{ACTIONS, ALL_FILTERS, METRICS, Metric, MetricUnit, OPS, TUNERS, WATERMARK_METRICS};
use super::raw_introduced::{RawFilterWord, RawIntroduces, RawMetricWord};
use crate::grammar::{At, Checked, Fault, Given, Scalar};
use crate::subject::damon::events::Event;
use damonlab_protocol::damon::FilterLayer;
use damonlab_protocol::kernel_feature::KernelFeature;
use serde_saphyr::Location;

/// The longest word, and more than any of the kernel's has.
const MAX_LENGTH: usize = 64;

/// So many words a file introduces at most.
const MAX_WORDS: usize = 256;

/// What a word can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WordKind {
    GoalMetric,
    GoalTuner,
    Action,
    Filter,
    Operations,
    WatermarkMetric,
    /// A value of a file that the scenario names itself.
    Keyword,
    Tracepoint,
}

/// The units of a metric that is introduced.
pub(super) const UNITS: [&str; 3] = ["bp", "us", "plain"];

/// The folders of a filter that is introduced.
pub(super) const FOLDERS: [&str; 3] = ["core", "ops", "probe"];

impl WordKind {
    /// As a message has it.
    pub(super) fn noun(self) -> &'static str {
        match self {
            WordKind::GoalMetric => "goal metric",
            WordKind::GoalTuner => "goal tuner",
            WordKind::Action => "action",
            WordKind::Filter => "filter type",
            WordKind::Operations => "operations set",
            WordKind::WatermarkMetric => "watermark metric",
            WordKind::Keyword => "keyword",
            WordKind::Tracepoint => "tracepoint",
        }
    }

    /// How a file introduces the word `name`.
    pub(crate) fn how(self, name: &str) -> String {
        let entry = match self {
            WordKind::GoalMetric => format!("goal_metrics: [{name}]"),
            WordKind::GoalTuner => format!("goal_tuners: [{name}]"),
            WordKind::Action => format!("actions: [{name}]"),
            WordKind::Filter => format!("filters: [{{name: {name}, folder: ops}}]"),
            WordKind::Operations => format!("operations: [{name}]"),
            WordKind::WatermarkMetric => format!("watermark_metrics: [{name}]"),
            WordKind::Keyword => format!("keywords: [{name}]"),
            WordKind::Tracepoint => format!("tracepoints: ['damon:{name}']"),
        };
        format!("if a patch adds it: introduces: {{{entry}}}")
    }

    fn is_known(self, name: &str) -> bool {
        match self {
            WordKind::GoalMetric => METRICS.iter().any(|metric| metric.name == name),
            WordKind::GoalTuner => TUNERS.contains(&name),
            WordKind::Action => ACTIONS.contains(&name),
            WordKind::Filter => ALL_FILTERS.contains(&name),
            WordKind::Operations => OPS.contains(&name),
            WordKind::WatermarkMetric => WATERMARK_METRICS.contains(&name),
            WordKind::Keyword => false,
            WordKind::Tracepoint => name
                .split_once(':')
                .is_some_and(|(system, name)| system == "damon" && Event::KNOWN.contains(&name)),
        }
    }
}

/// What a file states about a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Traits {
    Nothing,
    Metric { node: bool, memcg: bool, unit: MetricUnit },
    Filter(FilterLayer),
}

/// A word.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Word {
    pub(crate) kind: WordKind,
    /// As the kernel has it; a tracepoint is `SYSTEM:EVENT`.
    pub(crate) name: String,
    pub(super) traits: Traits,
    /// Where it stands in the scenario; none where it came with another file.
    pub(super) at: Option<Location>,
    /// Another file introduces it, perhaps besides the scenario.
    pub(super) from_file: bool,
}

impl Word {
    /// What the kernel must have; none where that cannot be looked for.
    pub(super) fn feature(&self) -> Option<KernelFeature> {
        let kind = match (self.kind, self.traits) {
            (WordKind::GoalMetric, _) => "goal",
            (WordKind::GoalTuner, _) => "tuner",
            (WordKind::Action, _) => "action",
            (WordKind::Filter, Traits::Filter(FilterLayer::Probe)) => "probe_filter",
            (WordKind::Filter, _) => "filter",
            (WordKind::Operations, _) => "ops",
            (WordKind::WatermarkMetric, _) => "watermark",
            (WordKind::Keyword, _) => return None,
            (WordKind::Tracepoint, _) => return KernelFeature::tracepoint(&self.name),
        };
        KernelFeature::parse(&format!("{kind}.{}", self.name))
    }

    /// A filter of schemes and one of probes may have one name.
    fn is_like(&self, other: &Word) -> bool {
        let of_probe = |word: &Word| word.traits == Traits::Filter(FilterLayer::Probe);
        (self.kind, &self.name, of_probe(self)) == (other.kind, &other.name, of_probe(other))
    }
}

/// The words that a scenario may use besides those that are known.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Introduced {
    words: Vec<Word>,
}

impl Introduced {
    /// The words of a file; `in_scenario` where the file is the scenario itself.
    pub(crate) fn resolve(raw: &RawIntroduces, in_scenario: bool) -> Checked<Introduced> {
        let plain = [
            (WordKind::GoalTuner, &raw.goal_tuners),
            (WordKind::Action, &raw.actions),
            (WordKind::Operations, &raw.operations),
            (WordKind::WatermarkMetric, &raw.watermark_metrics),
            (WordKind::Keyword, &raw.keywords),
            (WordKind::Tracepoint, &raw.tracepoints),
        ];
        let mut introduced = Introduced::default();
        for metric in &raw.goal_metrics {
            introduced.add(metric_word(metric)?, metric.referenced, in_scenario)?;
        }
        for filter in &raw.filters {
            introduced.add(filter_word(&filter.value)?, filter.referenced, in_scenario)?;
        }
        for (kind, words) in plain {
            for word in words {
                let found = (kind, checked(word, kind)?, Traits::Nothing);
                introduced.add(found, word.referenced, in_scenario)?;
            }
        }
        Ok(introduced)
    }

    fn add(
        &mut self,
        (kind, name, traits): (WordKind, String, Traits),
        at: Location,
        in_scenario: bool,
    ) -> Checked<()> {
        let word = Word { kind, name, traits, at: in_scenario.then_some(at), from_file: !in_scenario };
        let name = &word.name;
        if kind.is_known(name) {
            let message = format!("damonlab knows the {} '{name}' already", kind.noun());
            return Err(
                Fault::at_location(at, message).help("leave it out: what is known needs no introduction")
            );
        }
        if self.words.iter().any(|other| other.is_like(&word)) {
            return Err(Fault::at_location(at, format!("the {} '{name}' is here twice", kind.noun())));
        }
        if self.words.len() == MAX_WORDS {
            return Err(Fault::at_location(at, format!("more than {MAX_WORDS} words are introduced")));
        }
        self.words.push(word);
        Ok(())
    }

    /// These, and those that came with another file.
    pub(crate) fn and(mut self, others: &Introduced) -> Checked<Introduced> {
        for other in &others.words {
            match self.words.iter_mut().find(|word| word.is_like(other)) {
                None => self.words.push(other.clone()),
                Some(same) if same.traits == other.traits => same.from_file = true,
                Some(word) => {
                    let message = format!(
                        "the {} '{}' is introduced here and by --introduces, and not as the same",
                        word.kind.noun(),
                        word.name
                    );
                    return Err(Fault::at_location(word.at.unwrap_or(Location::UNKNOWN), message));
                }
            }
        }
        Ok(self)
    }

    /// The word, if it is among them.
    pub(crate) fn find(&self, kind: WordKind, name: &str) -> Option<&Word> {
        self.words.iter().find(|word| word.kind == kind && word.name == name)
    }

    /// All of one kind.
    pub(crate) fn all(&self, kind: WordKind) -> impl Iterator<Item = &Word> {
        self.words.iter().filter(move |word| word.kind == kind)
    }

    /// All.
    pub(crate) fn words(&self) -> impl Iterator<Item = &Word> {
        self.words.iter()
    }

    /// The metric, if it is among them.
    pub(super) fn metric<'a>(&self, name: &'a str) -> Option<Metric<'a>> {
        match self.find(WordKind::GoalMetric, name)?.traits {
            Traits::Metric { node, memcg, unit } => Some(Metric { name, node, memcg, unit, paddr: false }),
            Traits::Nothing | Traits::Filter(_) => None,
        }
    }

    /// The layers of the filter type, if it is among them.
    pub(super) fn layers(&self, name: &str) -> Vec<FilterLayer> {
        let named = self.all(WordKind::Filter).filter(|word| word.name == name);
        let layer = |word: &Word| if let Traits::Filter(layer) = word.traits { Some(layer) } else { None };
        named.filter_map(layer).collect()
    }
}

fn metric_word(raw: &At<RawMetricWord>) -> Checked<(WordKind, String, Traits)> {
    let kind = WordKind::GoalMetric;
    let (name, traits) = match &raw.value {
        RawMetricWord::Name(name) => (name_of(name, kind, raw.referenced)?, None),
        RawMetricWord::Traits(traits) => (checked(&traits.name, kind)?, Some(traits)),
    };
    let unit = match traits.and_then(|traits| traits.unit.as_ref()) {
        Some(unit) => metric_unit(unit)?,
        None if name.ends_with("_bp") => MetricUnit::BasisPoints,
        None if name.ends_with("_us") => MetricUnit::Micros,
        None => MetricUnit::Plain,
    };
    let node = traits.is_some_and(|traits| traits.node.given_or(false));
    let memcg = traits.is_some_and(|traits| traits.memcg.given_or(false));
    Ok((kind, name, Traits::Metric { node, memcg, unit }))
}

fn metric_unit(raw: &At<Scalar>) -> Checked<MetricUnit> {
    match raw.value.0.as_str() {
        "bp" => Ok(MetricUnit::BasisPoints),
        "us" => Ok(MetricUnit::Micros),
        "plain" => Ok(MetricUnit::Plain),
        other => Err(Fault::at(raw, format!("there is no unit '{other}'")).known(other, &UNITS)),
    }
}

fn filter_word(raw: &RawFilterWord) -> Checked<(WordKind, String, Traits)> {
    let name = checked(&raw.name, WordKind::Filter)?;
    let layer = match raw.folder.value.0.as_str() {
        "core" => FilterLayer::Core,
        "ops" => FilterLayer::Ops,
        "probe" => FilterLayer::Probe,
        other => {
            let message = format!("there is no folder '{other}' of filters");
            return Err(Fault::at(&raw.folder, message).known(other, &FOLDERS));
        }
    };
    Ok((WordKind::Filter, name, Traits::Filter(layer)))
}

fn checked(raw: &At<Scalar>, kind: WordKind) -> Checked<String> {
    name_of(&raw.value.0, kind, raw.referenced)
}

/// A word of lower-case letters, digits and `_`, as all of DAMON's are; a tracepoint has two, with its system.
fn name_of(text: &str, kind: WordKind, at: Location) -> Checked<String> {
    let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let word = |text: &str| !text.is_empty() && text.len() <= MAX_LENGTH && text.chars().all(sound);
    let (fits, help) = match kind {
        WordKind::Tracepoint => (
            text.split_once(':').is_some_and(|(system, event)| word(system) && word(event)),
            "SYSTEM:EVENT, for instance damon:damos_my_event".to_owned(),
        ),
        _ => (word(text), format!("up to {MAX_LENGTH} lower-case letters, digits and '_', as sysfs has it")),
    };
    if fits {
        return Ok(text.to_owned());
    }
    Err(Fault::at_location(at, format!("'{text}' cannot name a {}", kind.noun())).help(help))
}
