//! Data attributes: what `damon_region_aggregated` shows beside `damon_aggregated` (R7).

use crate::check::finding::Violation;
use crate::check::violations::Violations;
use crate::recording::{Event, Line};
use crate::subject::damon::events::{Aggregated, RegionAggregated};
use crate::subject::damon::rule::{
    About, DamonRule, Kind, Rule, RuleResult, Source, each_kdamond_run, in_core,
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
        for line in &run.lines {
            if let Event::RegionAggregated(event) = &line.event {
                if !last.is_some_and(|last| same_region(last, event)) {
                    findings.push(|| unpaired(event).at(last).at([*line]));
                }
                findings
                    .extend(wrong_hits(run, event).filter(|_| are_known).map(|finding| finding.at([*line])));
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
    let samples = context.intervals.aggr_us / context.intervals.sample_us.max(1);
    if samples > COUNTER {
        return None;
    }
    if let Some(most) = hits.iter().find(|hits| u64::from(**hits) > samples) {
        let expected = format!("at most {samples} hits of a probe in as many samples");
        return Some(Violation::new(expected, most.to_string()));
    }
    let (a, b) = opposites(probes)?;
    let sum = u64::from(hits[a]) + u64::from(hits[b]);
    let expected =
        format!("probes {a} and {b}, of which one sample hits one, to have {samples} hits at most");
    (sum > samples).then(|| Violation::new(expected, sum.to_string()))
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
