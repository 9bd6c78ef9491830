//! Places in a scenario's text that are still needed once it has been read: a mistake that depends on the host or on
//! QEMU is shown at its line too.

use super::error::ScenarioError;
use super::raw::RawWorkload;
use super::raw_machine::{RawMachineRef, RawWindow};
use crate::grammar::{At, Fault, Size};
use damonlab_protocol::kernel_feature::KernelFeature;
use serde_saphyr::Location;
use std::fmt;
use std::sync::Arc;

/// A file, as the user named it, with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    pub file: Arc<str>,
    pub text: Arc<str>,
}

/// Where a value stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    source: Source,
    at: Location,
}

/// The places of one scenario. One that was not read from a text has none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Places {
    /// The whole text.
    source: Option<Source>,
    /// The largest memory of the machine.
    memory: Option<Box<Place>>,
    /// The size of every workload.
    workloads: Vec<Place>,
    /// The lines that need a feature that the scenario introduces or names itself.
    needed: Vec<(KernelFeature, usize)>,
}

impl Source {
    pub(super) fn new(file: &str, text: &str) -> Source {
        Source { file: file.into(), text: text.into() }
    }

    pub(super) fn place<T>(&self, value: &At<T>) -> Place {
        Place { source: self.clone(), at: value.referenced }
    }
}

impl Place {
    /// The line, from 1.
    pub(super) fn line(&self) -> u64 {
        self.at.line()
    }

    /// A mistake there.
    pub(super) fn wrong(&self, message: String, help: &str) -> ScenarioError {
        wrong(Some(self), message, help)
    }

    /// The largest memory of a machine that stands in `source`.
    pub(super) fn of_memory(raw: &RawMachineRef, source: &Source) -> Option<Place> {
        let RawMachineRef::Here(raw) = raw else { return None };
        let nodes = raw.nodes.value.iter().filter_map(|node| node.memory.as_ref());
        let all = nodes.chain(raw.cxl.iter().flat_map(RawWindow::sizes));
        // Of equals the first.
        let largest = all.fold(None, |largest: Option<&At<Size>>, size| match largest {
            Some(known) if known.value.0 >= size.value.0 => largest,
            _ => Some(size),
        });
        largest.map(|size| source.place(size))
    }
}

/// `rules.yaml:7`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.source.file, self.at.line())
    }
}

impl Places {
    /// Those of workloads and of needed features, on a machine whose largest memory stands elsewhere.
    pub(super) fn of(
        memory: Option<Place>,
        workloads: &[RawWorkload],
        needed: Vec<(KernelFeature, usize)>,
        source: &Source,
    ) -> Places {
        let memory = memory.map(Box::new);
        let workloads = workloads.iter().map(|workload| source.place(&workload.size)).collect();
        Places { source: Some(source.clone()), memory, workloads, needed }
    }

    /// The file, as the user named it.
    pub fn file(&self) -> Option<&str> {
        self.source.as_ref().map(|source| &*source.file)
    }

    /// The line, from 1, that needs a feature; none where that is not known.
    pub fn line_that_needs(&self, feature: &KernelFeature) -> Option<usize> {
        let needed = self.needed.iter().find(|(known, _)| known == feature).map(|(_, line)| *line);
        let named = || self.line_of(&feature.to_string()).or_else(|| self.line_of(feature.asked_by()));
        needed.or_else(named)
    }

    /// The first line, from 1, that has `name` outside of a comment.
    pub fn line_of(&self, name: &str) -> Option<usize> {
        let inside = if name.starts_with('/') { "_./-" } else { "_." };
        let part = |c: char| !c.is_ascii_alphanumeric() && !inside.contains(c);
        let has = |line: &str| {
            let code = line.split_once('#').map_or(line, |(code, _)| code);
            code.split(part).any(|found| found == name)
        };
        self.source.as_ref()?.text.lines().position(has).map(|index| index + 1)
    }

    /// The first line, from 1, that has `text` outside of a comment.
    pub fn line_with(&self, text: &str) -> Option<usize> {
        let code = |line: &str| line.split_once('#').map_or(line, |(code, _)| code).contains(text);
        self.source.as_ref()?.text.lines().position(code).map(|index| index + 1)
    }

    /// A mistake about how much memory the machine has.
    pub fn wrong_memory(&self, message: String, help: &str) -> ScenarioError {
        wrong(self.memory.as_deref(), message, help)
    }

    /// A mistake about how large a workload is, the `index`th.
    pub fn wrong_workload(&self, index: usize, message: String, help: &str) -> ScenarioError {
        wrong(self.workloads.get(index), message, help)
    }
}

fn wrong(place: Option<&Place>, message: String, help: &str) -> ScenarioError {
    let wrong = match place {
        Some(Place { source, at }) => {
            Fault::at_location(*at, message).help(help).inside(&source.file, &source.text)
        }
        None => Fault::whole(message).help(help).inside("", ""),
    };
    wrong.into()
}
