//! The names that the expressions of a rule may use, by its form.

use super::rule::{Form, ScenarioRule};
use crate::expression::{Expression, Mistake, Names};
use crate::trace::Kind;

/// The fields of an event, as a rule may name them.
pub(crate) trait EventFields {
    /// The type of a field.
    fn kind(&self, name: &str) -> Option<Kind>;
    /// The event's own fields, for messages.
    fn names(&self) -> Vec<String>;
}

/// What an expression is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    Event,
    Pair,
    Window,
}

struct RuleNames<'a> {
    event: &'a str,
    fields: &'a dyn EventFields,
    about: About,
}

/// The parts of a name in a pair.
const PAIR: &[&str] = &["before", "after"];

/// The parts of a name in a window, those of numbers last.
const WINDOW: &[&str] = &["first", "last", "min", "max", "sum"];

/// How many events a window has.
pub(crate) const COUNT: &str = "count";

impl Names for RuleNames<'_> {
    fn kind(&self, name: &str) -> Option<Kind> {
        let parts = match self.about {
            About::Event => return self.fields.kind(name),
            About::Window if name == COUNT => return Some(Kind::Unsigned),
            About::Pair => PAIR,
            About::Window => WINDOW,
        };
        let (part, field) = name.split_once('.')?;
        let kind = self.fields.kind(field).filter(|_| parts.contains(&part))?;
        (kind.is_number() || !matches!(part, "min" | "max" | "sum")).then_some(kind)
    }

    fn all(&self) -> Vec<String> {
        let parts = match self.about {
            About::Event => return self.fields.names(),
            About::Pair => PAIR,
            About::Window => WINDOW,
        };
        let count = (self.about == About::Window).then(|| COUNT.to_owned());
        let dotted = |part: &&str| {
            self.fields.names().into_iter().map(|field| format!("{part}.{field}")).collect::<Vec<_>>()
        };
        count.into_iter().chain(parts.iter().flat_map(dotted)).collect()
    }

    fn of(&self) -> String {
        match self.about {
            About::Event => self.event.to_owned(),
            About::Pair => format!("a pair of {}", self.event),
            About::Window => format!("a window of {}", self.event),
        }
    }
}

/// Something in a rule that its event does not have: the expression with its mistake, or a field's name.
pub(crate) enum Misnamed<'a> {
    Expression(&'a Expression, Mistake),
    Field(&'a str, &'a str),
    /// A field that is no number.
    NoNumber(&'a str),
}

/// Compares what a rule names with the fields of its events; `fields` has those of an event, if they are known.
pub(crate) fn check<'a>(
    rule: &'a ScenarioRule,
    fields: &dyn Fn(&str) -> Option<Box<dyn EventFields + 'a>>,
) -> Result<(), Misnamed<'a>> {
    if let Some(own) = fields(&rule.event) {
        let about = match rule.form {
            Form::EachPair(_) => About::Pair,
            Form::EachWindow(..) => About::Window,
            _ => About::Event,
        };
        for (expression, is_of_event) in rule.expressions() {
            let about = if is_of_event { About::Event } else { about };
            let names = RuleNames { event: &rule.event, fields: &*own, about };
            expression.check(&names).map_err(|mistake| Misnamed::Expression(expression, mistake))?;
        }
        if let Form::Monotonic(field) | Form::UnchangedBy { field, .. } = &rule.form {
            match own.kind(field) {
                None => return Err(Misnamed::Field(&rule.event, field)),
                Some(kind) if !kind.is_number() && matches!(rule.form, Form::Monotonic(_)) => {
                    return Err(Misnamed::NoNumber(field));
                }
                Some(_) => {}
            }
        }
    }
    for event in rule.events() {
        let Some(fields) = fields(event) else { continue };
        if let Some(key) = rule.key.iter().find(|key| fields.kind(key).is_none()) {
            return Err(Misnamed::Field(event, key));
        }
    }
    Ok(())
}
