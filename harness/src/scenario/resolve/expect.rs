//! One line of `expect`: which quantity, which bounds.

use super::bound::{Unit, bound, spread};
use super::event::Recorded;
use super::quantity::{Named, QUANTITIES, named};
use crate::grammar::{At, Checked, Fault, Scalar};
use crate::scenario::expect::{Expectation, Over, Quantity, Where};
use crate::scenario::raw::{RawExpectation, RawLast};
use crate::scenario::raw_rules::RawDuring;
use crate::scenario::subject::{EVENTS, Vocabulary};
use damonlab_protocol::record::VMSTAT_PREFIXES;

/// The value of `over`.
pub(super) const SEEDS: &str = "seeds";

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
        Quantity::Mean { .. } | Quantity::Statistic { .. } => Unit::Plain,
        Quantity::Ordered { .. } => Unit::Time,
        Quantity::Count { .. } | Quantity::Vmstat { .. } => Unit::Whole,
        Quantity::Resident { .. } => Unit::Size,
    };
    let during = match during {
        None => run_of_last(raw, &quantity, run)?,
        named => named,
    };
    let between = between(raw, &quantity, run)?;
    let over = over(raw, unit)?;
    let unit = if over == Over::Run { unit } else { unit.of_means() };
    Ok(Expectation { quantity, bound: bound(raw, unit)?, over, during, between, line: raw.referenced.line() })
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
            Ok(Over::Seeds { spread: spread.map(|most| self::spread(most, unit)).transpose()? })
        }
        (Some(value), _) => {
            let text = &value.value.0;
            Err(Fault::at(value, format!("an expectation cannot be over '{text}'")).known(text, &[SEEDS]))
        }
    }
}

fn quantity(raw: &At<RawExpectation>, run: &Measurable<'_>, during: Option<usize>) -> Checked<Quantity> {
    let line = &raw.value;
    let one = match named(line).as_slice() {
        [one] => *one,
        _ => {
            let message = format!("an expectation is about one of {}", QUANTITIES.join(", "));
            return Err(Fault::at(raw, message).help("for instance {count: damos_before_apply, at_least: 1}"));
        }
    };
    match one {
        Named::Mean(field) => {
            only(raw, "mean", &["of", "where", "last"])?;
            mean(raw, field, run, during)
        }
        Named::Statistic(key, statistic, field) => {
            only(raw, key, &["of", "where"])?;
            let event = of(raw, key, run)?;
            event.check_mean(field)?;
            let filter = filter(raw, &event, run)?;
            Ok(Quantity::Statistic { statistic, event: event.text(), field: name(field, "field")?, filter })
        }
        Named::Ordered(events) => {
            only(raw, "ordered", &[])?;
            let [first, then] = pair(events, "ordered", run)?;
            Ok(Quantity::Ordered { first, then })
        }
        Named::Count(event) => {
            only(raw, "count", &["where"])?;
            let event = Recorded::resolve(event, run.events, run.words.introduced)?;
            Ok(Quantity::Count { event: event.text(), filter: filter(raw, &event, run)? })
        }
        Named::Resident(name) => {
            only(raw, "resident", &["node"])?;
            let Some(node) = &line.node else {
                return Err(Fault::at(raw, "`resident` needs a node: node: N"));
            };
            let workload = run.words.workload(name)?;
            Ok(Quantity::Resident { workload, node: run.words.node(node.value.0, node)? })
        }
        Named::Vmstat(counter) => {
            only(raw, "vmstat", &[])?;
            vmstat(counter, run.vmstat)
        }
    }
}

/// `between: [A, B]`.
fn between(
    raw: &At<RawExpectation>,
    quantity: &Quantity,
    run: &Measurable<'_>,
) -> Checked<Option<(String, String)>> {
    let Some(events) = &raw.value.between else { return Ok(None) };
    if quantity.events().is_empty() || matches!(quantity, Quantity::Ordered { .. }) {
        return Err(Fault::at(events, "`between` selects events, and this is not made of events")
            .help("it goes with mean, count, min, max, final and percentiles"));
    }
    let [from, to] = pair(events, "between", run)?;
    Ok(Some((from, to)))
}

/// Two events.
fn pair(raw: &At<Vec<At<Scalar>>>, key: &str, run: &Measurable<'_>) -> Checked<[String; 2]> {
    let [one, other] = raw.value.as_slice() else {
        return Err(Fault::at(raw, format!("`{key}` is of two events: {key}: [EVENT, EVENT]")));
    };
    let [one, other] = [
        Recorded::resolve(one, run.events, run.words.introduced)?,
        Recorded::resolve(other, run.events, run.words.introduced)?,
    ];
    if bare(&one.text()) == bare(&other.text()) {
        return Err(Fault::at(raw, format!("`{key}` is of two different events")));
    }
    Ok([one.text(), other.text()])
}

/// The name without its system.
pub(super) fn bare(event: &str) -> &str {
    event.split_once(':').map_or(event, |(_, name)| name)
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
    let event = of(raw, "mean", run)?;
    event.check_mean(field)?;
    let last = match &raw.value.last {
        None => None,
        Some(last) => Some(self::last(last, &event, run.room(during))?),
    };
    let filter = filter(raw, &event, run)?;
    Ok(Quantity::Mean { event: event.text(), field: name(field, "field")?, filter, last })
}

/// The event whose field `key` is about.
fn of<'a>(raw: &'a At<RawExpectation>, key: &str, run: &Measurable<'_>) -> Checked<Recorded<'a>> {
    match &raw.value.of {
        Some(event) => Recorded::resolve(event, run.events, run.words.introduced),
        None => Err(Fault::at(raw, format!("`{key}` needs an event: of: EVENT"))),
    }
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
