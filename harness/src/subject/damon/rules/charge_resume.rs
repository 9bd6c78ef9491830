//! Where a scheme goes on after its quota was used up: A6.
//!
//! When a quota becomes full the kernel keeps the end of the last region (`charge_addr_from`), and in the
//! next charge window skips what lies before. A pass that ends without the quota being full has come to the
//! last region, and forgets it.

use super::counters::is_full;
use super::dumps::{Dump, dumps, need_passes_at_aggregations, overlap};
use super::filters::CoreFilters;
use super::quota::need_charges;
use crate::check::finding::Violation;
use crate::check::violations::Violations;
use crate::subject::damon::events::{BeforeApply, Stat};
use crate::subject::damon::rule::{About, DamonRule, Kind, Rule, RuleResult, each_scheme, in_core};
use crate::subject::damon::view::{KdamondRun, PAGE, View};
use crate::trace::{Event, Line};
use damonlab_protocol::damon::Scheme;

pub(crate) static CHARGE_RESUMES_WHERE_IT_STOPPED: DamonRule = Rule {
    about: About {
        id: "A6",
        name: "charge-resumes-where-it-stopped",
        kind: Kind::Conditional,
        statement: "After its quota was used up a scheme goes on where it stopped, and leaves nothing out.",
        because: "The end of the last region is kept, and the next window skips what ends before it. What follows has the priority of what is acted on if it is as old and as often accessed.",
        source: &[in_core("damos_apply_scheme"), in_core("damos_skip_charged_region")],
        file: file!(),
        when: "windows are visible, a quota was used up and the next window acted",
    },
    judge: charge_resumes_where_it_stopped,
};

fn charge_resumes_where_it_stopped(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, scheme| {
        need_charges(view, run, index, scheme)?;
        view.need(&[Stat::NAME])?;
        let mut findings = Violations::default();
        let goes_on = continuations(run, index);
        if goes_on.is_empty() {
            return Err("no quota was used up and followed by another action".to_owned());
        }
        // Where the memory in between can be seen, it must not be left out.
        let aggregations = need_passes_at_aggregations(run, scheme).and_then(|()| dumps(view, run));
        let filters = CoreFilters::new(view, scheme);
        let gap = aggregations.ok().zip(filters).filter(|_| size_does_not_matter(scheme));
        for next in &goes_on {
            let (from, first) = (next.from(), next.to());
            let seen = if first < from {
                Some("what lies before it".to_owned())
            } else {
                let left_out = |(dumps, filters): &(Vec<Dump<'_>>, CoreFilters<'_>)| {
                    left_out(run, index, next, dumps, filters)
                };
                gap.as_ref().is_some_and(left_out).then(|| {
                    let bytes = first.1.saturating_sub(from.1);
                    format!("{bytes} bytes left out that are as often accessed and as old as what follows")
                })
            };
            if let Some(seen) = seen {
                findings.push(|| {
                    let name = run.scheme_name(index);
                    let expected = format!("{name} to go on at {}, where its last quota was used up", from.1);
                    Violation::new(expected, seen).at([next.last, next.first])
                });
            }
        }
        Ok(findings)
    })
}

/// The last action before a quota was full, and the first one after, in the pass that began where it was.
struct Continuation<'a> {
    last: &'a Line,
    first: &'a Line,
    /// The place of `first` among the events.
    at: usize,
}

fn acted(line: &Line) -> Option<&BeforeApply> {
    match &line.event {
        Event::BeforeApply(event) => Some(event),
        _ => None,
    }
}

impl Continuation<'_> {
    fn from(&self) -> (u64, u64) {
        acted(self.last).map_or((0, 0), |event| (event.target_idx, event.end))
    }

    fn to(&self) -> (u64, u64) {
        acted(self.first).map_or((0, 0), |event| (event.target_idx, event.start))
    }
}

fn continuations<'a>(run: &KdamondRun<'a>, index: usize) -> Vec<Continuation<'a>> {
    let mut starts = run.charge_windows[index].windows.iter().peekable();
    let mut found = Vec::new();
    let (mut quota, mut charged) = (None::<u64>, 0u64);
    // The action that used up a quota; where this pass began; whether it has acted.
    let mut full: Option<&Line> = None;
    let mut began: Option<&Line> = None;
    for (at, line) in run.lines.iter().enumerate() {
        if let Some(window) = starts.next_if(|window| window.at == at) {
            charged = 0;
            if let Some(Event::Esz(event)) = window.esz.map(|line| &line.event) {
                quota = Some(event.esz);
            }
            began = full;
        }
        let Some(esz) = quota else { continue };
        match &line.event {
            Event::BeforeApply(event) if event.scheme_idx as usize == index => {
                if let Some(last) = began.take() {
                    found.push(Continuation { last, first: line, at });
                }
                charged = charged.saturating_add(event.end.saturating_sub(event.start));
                full = is_full(esz, charged).then_some(*line).or(full);
            }
            Event::Stat(stat) if stat.scheme_idx as usize == index => {
                began = None;
                // It came to the last region.
                if !is_full(esz, charged) {
                    full = None;
                }
            }
            _ => {}
        }
    }
    found
}

/// Whether the pattern takes regions of any size: what is split off then has the pattern of the whole.
fn size_does_not_matter(scheme: &Scheme) -> bool {
    scheme.sz.min <= PAGE && scheme.sz.max >= u64::MAX / 2
}

/// Whether memory that begins where the quota was used up, and that nothing tells from what was acted on
/// first, was not acted on: then it has the pattern and the priority, and the filters decide.
fn left_out(
    run: &KdamondRun<'_>,
    index: usize,
    next: &Continuation<'_>,
    dumps: &[Dump<'_>],
    filters: &CoreFilters<'_>,
) -> bool {
    let (Some(event), Some(last)) = (acted(next.first), acted(next.last)) else { return false };
    let (start, end) = (last.end, event.start);
    if last.target_idx != event.target_idx
        || start >= end
        || !filters.let_through(event.target_idx, start, end)
    {
        return false;
    }
    let Some(dump) = dumps.iter().find(|dump| dump.at() > next.at) else { return false };
    // Other schemes of this pass may have acted on it, which sets its age back.
    let begin = run.lines[..next.at].iter().rposition(|line| matches!(line.event, Event::Stat(_)));
    let pass = &run.lines[begin.map_or(0, |at| at + 1)..dump.at()];
    let others =
        pass.iter().filter_map(|line| acted(line)).filter(|other| other.scheme_idx as usize != index);
    if others.into_iter().any(|other| other.start < end && start < other.end) {
        return false;
    }
    let between = dump.target(event.target_idx).iter().filter(|(_, region)| overlap(region, start, end));
    let mut covered = start;
    for (_, region) in between {
        if region.start > covered || (region.nr_accesses, region.age) != (event.nr_accesses, event.age) {
            return false;
        }
        covered = region.end;
    }
    covered >= end
}

#[cfg(test)]
mod tests {
    use crate::subject::damon::testing::{Model, found};

    #[test]
    fn a6_sees_a_page_that_each_window_leaves_out() {
        let mut model = Model::pull_push();
        model.hole = 4096;
        let findings = found(&model.recording(), "A6");
        assert!(findings[0].seen.starts_with("4096 bytes left out"), "{findings:?}");
    }

    #[test]
    fn a6_lets_a_filter_leave_something_out() {
        use damonlab_protocol::damon::{AddrRange, Filter, FilterKind};
        use damonlab_protocol::units::Addr;
        let mut model = Model::pull_push();
        model.hole = 4096;
        let mut recording = model.recording();
        let filters = (1..=16u64).map(|nth| {
            let start = Addr(Model::NODE0.0 + (nth << 20) + (nth - 1) * 4096);
            let kind = FilterKind::Addr(AddrRange::Fixed { start, end: Addr(start.0 + 4096) });
            Filter { kind, matching: true, allow: false }
        });
        recording.plan.kdamonds[0].context.schemes[0].core_filters = filters.collect();
        let findings = found(&recording, "A6");
        assert!(
            findings.iter().all(|finding| finding.expected.starts_with("kdamond 0, scheme 1")),
            "{findings:?}"
        );
    }

    #[test]
    fn a6_does_not_ask_for_the_rest_once_the_last_region_was_seen() {
        let mut model = Model::pull_push();
        // The quota of a window does not divide the hot memory: a pass ends with some of it left.
        model.scheme(0).quota.bytes = 3 << 20;
        model.current = |_, scheme| [1000, 9000][scheme];
        assert_eq!(found(&model.recording(), "A6"), []);
    }
}
