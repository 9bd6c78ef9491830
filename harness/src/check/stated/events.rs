//! The events that a rule is about, and the values of what it names.

use super::super::fields::{Fields, Shape};
use super::super::span::Span;
use super::super::subject::{Subject, bare};
use crate::expression::{Evaluator, Expression};
use crate::recording::{Line, Recording};
use crate::scenario::ScenarioRule;
use crate::scenario::rule_names::EventFields;
use crate::trace::{Kind, Value};

/// All that a rule is judged with.
pub(super) struct Run<'a> {
    pub(super) recording: &'a Recording,
    pub(super) fields: &'a Fields<'a>,
    pub(super) subject: &'a dyn Subject,
    pub(super) evaluator: &'a Evaluator<'a>,
    pub(super) rule: &'a ScenarioRule,
    pub(super) span: Span,
}

impl<'a> Run<'a> {
    pub(super) fn line(&self, index: usize) -> &'a Line {
        &self.fields.lines()[index]
    }

    /// The value of a field of an event.
    pub(super) fn value(&self, index: usize, name: &str) -> Option<Value> {
        self.fields.value_or_property(index, name, self.subject)
    }

    /// Whether the line is an event that the rule is about. What `when` has no value for is one: the form then says
    /// what is wrong.
    pub(super) fn concerns(&self, index: usize) -> bool {
        let line = self.line(index);
        line.name() == bare(&self.rule.event)
            && self.span.has(line.time)
            && self.rule.when.as_ref().is_none_or(|when| {
                self.evaluator.holds(when, &|name| self.value(index, name)).unwrap_or(true)
            })
    }

    /// The places of the events that the rule is about, and of those of another name.
    pub(super) fn with_others(&self, other: &'a str) -> impl Iterator<Item = (usize, bool)> {
        let other = bare(other);
        (0..self.fields.lines().len()).filter_map(move |index| {
            let line = self.line(index);
            // Of an event that is both, its own part counts first.
            match line.name() == other && self.span.has(line.time) {
                true => Some((index, false)),
                false => self.concerns(index).then_some((index, true)),
            }
        })
    }

    /// The places of the events that the rule is about.
    pub(super) fn events(&self) -> impl Iterator<Item = usize> {
        (0..self.fields.lines().len()).filter(|index| self.concerns(*index))
    }

    /// The values of the key's fields: `kdamond 0, scheme_idx 1`; empty without a key.
    pub(super) fn key(&self, index: usize) -> String {
        let value = |name: &String| {
            let value = self.value(index, name).map_or_else(|| "?".to_owned(), |value| value.to_string());
            format!("{name} {value}")
        };
        self.rule.key.iter().map(value).collect::<Vec<_>>().join(", ")
    }

    /// Whether an expression is true, with what its names are then: `esz 5, nid 0`.
    pub(super) fn evaluate(
        &self,
        expression: &Expression,
        value: &dyn Fn(&str) -> Option<Value>,
    ) -> Result<(), String> {
        let why = match self.evaluator.holds(expression, value) {
            Ok(true) => return Ok(()),
            Ok(false) => None,
            Err(why) => Some(why),
        };
        let shown = |name: &str| value(name).map(|value| format!("{name} {value}"));
        let values: Vec<String> = expression.names().filter_map(shown).collect();
        let values = values.join(", ");
        Err(match why {
            None => values,
            Some(why) if values.is_empty() => why,
            Some(why) => format!("{why}: {values}"),
        })
    }
}

/// An event's fields, as the rule may name them.
pub(super) struct Recorded<'a> {
    pub(super) shape: Shape<'a>,
    pub(super) subject: &'a dyn Subject,
}

impl EventFields for Recorded<'_> {
    fn kind(&self, name: &str) -> Option<Kind> {
        let property = || self.subject.properties().contains(&name).then_some(Kind::Signed);
        self.shape.kind(name).or_else(property)
    }

    fn names(&self) -> Vec<String> {
        self.shape.names().into_iter().map(str::to_owned).collect()
    }
}
