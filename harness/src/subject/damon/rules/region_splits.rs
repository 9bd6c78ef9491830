//! That regions are split after an aggregation: R8.

use super::dumps::{Dump, dumps, size};
use super::region_count::splits;
use super::stats::period;
use super::witness::{PassRegions, is_witness, need_steady_passes};
use crate::check::finding::Violation;
use crate::check::violations::Violations;
use crate::recording::Line;
use crate::subject::damon::events::{Aggregated, BeforeApply, SchemeEvent, Stat};
use crate::subject::damon::rule::{
    About, DamonRule, Kind, Reason, Rule, RuleResult, each_kdamond_run, in_core,
};
use crate::subject::damon::view::{KdamondRun, PAGE, View};
use crate::trace::TypedEvent;
use damonlab_protocol::damon::Scheme;

/// From so many pages on, each tenth of a region is a page at least: wherever the kernel splits it, both parts have pages.
const ALWAYS_SPLIT: u64 = 10 * PAGE;

pub(crate) static REGIONS_ARE_SPLIT_AGAIN: DamonRule = Rule {
    about: About {
        id: "R8",
        name: "regions-are-split-again",
        kind: Kind::Conditional,
        statement: "Each region is split after an aggregation; above half of max_nr_regions one in so many, and at the maximum none.",
        because: "Up to half of the maximum the kernel splits every region, above it one in max / (max - regions), from an offset. A scheme that only counts shows the regions in its next pass, before neighbours are merged again.",
        source: &[
            in_core("kdamond_split_regions"),
            in_core("damon_split_regions_of"),
            in_core("damon_split_some_regions"),
        ],
        file: file!(),
        when: "a stat scheme without quota and filters has several passes in each aggregation, and no scheme splits regions",
    },
    judge: regions_are_split_again,
};

fn regions_are_split_again(view: &View<'_>) -> RuleResult {
    each_kdamond_run(view, |run| {
        let witness = need_witness(view, run)?;
        let dumps = dumps(view, run)?;
        let mut findings = Violations::default();
        for (nth, dump) in dumps.iter().enumerate() {
            let from = dump.at();
            let until = dumps.get(nth + 1).map_or(from, Dump::at);
            findings.extend(first_pass(run, witness, from, until).and_then(|pass| unsplit(run, dump, &pass)));
        }
        Ok(findings)
    })
}

/// The scheme whose passes show all regions.
fn need_witness(view: &View<'_>, run: &KdamondRun<'_>) -> Result<usize, Reason> {
    view.need(&[BeforeApply::NAME, Stat::NAME])?;
    need_steady_passes(run)?;
    let context = &run.config.context;
    if context.schemes.iter().any(splits) {
        return Err("a scheme splits regions".to_owned());
    }
    let samples = context.intervals.aggr_us / context.intervals.sample_us.max(1);
    let often = |scheme: &Scheme| 2 * period(&context.intervals, scheme) <= samples;
    let witness = context.schemes.iter().position(|scheme| is_witness(context, scheme) && often(scheme));
    witness.ok_or_else(|| "no stat scheme counts every region several times in an aggregation".to_owned())
}

/// The first of several passes between two aggregations. The last one may be in the iteration of the next aggregation, when
/// regions have been merged.
fn first_pass<'a>(
    run: &KdamondRun<'a>,
    witness: usize,
    from: usize,
    until: usize,
) -> Option<PassRegions<'a>> {
    let lines = run.lines.get(from..until)?;
    let ends = |line: &&Line| Stat::of(&line.event).is_some_and(|stat| stat.scheme() == witness);
    let mut passes = lines.iter().enumerate().filter(|(_, line)| ends(line));
    let (end, _) = passes.next()?;
    passes.next()?;
    // Every pass merges what it can (`damos_apply_target`), also one of another scheme before that of the witness.
    let shows = |line: &&Line| BeforeApply::of(&line.event).is_some_and(|event| event.scheme() == witness);
    let begin = lines.iter().position(shows)?;
    if lines[..begin].iter().any(|line| Stat::of(&line.event).is_some()) {
        return None;
    }
    let mut pass = PassRegions::default();
    let events = lines[..end].iter().filter_map(|line| BeforeApply::of(&line.event));
    events.filter(|event| event.scheme() == witness).for_each(|event| pass.add(event));
    Some(pass)
}

/// A finding where no offset explains which regions were left whole.
fn unsplit(run: &KdamondRun<'_>, dump: &Dump<'_>, pass: &PassRegions<'_>) -> Option<Violation> {
    let most = run.config.context.nr_regions.max;
    let regions: Vec<_> = dump.regions().collect();
    let count = regions.len() as u64;
    if count >= most {
        return None;
    }
    let step = if count > most / 2 { most / (most - count) } else { 1 };
    let step = usize::try_from(step).unwrap_or(usize::MAX).max(1);
    let whole = |(_, region): &&&(&Line, &Aggregated)| {
        let (target, start, end) = (region.target_id, region.start, region.end);
        size(region) >= ALWAYS_SPLIT && pass.shows(target, start) && !pass.split(target, start, end)
    };
    let explains = |offset: usize| !regions.iter().skip(offset).step_by(step).any(|region| whole(&region));
    if (0..step.min(regions.len())).any(explains) {
        return None;
    }
    let left = regions.iter().filter(|region| whole(region)).count();
    let (line, region) = regions.iter().find(|region| whole(region))?;
    let expected = match step {
        1 => format!("each of {count} regions to be split, where {most} are allowed"),
        _ => format!("one in {step} of {count} regions to be split, where {most} are allowed"),
    };
    let seen = format!("{left} that could be are whole, such as {}-{}", region.start, region.end);
    Some(Violation::new(expected, seen).at([*line]))
}

#[cfg(test)]
mod tests {
    use crate::judge::judge;
    use crate::subject::damon::events::{BeforeApply, Stat};
    use crate::subject::damon::testing::{found, of_event, rewrite, stored};

    #[test]
    fn r8_sees_regions_that_stay_whole() {
        let mut recording = stored("splits");
        assert_eq!(found(&recording, "R8"), []);
        recording.plan.kdamonds[0].context.nr_regions.max = 4000;
        let findings = found(&recording, "R8");
        assert!(findings[0].expected.starts_with("each of "), "{findings:?}");
        assert!(findings[0].expected.ends_with(" regions to be split, where 4000 are allowed"));
    }

    #[test]
    fn r8_expects_no_split_at_the_maximum() {
        let mut recording = stored("splits");
        recording.plan.kdamonds[0].context.nr_regions.max = 30;
        assert_eq!(found(&recording, "R8"), []);
    }

    #[test]
    fn r8_says_nothing_where_another_scheme_had_a_pass_before_and_merged_regions() {
        let mut recording = stored("splits");
        recording.plan.kdamonds[0].context.nr_regions.max = 4000;
        rewrite(&mut recording, |lines| {
            let pass = lines[of_event(lines, Stat::NAME)[0]].replace("scheme_idx=0", "scheme_idx=1");
            let (_, pass) = pass.split_once(": damos_stat").unwrap();
            for at in (1..lines.len()).rev() {
                let follows = lines[at - 1].contains("_aggregated:") && lines[at].contains(BeforeApply::NAME);
                if let Some((head, _)) = lines[at].split_once(": damos_before").filter(|_| follows) {
                    let pass = format!("{head}: damos_stat{pass}");
                    lines.insert(at, pass);
                }
            }
        });
        assert_eq!(found(&recording, "R8"), []);
    }

    #[test]
    fn r8_needs_a_scheme_that_shows_every_region() {
        let mut recording = stored("splits");
        recording.plan.kdamonds[0].context.schemes[0].nr_accesses.min = 1;
        let skipped = judge(&recording).skipped;
        let why = skipped.iter().find(|(about, _)| about.id == "R8").map(|(_, why)| why.as_str());
        assert_eq!(why, Some("no stat scheme counts every region several times in an aggregation"));
    }
}
