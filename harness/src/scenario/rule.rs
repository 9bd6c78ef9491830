//! A rule of a scenario's own: what must hold for the events of one name, in every run.

use super::error::ScenarioError;
use super::place::Place;
use crate::expression::Expression;
use damonlab_protocol::units::Nanos;
use std::fmt;
use std::sync::Arc;

/// A rule that a scenario states, or a file of `--rules`.
#[derive(Debug, Clone, PartialEq)]
pub struct ScenarioRule {
    /// Its name.
    pub name: Arc<str>,
    /// The event, with its system where the file gives that.
    pub event: String,
    /// The fields whose values must be equal for events that are compared with each other.
    pub key: Vec<String>,
    /// Only events for which this is true count.
    pub when: Option<Expression>,
    /// Which of the plan's runs it is about, counted from 0; all of the recording where there is none.
    pub during: Option<usize>,
    /// What must hold.
    pub form: Form,
    /// Where it stands.
    pub(crate) place: Place,
}

/// What must hold.
#[derive(Debug, Clone, PartialEq)]
pub enum Form {
    /// It is true for each event.
    Always(Expression),
    /// It is true for no event.
    Never(Expression),
    /// It is true for each event and the one before it of the same key.
    EachPair(Expression),
    /// It is true for each window of the events of one key.
    EachWindow(Expression, Window),
    /// The field never falls from one event to the next of the same key.
    Monotonic(String),
    /// Since the event before it of the same key, there was one of this name, within this time before it.
    Follows(String, Option<Nanos>),
    /// The field has the same value before and after each step of this kind.
    UnchangedBy {
        /// The field.
        field: String,
        /// The kind of step.
        step: String,
    },
}

/// How the events of a key are divided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Window {
    /// One stretch of guest time after the other, from the first event on.
    Time(Nanos),
    /// From an event of this name to the next.
    Event(String),
}

impl ScenarioRule {
    /// All events that it names.
    pub fn events(&self) -> impl Iterator<Item = &str> {
        let other = match &self.form {
            Form::Follows(event, _) | Form::EachWindow(_, Window::Event(event)) => Some(event.as_str()),
            _ => None,
        };
        [self.event.as_str()].into_iter().chain(other)
    }

    /// The expressions in it, and whether each is about one event by itself.
    pub fn expressions(&self) -> Vec<(&Expression, bool)> {
        let own = match &self.form {
            Form::Always(expression) | Form::Never(expression) => Some((expression, true)),
            Form::EachPair(expression) | Form::EachWindow(expression, _) => Some((expression, false)),
            _ => None,
        };
        self.when.iter().map(|when| (when, true)).chain(own).collect()
    }

    /// `rules.yaml:7`.
    pub fn shown_place(&self) -> String {
        self.place.to_string()
    }

    /// The line in its file.
    pub fn line(&self) -> u64 {
        self.place.line()
    }

    /// A mistake in it that only shows where its events are known.
    pub(crate) fn wrong(&self, message: String, help: &str) -> ScenarioError {
        self.place.wrong(message, help)
    }
}

/// What must hold, in a sentence's middle.
impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Form::Always(expression) => write!(f, "always {}", expression.text()),
            Form::Never(expression) => write!(f, "never {}", expression.text()),
            Form::EachPair(expression) => write!(f, "for each pair {}", expression.text()),
            Form::EachWindow(expression, Window::Time(time)) => {
                write!(f, "for each window of {time} {}", expression.text())
            }
            Form::EachWindow(expression, Window::Event(event)) => {
                write!(f, "from each {event} to the next {}", expression.text())
            }
            Form::Monotonic(field) => write!(f, "{field} never falls"),
            Form::Follows(event, None) => write!(f, "each follows a {event}"),
            Form::Follows(event, Some(time)) => write!(f, "each follows a {event} within {time}"),
            Form::UnchangedBy { field, step } => write!(f, "{field} is unchanged by {step}"),
        }
    }
}
