//! One line of `expect`: which quantity, which bounds.

use super::event::Recorded;
use crate::grammar::{At, Checked, Fault, Leaf, Scalar, Size};
use crate::scenario::expect::{Bound, Expectation, Over, Quantity, Where};
use crate::scenario::raw::{RawDuring, RawExpectation, RawLast};
use crate::scenario::subject::{EVENTS, Vocabulary};
use damonlab_protocol::record::VMSTAT_PREFIXES;

/// The value of `over`.
const SEEDS: &str = "seeds";

/// What the numbers of a bound are.
#[derive(Clone, Copy, PartialEq)]
enum Unit {
    Plain,
    Whole,
    Size,
}

impl Unit {
    /// That of a mean or a standard deviation: whole numbers have others.
    fn of_means(self) -> Unit {
        if self == Unit::Whole { Unit::Plain } else { self }
    }
}

/// What an expectation can be about.
pub(super) struct Measurable<'a> {
    /// The nodes and workloads.
    pub(super) words: Vocabulary<'a>,
    /// How many charge windows each run has room for, where that is known.
    pub(super) windows: &'a [Option<u64>],
    /// The patterns of `trace.events`.
    pub(super) events: &'a [String],
    /// `sample.vmstat`.
    pub(super) vmstat: &'a [String],
}

impl Measurable<'_> {
    /// How many windows there is room for, in one run or in all.
    fn room(&self, during: Option<usize>) -> Option<u64> {
        match during {
            Some(index) => self.windows.get(index).copied().flatten(),
            None => self.windows.iter().copied().sum(),
        }
    }
}

/// The expectation that `raw` means.
pub(super) fn resolve(raw: &At<RawExpectation>, run: &Measurable<'_>) -> Checked<Expectation> {
    let during = raw.value.during.as_ref().map(|during| self::during(during, run)).transpose()?;
    let quantity = quantity(raw, run, during)?;
    let unit = match quantity {
        Quantity::Mean { .. } => Unit::Plain,
        Quantity::Count { .. } | Quantity::Vmstat { .. } => Unit::Whole,
        Quantity::Resident { .. } => Unit::Size,
    };
    let during = match during {
        None => run_of_last(raw, &quantity, run)?,
        named => named,
    };
    let over = over(raw, unit)?;
    let unit = if over == Over::Run { unit } else { unit.of_means() };
    Ok(Expectation { quantity, bound: bound(raw, unit)?, over, during, line: raw.referenced.line() })
}

/// The run in which the last windows must lie: the last one, if it has room for them. A guest that is late has fewer
/// windows there, and the mean must not reach back over a step that changes what is measured.
fn run_of_last(
    raw: &At<RawExpectation>,
    quantity: &Quantity,
    run: &Measurable<'_>,
) -> Checked<Option<usize>> {
    let (Quantity::Mean { last: Some(count), .. }, Some(event)) = (quantity, &raw.value.of) else {
        return Ok(None);
    };
    let [_, .., Some(room)] = run.windows else { return Ok(None) };
    let fits =
        count <= room && is_once_a_window(&Recorded::resolve(event, run.events, run.words.introduced)?);
    Ok(fits.then(|| run.windows.len() - 1))
}

/// Whether the event comes once per charge window, as a goal's does.
fn is_once_a_window(event: &Recorded<'_>) -> bool {
    EVENTS.once_a_window.iter().any(|(_, name)| event.is(name))
}

/// Runs are counted from 1 in the file.
fn during(raw: &At<RawDuring>, run: &Measurable<'_>) -> Checked<usize> {
    let (place, count) = (&raw.value.run, run.windows.len());
    let nth = usize::try_from(place.value.0).unwrap_or(usize::MAX);
    match nth.checked_sub(1).filter(|index| *index < count) {
        Some(index) => Ok(index),
        None => Err(Fault::at(place, format!("there is no run {nth}"))
            .help(format!("the steps have {count}, counted from 1"))),
    }
}

fn over(raw: &At<RawExpectation>, unit: Unit) -> Checked<Over> {
    let spread = raw.value.spread.as_ref();
    match (&raw.value.over, spread) {
        (None, None) => Ok(Over::Run),
        (None, Some(spread)) => {
            Err(Fault::at(spread, "`spread` compares seeds, and this expectation is about each run")
                .help("with `over: seeds` it is about all seeds of `damonlab run --seeds A..B`"))
        }
        (Some(value), spread) if value.value.0 == SEEDS => {
            Ok(Over::Seeds { spread: spread.map(|spread| self::spread(spread, unit)).transpose()? })
        }
        (Some(value), _) => {
            let text = &value.value.0;
            Err(Fault::at(value, format!("an expectation cannot be over '{text}'")).known(text, &[SEEDS]))
        }
    }
}

fn spread(raw: &At<Scalar>, unit: Unit) -> Checked<f64> {
    let most = number(raw, unit.of_means())?;
    if most < 0.0 {
        return Err(Fault::at(raw, "a spread cannot be below 0")
            .help("the largest standard deviation between the seeds, in the unit of the quantity"));
    }
    Ok(most)
}

fn quantity(raw: &At<RawExpectation>, run: &Measurable<'_>, during: Option<usize>) -> Checked<Quantity> {
    let line = &raw.value;
    match (&line.mean, &line.count, &line.resident, &line.vmstat) {
        (Some(field), None, None, None) => {
            only(raw, "mean", &["of", "where", "last"])?;
            mean(raw, field, run, during)
        }
        (None, Some(event), None, None) => {
            only(raw, "count", &["where"])?;
            let event = Recorded::resolve(event, run.events, run.words.introduced)?;
            Ok(Quantity::Count { event: event.text(), filter: filter(raw, &event, run)? })
        }
        (None, None, Some(name), None) => {
            only(raw, "resident", &["node"])?;
            let Some(node) = &line.node else {
                return Err(Fault::at(raw, "`resident` needs a node: node: N"));
            };
            let workload = run.words.workload(name)?;
            Ok(Quantity::Resident { workload, node: run.words.node(node.value.0, node)? })
        }
        (None, None, None, Some(counter)) => {
            only(raw, "vmstat", &[])?;
            vmstat(counter, run.vmstat)
        }
        _ => Err(Fault::at(raw, "an expectation is about one of mean, count, resident and vmstat")
            .help("for instance {count: damos_before_apply, at_least: 1}")),
    }
}

/// Refuses keys that say nothing about `key`.
fn only(raw: &At<RawExpectation>, key: &str, companions: &[&str]) -> Checked<()> {
    let line = &raw.value;
    let wrong = |name: &'static str, given: bool| (given && !companions.contains(&name)).then_some(name);
    let unused = wrong("of", line.of.is_some())
        .or_else(|| wrong("where", line.filter.is_some()))
        .or_else(|| wrong("last", line.last.is_some()))
        .or_else(|| wrong("node", line.node.is_some()));
    match unused {
        None => Ok(()),
        Some(name) => Err(Fault::at(raw, format!("`{key}` does not take '{name}'"))),
    }
}

fn mean(
    raw: &At<RawExpectation>,
    field: &At<Scalar>,
    run: &Measurable<'_>,
    during: Option<usize>,
) -> Checked<Quantity> {
    let Some(event) = &raw.value.of else {
        return Err(Fault::at(raw, "`mean` needs an event: of: EVENT"));
    };
    let event = Recorded::resolve(event, run.events, run.words.introduced)?;
    event.check_mean(field)?;
    let last = match &raw.value.last {
        None => None,
        Some(last) => Some(self::last(last, &event, run.room(during))?),
    };
    let filter = filter(raw, &event, run)?;
    Ok(Quantity::Mean { event: event.text(), field: name(field, "field")?, filter, last })
}

fn last(raw: &At<RawLast>, event: &Recorded<'_>, windows: Option<u64>) -> Checked<u64> {
    let count = raw.value.windows.value.0;
    if count == 0 {
        return Err(Fault::at(&raw.value.windows, "the last 0 windows have no mean"));
    }
    match windows {
        Some(run) if is_once_a_window(event) && count > run => Err(Fault::at(
            &raw.value.windows,
            format!("the steps have room for {run} windows, and this asks for {count}"),
        )),
        _ => Ok(count),
    }
}

fn vmstat(raw: &At<Scalar>, own: &[String]) -> Checked<Quantity> {
    let counter = name(raw, "counter")?;
    let own = own.iter().map(String::as_str);
    let prefixes: Vec<&str> = if own.len() > 0 { own.collect() } else { VMSTAT_PREFIXES.to_vec() };
    if !prefixes.iter().any(|prefix| counter.starts_with(prefix)) {
        return Err(Fault::at(raw, format!("the counter '{counter}' is not recorded"))
            .help(format!("recorded are those that begin with {}", prefixes.join(", "))));
    }
    Ok(Quantity::Vmstat { counter })
}

/// A C identifier, as fields and counters are.
fn name(raw: &At<Scalar>, what: &str) -> Checked<String> {
    let text = &raw.value.0;
    let sound = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if sound { Ok(text.clone()) } else { Err(Fault::at(raw, format!("'{text}' cannot name a {what}"))) }
}

fn filter(raw: &At<RawExpectation>, event: &Recorded<'_>, run: &Measurable<'_>) -> Checked<Where> {
    let mut filter = Where::new();
    for (field, value) in raw.value.filter.iter().flat_map(|raw| &raw.value) {
        event.check_where(field, value)?;
        if field == "nid"
            && let Ok(id) = value.value.0.parse::<i64>()
        {
            run.words.node_number(id, value)?;
        }
        filter.insert(field.clone(), value.value.0.clone());
    }
    Ok(filter)
}

fn bound(raw: &At<RawExpectation>, unit: Unit) -> Checked<Bound> {
    let line = &raw.value;
    let bound = match (&line.within, &line.at_least, &line.at_most, &line.equals) {
        (Some(within), None, None, None) => self::within(within, unit)?,
        (None, None, None, Some(equals)) => {
            let value = number(equals, unit)?;
            Bound { min: Some(value), max: Some(value) }
        }
        (None, None, None, None) => {
            return Err(Fault::at(raw, "an expectation needs a bound")
                .help("within: [MIN, MAX], at_least: MIN, at_most: MAX or equals: VALUE"));
        }
        (None, at_least, at_most, None) => Bound {
            min: at_least.as_ref().map(|text| number(text, unit)).transpose()?,
            max: at_most.as_ref().map(|text| number(text, unit)).transpose()?,
        },
        _ => return Err(Fault::at(raw, "`within` and `equals` go with no other bound")),
    };
    match (bound.min, bound.max) {
        (Some(min), Some(max)) if min > max => {
            Err(Fault::at(raw, format!("the lower bound {min} is above the upper bound {max}")))
        }
        _ => Ok(bound),
    }
}

fn within(raw: &At<Vec<At<Scalar>>>, unit: Unit) -> Checked<Bound> {
    match raw.value.as_slice() {
        [min, max] => Ok(Bound { min: Some(number(min, unit)?), max: Some(number(max, unit)?) }),
        _ => Err(Fault::at(raw, "`within` is [MIN, MAX]")),
    }
}

fn number(raw: &At<Scalar>, unit: Unit) -> Checked<f64> {
    let text = raw.value.0.as_str();
    let value = match unit {
        Unit::Size => Size::parse(text).map(|size| size.0.0 as f64).or_else(|| (text == "0").then_some(0.0)),
        Unit::Whole => text.parse::<i64>().ok().map(|whole| whole as f64),
        Unit::Plain => text.parse::<f64>().ok().filter(|value| value.is_finite()),
    };
    let wanted = match unit {
        Unit::Size => Size::WANTED,
        Unit::Whole => "a whole number",
        Unit::Plain => "a number",
    };
    value.ok_or_else(|| Fault::at(raw, format!("'{text}' is not {wanted}")))
}
