//! What a quota goes to first: Q8.

use super::quota::told_before;
use super::region_count::splits;
use super::selection::priority::{matches, prefers_hot};
use super::witness::{PassRegions, in_step, is_witness, need_steady_passes};
use crate::check::finding::Violation;
use crate::check::violations::Violations;
use crate::recording::Line;
use crate::subject::damon::events::{BeforeApply, Esz, SchemeEvent, Stat};
use crate::subject::damon::rule::{
    About, DamonRule, Kind, Reason, Rule, RuleResult, Source, each_scheme, in_core,
};
use crate::subject::damon::view::{KdamondRun, PAGE, View};
use crate::trace::TypedEvent;
use damonlab_protocol::damon::{Context, Ops, Scheme};

/// With so many samples in an aggregation, one access more is two hundredths of the score at least, which no rounding hides.
const DISTINCT: u64 = 50;

pub(crate) static QUOTA_PREFERS_MOST_ACCESSED: DamonRule = Rule {
    about: About {
        id: "Q8",
        name: "quota-prefers-most-accessed",
        kind: Kind::Conditional,
        statement: "A quota that weighs accesses alone goes to no region while as much memory as the quota has more accesses, or fewer for an action on cold memory.",
        because: "Before a pass the kernel sums up memory by its score, from the highest on, and leaves out the scores below the one with which the quota is reached. The score follows from the moving sum that it traces.",
        source: &[
            in_core("damos_adjust_quota"),
            Source::function("mm/damon/ops-common.c", "damon_hot_score"),
        ],
        file: file!(),
        when: "a stat scheme without quota and filters comes before the scheme and has the same passes, and no other scheme changes regions",
    },
    judge: quota_prefers_most_accessed,
};

fn quota_prefers_most_accessed(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, scheme| {
        let witness = need_witness(view, run, index, scheme)?;
        let mut findings = Violations::default();
        let mut quota = told_before(view, run, index).map(|(_, esz)| esz);
        let mut pass = PassRegions::default();
        let mut actions: Vec<(&Line, &BeforeApply)> = Vec::new();
        for line in &run.lines {
            if let Some(event) = Esz::of(&line.event).filter(|event| event.scheme() == index) {
                quota = Some(event.esz);
            } else if let Some(event) = BeforeApply::of(&line.event) {
                match event.scheme() {
                    scheme if scheme == witness => pass.add(event),
                    scheme if scheme == index => actions.push((line, event)),
                    _ => {}
                }
            } else if Stat::of(&line.event).is_some_and(|stat| stat.scheme() == index) {
                let (regions, actions) = (std::mem::take(&mut pass), std::mem::take(&mut actions));
                findings.extend(quota.and_then(|quota| misspent(run, index, quota, &regions, &actions)));
            }
        }
        Ok(findings)
    })
}

/// The scheme that shows the regions of each pass as they are before this one acts.
fn need_witness(
    view: &View<'_>,
    run: &KdamondRun<'_>,
    index: usize,
    scheme: &Scheme,
) -> Result<usize, Reason> {
    view.need(&[BeforeApply::NAME, Stat::NAME, Esz::NAME])?;
    need_steady_passes(run)?;
    let context = &run.config.context;
    let quota = &scheme.quota;
    if quota.weight_nr_accesses == 0 || quota.weight_age != 0 {
        return Err("the scheme does not weigh accesses alone".to_owned());
    }
    if context.ops != Ops::Paddr || prefers_hot(Ops::Paddr, &scheme.action).is_none() {
        return Err(format!("{} has no priorities here", scheme.action));
    }
    let filters = [&scheme.core_filters, &scheme.filters];
    let whole = filters.iter().all(|filters| filters.is_empty())
        && scheme.sz.min <= PAGE
        && scheme.sz.max == u64::MAX;
    if !whole || scheme.watermarks.metric != "none" {
        return Err("not all regions that match count".to_owned());
    }
    if context.intervals.aggr_us / context.intervals.sample_us.max(1) > DISTINCT {
        return Err("an access more may not change the score".to_owned());
    }
    find_witness(context, index, scheme)
        .ok_or_else(|| "no stat scheme shows all regions of its passes".to_owned())
}

fn find_witness(context: &Context, index: usize, scheme: &Scheme) -> Option<usize> {
    let others = context.schemes.iter().enumerate().filter(|(other, _)| *other != index);
    if others.clone().any(|(_, other)| other.action != "stat" || splits(other)) {
        return None;
    }
    let fits = |(at, other): &(usize, &Scheme)| {
        *at < index && is_witness(context, other) && in_step(context, scheme, other)
    };
    others.into_iter().find(fits).map(|(at, _)| at)
}

/// An action of a pass on memory whose score cannot have been high enough.
fn misspent(
    run: &KdamondRun<'_>,
    index: usize,
    quota: u64,
    pass: &PassRegions<'_>,
    actions: &[(&Line, &BeforeApply)],
) -> Option<Violation> {
    let scheme = run.config.context.schemes.get(index)?;
    let hot = prefers_hot(Ops::Paddr, &scheme.action)?;
    let better_than = |event: &BeforeApply| -> u64 {
        let better = |region: &&BeforeApply| match hot {
            true => region.nr_accesses > event.nr_accesses,
            false => region.nr_accesses < event.nr_accesses,
        };
        let regions =
            pass.iter().filter(|region| matches(scheme, region.nr_accesses, region.age)).filter(better);
        regions.map(|region| region.end.saturating_sub(region.start)).sum()
    };
    let (line, event) = actions.iter().find(|(_, event)| better_than(event) >= quota)?;
    let (accesses, better) = (event.nr_accesses, better_than(event));
    let which = if hot { "more" } else { "fewer" };
    let expected = format!(
        "a quota of {quota} bytes to go to {better} bytes with {which} accesses ({})",
        run.scheme_name(index)
    );
    Some(Violation::new(expected, format!("an action on a region with {accesses}")).at([*line]))
}

#[cfg(test)]
mod tests {
    use crate::judge::judge;
    use crate::recording::Recording;
    use crate::subject::damon::testing::{found, rewrite, stored};

    /// Gives the regions of one scheme's events another number of accesses.
    fn accesses(recording: &mut Recording, scheme: usize, accesses: u32) {
        let of_scheme = format!("damos_before_apply: ctx_idx=0 scheme_idx={scheme} ");
        rewrite(recording, |lines| {
            for line in lines.iter_mut().filter(|line| line.contains(&of_scheme)) {
                let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
                let at = words.len() - 2;
                words[at] = accesses.to_string();
                *line = words.join(" ");
            }
        });
    }

    #[test]
    fn q8_sees_a_quota_that_goes_to_memory_with_fewer_accesses() {
        let mut recording = stored("priority");
        assert_eq!(found(&recording, "Q8"), []);
        accesses(&mut recording, 1, 0);
        let findings = found(&recording, "Q8");
        assert!(findings[0].expected.starts_with("a quota of 2097152 bytes to go to "), "{findings:?}");
        assert_eq!(findings[0].seen, "an action on a region with 0");
    }

    #[test]
    fn q8_allows_any_choice_among_regions_with_equal_accesses() {
        let mut recording = stored("priority");
        accesses(&mut recording, 0, 7);
        accesses(&mut recording, 1, 7);
        assert_eq!(found(&recording, "Q8"), []);
    }

    #[test]
    fn q8_does_not_apply_where_the_age_weighs_too() {
        let mut recording = stored("priority");
        recording.plan.kdamonds[0].context.schemes[1].quota.weight_age = 1;
        let skipped = judge(&recording).skipped;
        let why = |(about, why): &(&crate::check::About, String)| (about.id == "Q8").then(|| why.clone());
        assert!(skipped.iter().filter_map(why).any(|why| why == "the scheme does not weigh accesses alone"));
    }
}
