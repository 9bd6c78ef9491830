//! `rules`: what each says, its expressions read, and compared with its event's fields where those are known.

use super::event::Recorded;
use super::expect::bare;
use crate::expression::{Expression, Mistake};
use crate::grammar::{At, Checked, Fault, Leaf, Scalar, Time};
use crate::scenario::place::Source;
use crate::scenario::raw_rules::RawRule;
use crate::scenario::rule::{Form, ScenarioRule, Window};
use crate::scenario::rule_names::{EventFields, Misnamed, check};
use crate::scenario::subject::{EVENTS, Introduced};
use crate::trace::{COMMON_FIELDS, EventShape, Kind};
use damonlab_protocol::units::Nanos;
use std::collections::BTreeSet;

/// So many rules has one file.
const MOST: usize = 200;

/// A window is not shorter.
const SHORTEST_WINDOW: Nanos = Nanos(1_000_000);

/// The kinds of steps that a rule may name.
pub(super) const STEPS: &[&str] =
    &["commit", "retarget", "pause", "resume", "write", "offline", "online", "workload", "stop"];

/// Names and ids of damonlab's own rules, and what else findings may be about. A test compares them.
pub(in crate::scenario) const TAKEN: &str = include_str!("taken_names.txt");

/// What a rule may refer to.
pub(in crate::scenario) struct Around<'a> {
    pub(in crate::scenario) source: &'a Source,
    /// The patterns of `trace.events`, and the words of a patch; none where the rules go with any scenario.
    pub(in crate::scenario) events: Option<(&'a [String], &'a Introduced)>,
    /// How many runs the steps have; none where the rules go with any scenario.
    pub(in crate::scenario) runs: Option<usize>,
}

/// The rules of one file.
pub(in crate::scenario) fn rules(raw: &[At<RawRule>], around: &Around<'_>) -> Checked<Vec<ScenarioRule>> {
    let mut names = BTreeSet::new();
    let mut rules = Vec::new();
    for raw in raw {
        let rule = rule(raw, around)?;
        if !names.insert(rule.name.clone()) {
            return Err(Fault::at(&raw.value.name, format!("a second rule has the name '{}'", rule.name)));
        }
        if rules.len() == MOST {
            return Err(Fault::at(raw, format!("a file has {MOST} rules at most")));
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn rule(raw: &At<RawRule>, around: &Around<'_>) -> Checked<ScenarioRule> {
    let line = &raw.value;
    let form = form(raw, around)?;
    only(raw, &form)?;
    let rule = ScenarioRule {
        name: name(&line.name)?.into(),
        event: event(&line.event, around)?,
        key: line.key.iter().map(word).collect::<Checked<_>>()?,
        when: line.when.as_ref().map(expression).transpose()?,
        during: line.during.as_ref().map(|during| run(&during.value.run, around)).transpose()?,
        form,
        place: around.source.place(&line.name),
    };
    check(&rule, &known).map_err(|wrong| misnamed(raw, wrong))?;
    Ok(rule)
}

/// The forms that a rule has: one, if it is sound.
fn form(raw: &At<RawRule>, around: &Around<'_>) -> Checked<Form> {
    let line = &raw.value;
    let mut forms = Vec::new();
    if let Some(text) = &line.always {
        forms.push(Form::Always(expression(text)?));
    }
    if let Some(text) = &line.never {
        forms.push(Form::Never(expression(text)?));
    }
    if let Some(text) = &line.each_pair {
        forms.push(Form::EachPair(expression(text)?));
    }
    if let Some(text) = &line.each_window {
        forms.push(Form::EachWindow(expression(text)?, window(raw, around)?));
    }
    if let Some(field) = &line.monotonic {
        forms.push(Form::Monotonic(word(field)?));
    }
    if let Some(other) = &line.follows {
        if bare(&other.value.0) == bare(&line.event.value.0) {
            let message =
                format!("'{}' cannot follow itself: the first one has none before it", other.value.0);
            return Err(Fault::at(other, message).help("each_pair compares an event with the one before it"));
        }
        forms.push(Form::Follows(event(other, around)?, line.within.as_ref().map(|time| time.value.0)));
    }
    if let Some(step) = &line.unchanged_by {
        let Some(field) = &line.field else {
            return Err(Fault::at(step, "`unchanged_by` needs a field: field: FIELD"));
        };
        if !STEPS.contains(&step.value.0.as_str()) {
            let message = format!("there is no kind of step '{}'", step.value.0);
            return Err(Fault::at(step, message).known(&step.value.0, STEPS));
        }
        forms.push(Form::UnchangedBy { field: word(field)?, step: step.value.0.clone() });
    }
    let one = if forms.len() == 1 { forms.pop() } else { None };
    one.ok_or_else(|| {
        let all = "always, never, each_pair, each_window, monotonic, follows and unchanged_by";
        Fault::at(raw, format!("a rule has one of {all}"))
            .help("for instance {name: quota-is-set, event: damos_esz, always: \"esz > 0\"}")
    })
}

/// Refuses keys that the form does not have.
fn only(raw: &At<RawRule>, form: &Form) -> Checked<()> {
    let line = &raw.value;
    let unused = [
        ("window", line.window.as_ref().map(|at| at.referenced), matches!(form, Form::EachWindow(..))),
        ("within", line.within.as_ref().map(|at| at.referenced), matches!(form, Form::Follows(..))),
        ("field", line.field.as_ref().map(|at| at.referenced), matches!(form, Form::UnchangedBy { .. })),
        ("key", line.key.first().map(|at| at.referenced), !matches!(form, Form::Always(_) | Form::Never(_))),
    ];
    match unused.into_iter().find_map(|(key, at, used)| Some((key, at?)).filter(|_| !used)) {
        Some((key, at)) => Err(Fault::at_location(at, format!("'{key}' has no effect on this rule"))),
        None => Ok(()),
    }
}

fn window(raw: &At<RawRule>, around: &Around<'_>) -> Checked<Window> {
    let Some(window) = &raw.value.window else {
        return Err(Fault::at(raw, "`each_window` needs a window: window: 100ms, or window: EVENT"));
    };
    match Time::parse(&window.value.0) {
        Some(Time(time)) if time < SHORTEST_WINDOW => {
            Err(Fault::at(window, format!("a window is at least {SHORTEST_WINDOW} long")))
        }
        Some(Time(time)) => Ok(Window::Time(time)),
        None if bare(&window.value.0) == bare(&raw.value.event.value.0) => {
            let message = format!("from each '{}' to the next there is none", window.value.0);
            Err(Fault::at(window, message)
                .help("a window is between events of another name, or a time: window: 100ms"))
        }
        None => event(window, around).map(Window::Event),
    }
}

/// Kebab-case, as damonlab's own rules have it, and none of those.
fn name(raw: &At<Scalar>) -> Checked<String> {
    let text = &raw.value.0;
    let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.is_empty() || text.len() > 60 || !text.chars().all(sound) || !text.contains('-') {
        return Err(Fault::at(raw, format!("'{text}' cannot name a rule"))
            .help("up to 60 lower-case letters, digits and '-', at least two words: quota-follows-goal"));
    }
    if TAKEN.lines().any(|taken| taken.eq_ignore_ascii_case(text)) {
        return Err(Fault::at(raw, format!("'{text}' is the name of one of damonlab's own rules"))
            .help(format!("`damonlab explain {text}` shows it")));
    }
    Ok(text.clone())
}

fn event(raw: &At<Scalar>, around: &Around<'_>) -> Checked<String> {
    match around.events {
        Some((recorded, introduced)) => {
            Recorded::resolve(raw, recorded, introduced).map(|event| event.text())
        }
        None => {
            let text = &raw.value.0;
            let parts: Vec<&str> = text.splitn(2, ':').collect();
            let sound = parts.iter().all(|part| is_word(part));
            if sound {
                Ok(text.clone())
            } else {
                Err(Fault::at(raw, format!("'{text}' cannot name an event")))
            }
        }
    }
}

fn run(raw: &At<crate::grammar::Number>, around: &Around<'_>) -> Checked<usize> {
    let nth = usize::try_from(raw.value.0).unwrap_or(usize::MAX);
    let there = around.runs.is_none_or(|count| nth <= count);
    nth.checked_sub(1).filter(|_| there).ok_or_else(|| Fault::at(raw, format!("there is no run {nth}")))
}

fn word(raw: &At<Scalar>) -> Checked<String> {
    let text = &raw.value.0;
    if is_word(text) {
        Ok(text.clone())
    } else {
        Err(Fault::at(raw, format!("'{text}' cannot name a field")))
    }
}

/// A C identifier.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn expression(raw: &At<Scalar>) -> Checked<Expression> {
    Expression::parse(&raw.value.0).map_err(|mistake| fault(raw, mistake))
}

fn fault(raw: &At<Scalar>, mistake: Mistake) -> Fault {
    let fault = Fault::at(raw, mistake.message);
    let fault = if let Some(at) = mistake.at { fault.part(&raw.value.0, at) } else { fault };
    if let Some(help) = mistake.help { fault.help(help) } else { fault }
}

/// The mistake at the text that has it.
fn misnamed(raw: &At<RawRule>, wrong: Misnamed<'_>) -> Fault {
    let line = &raw.value;
    match wrong {
        Misnamed::Expression(expression, mistake) => {
            let texts = [&line.when, &line.always, &line.never, &line.each_pair, &line.each_window];
            let text = texts.into_iter().flatten().find(|text| text.value.0 == expression.text());
            fault(text.unwrap_or(&line.name), mistake)
        }
        Misnamed::Field(event, field) => {
            let places = line.key.iter().chain(&line.field).chain(&line.monotonic);
            let place = places.into_iter().find(|place| place.value.0 == field);
            let names = known(event).map(|fields| fields.names()).unwrap_or_default();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            Fault::at(place.unwrap_or(&line.name), format!("{event} has no field '{field}'"))
                .known(field, &names)
        }
        Misnamed::NoNumber(field) => {
            Fault::at(line.monotonic.as_ref().unwrap_or(&line.name), format!("'{field}' is no number"))
        }
    }
}

/// The fields of an event that damonlab has a type for.
fn known<'a>(event: &str) -> Option<Box<dyn EventFields + 'a>> {
    let (system, name) = event.split_once(':').unwrap_or((EVENTS.system, event));
    let shape = EVENTS.shapes.iter().find(|(known, _)| *known == name && system == EVENTS.system)?;
    Some(Box::new(KnownFields(*shape)))
}

struct KnownFields(EventShape);

impl EventFields for KnownFields {
    fn kind(&self, name: &str) -> Option<Kind> {
        let own =
            self.0.1.iter().chain(COMMON_FIELDS).find(|(field, _)| *field == name).map(|(_, kind)| *kind);
        own.or_else(|| (name == EVENTS.emitter).then_some(Kind::Signed))
    }

    fn names(&self) -> Vec<String> {
        let fields = self.0.1.iter().chain(COMMON_FIELDS).map(|(name, _)| (*name).to_owned());
        fields.chain([EVENTS.emitter.to_owned()]).collect()
    }
}
