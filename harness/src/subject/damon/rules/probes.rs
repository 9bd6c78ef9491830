//! Data attributes: what `damon_region_aggregated` shows beside `damon_aggregated` (R7).

use super::dumps::{Dump, dumps};
use crate::check::finding::Violation;
use crate::check::violations::Violations;
use crate::recording::{Event, Line};
use crate::subject::damon::events::{Aggregated, RegionAggregated};
use crate::subject::damon::rule::{
    About, DamonRule, Kind, Reason, Rule, RuleResult, Source, each_kdamond_run, in_core,
};
use crate::subject::damon::view::need_known_ops;
use crate::subject::damon::view::{KdamondRun, View};
use damonlab_protocol::damon::Probe;
use damonlab_protocol::damon::{Filter, FilterKind};

/// The kernel counts hits in a byte (`struct damon_region`).
const COUNTER: u64 = 255;

pub(crate) static PROBE_REGIONS_MATCH_REGIONS: DamonRule = Rule {
    about: About {
        id: "R7",
        name: "probe-regions-match-regions",
        kind: Kind::Exact,
        statement: "damon_region_aggregated repeats damon_aggregated, with no more hits of a probe than samples.",
        because: "One loop prints both of each region, and a sample adds one to a probe's hits at most.",
        source: &[
            in_core("kdamond_reset_aggregated"),
            Source::function("mm/damon/paddr.c", "damon_pa_apply_probes"),
        ],
        file: file!(),
        when: "probes are installed and both events are recorded",
    },
    judge: probe_regions_match_regions,
};

fn probe_regions_match_regions(view: &View<'_>) -> RuleResult {
    each_kdamond_run(view, |run| {
        view.need(&[Aggregated::NAME, RegionAggregated::NAME])?;
        let context = &run.config.context;
        if context.probes.is_empty() {
            return Err("no probe is installed".to_owned());
        }
        // What an introduced operations set or filter adds to the hits is not known.
        let introduced = |filter: &Filter| matches!(filter.kind, FilterKind::Introduced { .. });
        let mut filters = context.probes.iter().flat_map(|probe| &probe.filters);
        let are_known = need_known_ops(context).is_ok() && !filters.any(introduced);
        let mut findings = Violations::default();
        let mut last: Option<&Line> = None;
        let own_hits_from = own_hits_from(view, run)?;
        for (at, line) in run.lines.iter().enumerate() {
            if let Event::RegionAggregated(event) = &line.event {
                if !last.is_some_and(|last| same_region(last, event)) {
                    findings.push(|| unpaired(event).at(last).at([*line]));
                }
                let wrong = wrong_hits(run, event)
                    .or_else(|| opposites_hit_together(run, event).filter(|_| at >= own_hits_from));
                findings.extend(wrong.filter(|_| are_known).map(|finding| finding.at([*line])));
            } else if let Some(alone) = last.filter(|last| matches!(last.event, Event::Aggregated(_))) {
                findings.push(|| {
                    let expected = format!("{} after each {}", RegionAggregated::NAME, Aggregated::NAME);
                    Violation::new(expected, format!("{} instead", line.name())).at([alone, *line])
                });
            }
            last = Some(line);
        }
        Ok(findings)
    })
}

fn same_region(line: &Line, event: &RegionAggregated) -> bool {
    let Event::Aggregated(other) = &line.event else { return false };
    let RegionAggregated { target_id, nr_regions, start, end, nr_accesses, age, .. } = *event;
    (other.target_id, other.nr_regions, other.start, other.end, other.nr_accesses, other.age)
        == (target_id, nr_regions, start, end, nr_accesses, age)
}

fn unpaired(event: &RegionAggregated) -> Violation {
    let expected = format!(
        "{} to report the region that {} reported right before",
        RegionAggregated::NAME,
        Aggregated::NAME
    );
    let RegionAggregated { start, end, nr_accesses, age, .. } = event;
    Violation::new(expected, format!("{start}-{end}: {nr_accesses} {age}"))
}

fn wrong_hits(run: &KdamondRun<'_>, event: &RegionAggregated) -> Option<Violation> {
    let context = &run.config.context;
    let hits = event.probe_hits.as_slice();
    let probes = &context.probes;
    if hits.len() != probes.len() {
        let expected = format!("one number of hits for each of {} probes", probes.len());
        return Some(Violation::new(expected, hits.len().to_string()));
    }
    let samples = samples(run)?;
    let most = hits.iter().find(|hits| u64::from(**hits) > samples)?;
    let expected = format!("at most {samples} hits of a probe in as many samples");
    Some(Violation::new(expected, most.to_string()))
}

fn opposites_hit_together(run: &KdamondRun<'_>, event: &RegionAggregated) -> Option<Violation> {
    let samples = samples(run)?;
    let hits = event.probe_hits.as_slice();
    let (a, b) = opposites(&run.config.context.probes)?;
    let sum = [a, b].iter().filter_map(|at| hits.get(*at)).map(|hits| u64::from(*hits)).sum::<u64>();
    let expected =
        format!("probes {a} and {b}, of which one sample hits one, to have {samples} hits at most");
    (sum > samples).then(|| Violation::new(expected, sum.to_string()))
}

/// The samples of an aggregation, where the kernel's counter holds them.
fn samples(run: &KdamondRun<'_>) -> Option<u64> {
    let intervals = &run.config.context.intervals;
    Some(intervals.aggr_us / intervals.sample_us.max(1)).filter(|samples| *samples <= COUNTER)
}

/// From which of the run's events on all hits are those of its own probes. `damon_commit_probes` keeps the hits that
/// regions have, so the aggregation in which other probes are committed counts hits of both.
fn own_hits_from(view: &View<'_>, run: &KdamondRun<'_>) -> Result<usize, Reason> {
    let same_probes = |before: &KdamondRun<'_>| before.config.context.probes == run.config.context.probes;
    if !run.continues() || view.before(run).is_some_and(same_probes) {
        return Ok(0);
    }
    Ok(dumps(view, run)?.get(1).map_or(usize::MAX, Dump::at))
}

/// Two probes of which a page passes exactly one: they ask for the same and for its contrary.
fn opposites(probes: &[Probe]) -> Option<(usize, usize)> {
    let contrary = |a: &Probe, b: &Probe| match (&a.filters[..], &b.filters[..]) {
        ([a], [b]) => a.kind == b.kind && a.allow == b.allow && a.matching != b.matching,
        _ => false,
    };
    let pairs = |a: usize| (a + 1..probes.len()).map(move |b| (a, b));
    (0..probes.len()).flat_map(pairs).find(|(a, b)| contrary(&probes[*a], &probes[*b]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::Recording;
    use crate::subject::damon::testing::{Model, found, of_event, rewrite};

    /// The model's events with the hits of two probes, of which each sample hits one: 12 hits of each, in the
    /// `nth` aggregation after the commit.
    fn with_hits(model: &Model, nth: usize) -> Recording {
        let mut recording = model.recording();
        let commit = recording.report.steps[1].answered[&0].0 / 1_000;
        rewrite(&mut recording, |lines| {
            let mut after = 0;
            for at in of_event(lines, "damon_aggregated").into_iter().rev() {
                let event = lines[at].replace("damon_aggregated", "damon_region_aggregated");
                lines.insert(at + 1, format!("{event} probe_hits=08 0c"));
            }
            for line in lines.iter_mut().filter(|line| line.contains("damon_region_aggregated")) {
                let time = line.split_whitespace().nth(3).unwrap().trim_end_matches(':').replace('.', "");
                let is_after = time.parse::<u64>().unwrap() >= commit;
                after += usize::from(is_after && line.contains(&format!(" {}-", Model::NODE0.0)));
                if is_after && after == nth {
                    *line = line.replace("probe_hits=08 0c", "probe_hits=0c 0c");
                }
            }
        });
        recording
    }

    fn probe(matching: bool) -> Probe {
        let filters = vec![Filter { kind: FilterKind::Anon, matching, allow: true }];
        Probe { preps: Vec::new(), weight: 0, filters }
    }

    fn with_a_commit_of_probes(before: [bool; 2]) -> Model {
        let mut model = Model::pull_push();
        model.kdamonds[0].context.probes = before.map(probe).to_vec();
        model.commit(10, |_| {});
        model.commits[0].1[0].context.probes = vec![probe(true), probe(false)];
        model
    }

    #[test]
    fn opposite_probes_may_have_more_hits_than_samples_in_the_aggregation_of_their_commit() {
        assert_eq!(found(&with_hits(&with_a_commit_of_probes([true, true]), 1), "R7"), []);
    }

    #[test]
    fn opposite_probes_have_as_many_hits_as_samples_in_the_aggregation_after_their_commit() {
        assert!(!found(&with_hits(&with_a_commit_of_probes([true, true]), 2), "R7").is_empty());
    }

    #[test]
    fn a_commit_of_the_same_probes_leaves_the_sum_of_opposite_hits_right() {
        assert!(!found(&with_hits(&with_a_commit_of_probes([true, false]), 1), "R7").is_empty());
    }
}
