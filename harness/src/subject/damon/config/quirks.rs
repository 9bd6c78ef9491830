//! What a configuration does not say as it seems to: damo's own bugs in what it prints, and settings without effect. None of
//! it is an error; each gets a note with its line.

use super::damo_scalar::{Age, Micros, OrNull};
use super::kdamond::DEFAULT_INTERVALS;
use super::raw::{RawContext, RawGoal, RawKdamond, RawProbeFilter, RawQuotas, RawScheme};
use super::raw_steps::RawDamonStep;
use super::scheme::{LOST_NID, is_migration};
use crate::grammar::{At, Bp, Given, Leaf, Number};

/// What `damo args damon --raw` does, up to 3.4.3.
const RAW: &str = "this is the output of damo --raw, which prints ages and the interval of watermarks 1000 times, time_ms and \
                   reset_interval_ms 1000000 times as large (a bug of damo 3.3.0 to 3.4.3); damonlab reads them as damo does";

/// A note about a line, from 1; 0 for the text as a whole.
pub(crate) type Note = (u64, String);

/// The notes about `kdamonds`, which stand in `text`, by line.
pub(crate) fn notes(kdamonds: &[At<RawKdamond>], text: &str) -> Vec<Note> {
    let raw = if kdamonds.is_empty() { None } else { raw_line(text) };
    let mut notes: Vec<Note> = raw.map(|line| (line, RAW.to_owned())).into_iter().collect();
    let contexts = kdamonds.iter().flat_map(|kdamond| &kdamond.value.contexts.value);
    for context in contexts {
        notes.extend(context.probes.iter().flat_map(|probe| &probe.value.filters).filter_map(range));
        let paddr = context.ops.value.0 == "paddr";
        for scheme in &context.schemes {
            notes.extend(dests(scheme, paddr));
            notes.extend(scheme.quotas.iter().flat_map(quotas));
            if raw.is_none() {
                notes.extend(ages(scheme, aggregation(context)));
            }
        }
    }
    notes.sort();
    notes
}

/// The notes about the configuration that `step` brings.
pub(crate) fn step_notes(step: &RawDamonStep, text: &str) -> Vec<Note> {
    let mut notes = notes(step.kdamonds(), text);
    notes.extend(step.new_goals().flat_map(dropped_goals));
    notes
}

/// The keys whose value `--raw` multiplies, so that the largest one no longer fits into 64 bits.
const MULTIPLIED: &[&str] = &["max", "time_ms", "reset_interval_ms"];

/// The first line with a number as only `--raw` prints it: permil with six decimals, or more than 64 bits at such a key.
fn raw_line(text: &str) -> Option<u64> {
    let is_raw = |line: &str| {
        let code = line.split('#').next().unwrap_or_default();
        let words: Vec<&str> =
            code.split(['"', '\'', ' ', ',', '{', '}', ':']).filter(|w| !w.is_empty()).collect();
        let of_permil = |pair: &[&str]| {
            pair[0].ends_with("_permil") && pair[1].split_once('.').is_some_and(|(_, part)| part.len() == 6)
        };
        let too_large = |pair: &[&str]| {
            MULTIPLIED.contains(&pair[0])
                && pair[1].parse::<u128>().is_ok_and(|number| number > u128::from(u64::MAX))
        };
        words.windows(2).any(|pair| of_permil(pair) || too_large(pair))
    };
    let line = text.lines().position(is_raw)?;
    u64::try_from(line + 1).ok()
}

fn range(filter: &At<RawProbeFilter>) -> Option<Note> {
    let RawProbeFilter { filter_type, range_min: None, range_max: None, .. } = &filter.value else {
        return None;
    };
    let text = "hugepage_size without range_min and range_max is 0 to 0, which matches nothing (damo 3.3.0 loses them)";
    (filter_type.value.0 == "hugepage_size").then(|| (filter_type.referenced.line(), text.to_owned()))
}

/// The aggregation interval, in microseconds.
fn aggregation(context: &RawContext) -> u64 {
    let intervals = context.intervals.as_ref();
    intervals.map_or(DEFAULT_INTERVALS.aggr_us, |raw| raw.aggr_us.given_or(DEFAULT_INTERVALS.aggr_us))
}

/// The kernel counts aggregations, so an age below one is 0: a minimum that leaves nothing out, and a maximum that leaves
/// only what has just changed.
fn ages(scheme: &RawScheme, aggregation: u64) -> Vec<Note> {
    let Some(ends) = scheme.access_pattern.as_ref().and_then(|pattern| pattern.age.as_ref()) else {
        return Vec::new();
    };
    let note = |end: &At<Age>| {
        let text = match end.value {
            Age::Bare(us) if us < aggregation => format!(
                "the age {us} is {us} us, as damo reads it, and below the aggregation interval of {aggregation} us: the \
                 kernel gets 0 aggregations (write '{us} aggr_intervals' if that is meant)"
            ),
            Age::Bare(us) => format!(
                "the age {us} is {us} us, as damo reads it (damo --raw prints ages 1000 times as large)"
            ),
            Age::Micros(us) if us > 0 && us < aggregation => format!(
                "the age of {us} us is below the aggregation interval of {aggregation} us: the kernel gets 0 aggregations"
            ),
            _ => return None,
        };
        Some((end.referenced.line(), text))
    };
    [&ends.value.min, &ends.value.max].into_iter().filter_map(note).collect()
}

/// The goals that sysfs drops (`damos_sysfs_add_quota_score`). Whatever the unit of the metric is, 0 is 0.
fn dropped_goals(goals: &[At<RawGoal>]) -> impl Iterator<Item = Note> {
    let is_zero = |text: &str| {
        Number::parse(text).is_some_and(|number| number.0 == 0)
            || Bp::parse(text).is_some_and(|bp| bp.0 == 0)
            || Micros::parse(text).is_some_and(|us| us.0 == 0)
    };
    goals.iter().map(|goal| &goal.value.target_value).filter(move |target| is_zero(&target.value.0)).map(|target| {
        let text = "a goal with a target of 0 is written, and the kernel drops it: the scheme runs without this goal";
        (target.referenced.line(), text.to_owned())
    })
}

/// What the kernel does without a reset interval: the first charge window never ends (`damos_adjust_quota`).
fn quotas(raw: &RawQuotas) -> Vec<Note> {
    let mut notes: Vec<Note> = dropped_goals(&raw.goals).collect();
    for goal in &raw.goals {
        let metric = &goal.value.metric;
        if matches!(goal.value.nid, OrNull::Null) && metric.value.0 == LOST_NID {
            let text = format!(
                "the nid of {LOST_NID} is null, and so node 0: damo --damos_quota_goal loses it (a bug of damo 3.3.0 to 3.4.3)"
            );
            notes.push((metric.referenced.line(), text));
        }
    }
    let endless = raw.reset_interval_ms.as_ref().is_some_and(|interval| interval.value.0 == u64::MAX);
    let weights = raw
        .weights
        .as_ref()
        .map(|weights| [&weights.sz_permil, &weights.nr_accesses_permil, &weights.age_permil]);
    let weight = weights.into_iter().flatten().flatten().find(|weight| weight.value.0 > 0);
    let place = raw.goals.first().map(|goal| ("goals", goal.referenced.line()));
    if let Some((what, line)) = place.or_else(|| weight.map(|weight| ("weights", weight.referenced.line())))
        && endless
    {
        notes.push((line, format!("{what} without a reset interval (reset_interval_ms is max): the first charge window never ends")));
    }
    notes
}

/// `damon_pa_migrate` reads `target_nid` alone, and no migration goes to a node that is none.
fn dests(scheme: &RawScheme, paddr: bool) -> Option<Note> {
    let action = scheme.action.as_ref().filter(|action| is_migration(action.value.0.as_str()))?;
    let name = &action.value.0;
    let text = match (scheme.target_nid.given(), scheme.dests.as_slice()) {
        (Some(_), _) => return None,
        (None, []) => {
            format!("{name} without target_nid migrates nothing (target_nid: N, or dests with vaddr)")
        }
        (None, _) if paddr => {
            format!("{name} of paddr reads no dests, and migrates nothing without target_nid")
        }
        (None, _) => return None,
    };
    Some((action.referenced.line(), text))
}

#[cfg(test)]
mod tests {
    use super::raw_line;

    #[test]
    fn a_large_number_is_of_damo_only_where_damo_multiplies() {
        assert_eq!(raw_line("age:\n  max: \"18446744073709551615000\""), Some(2));
        assert_eq!(raw_line("- write: {file: a, value: \"99999999999999999999\", refused: ERANGE}"), None);
    }
}
