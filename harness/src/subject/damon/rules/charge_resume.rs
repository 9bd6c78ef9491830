//! Where a scheme continues after its quota was used up (A6).
//!
//! When a quota becomes full the kernel stores the end of the last region (`charge_addr_from`), and in the next charge
//! window skips the memory before it. A pass that ends without a full quota has reached the last region, and clears it.

use super::counters::is_full;
use super::dumps::{Dump, dumps, need_passes_at_aggregations, overlap};
use super::filters::CoreFilters;
use super::pattern::size_does_not_matter;
use super::quota::need_charges;
use crate::subject::damon::events::{BeforeApply, SchemeEvent, Stat};
use crate::subject::damon::rule::{
    About, DamonRule, Kind, Line, Rule, RuleResult, Violation, Violations, each_scheme, in_core,
};
use crate::subject::damon::view::{KdamondRun, View, events};
use crate::trace::TypedEvent;

pub(crate) static CHARGE_RESUMES_WHERE_IT_STOPPED: DamonRule = Rule {
    about: About {
        id: "A6",
        name: "charge-resumes-where-it-stopped",
        kind: Kind::Conditional,
        statement: "After its quota was used up a scheme continues where it stopped, and skips nothing.",
        because: "The kernel stores the end of the last region, and the next window skips regions that end before it. The memory that follows has the priority of the next region if its age and accesses are equal.",
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
        let mut violations = Violations::default();
        let continuations = continuations(run, index);
        if continuations.is_empty() {
            return Err("no quota was used up and followed by another action".to_owned());
        }
        // Where the aggregations show the memory in between, the scheme must not skip it.
        let aggregations = need_passes_at_aggregations(run, scheme).and_then(|()| dumps(view, run));
        let filters = CoreFilters::new(view, scheme);
        let gap = aggregations.ok().zip(filters).filter(|_| size_does_not_matter(scheme));
        for next in &continuations {
            let (last, first) = (next.last.1, next.first.1);
            let (from, first) = ((last.target_idx, last.end), (first.target_idx, first.start));
            let seen = if first < from {
                Some("memory before it".to_owned())
            } else {
                let skipped = |(dumps, filters): &(Vec<Dump<'_>>, CoreFilters<'_>)| {
                    is_skipped(run, index, next, dumps, filters)
                };
                gap.as_ref().is_some_and(skipped).then(|| {
                    let bytes = first.1.saturating_sub(from.1);
                    format!("{bytes} bytes skipped with the accesses and the age of the memory that follows")
                })
            };
            if let Some(seen) = seen {
                violations.push(|| {
                    let name = run.scheme_name(index);
                    let expected =
                        format!("{name} to continue at {}, where its last quota was used up", from.1);
                    Violation::new(expected, seen).at([next.last.0, next.first.0])
                });
            }
        }
        Ok(violations)
    })
}

/// An action with its line.
type Action<'a> = (&'a Line, &'a BeforeApply);

/// The last action before a quota was full, and the first one after it, in the pass that began there.
struct Continuation<'a> {
    last: Action<'a>,
    first: Action<'a>,
    /// The place of `first` among the events.
    at: usize,
}

fn continuations<'a>(run: &KdamondRun<'a>, index: usize) -> Vec<Continuation<'a>> {
    let mut starts = run.charge_windows[index].windows.iter().peekable();
    let mut found = Vec::new();
    let (mut quota, mut charged) = (None::<u64>, 0u64);
    // The action that used up a quota, and the one at which this pass began, until the scheme acts in it.
    let mut full: Option<Action<'a>> = None;
    let mut began: Option<Action<'a>> = None;
    for (at, line) in run.lines.iter().enumerate() {
        if let Some(window) = starts.next_if(|window| window.at == at) {
            charged = 0;
            quota = window.quota().or(quota);
            began = full;
        }
        let Some(esz) = quota else { continue };
        if let Some(event) = BeforeApply::of(&line.event).filter(|event| event.scheme() == index) {
            if let Some(last) = began.take() {
                found.push(Continuation { last, first: (line, event), at });
            }
            charged = charged.saturating_add(event.end.saturating_sub(event.start));
            full = is_full(esz, charged).then_some((*line, event)).or(full);
        } else if Stat::of(&line.event).is_some_and(|stat| stat.scheme() == index) {
            began = None;
            // The pass has reached the last region.
            if !is_full(esz, charged) {
                full = None;
            }
        }
    }
    found
}

/// Whether the scheme did not act on memory that begins where the quota was used up and that does not differ from the
/// region on which it acted first. Such memory has the pattern and the priority, and the filters accept it.
fn is_skipped(
    run: &KdamondRun<'_>,
    index: usize,
    next: &Continuation<'_>,
    dumps: &[Dump<'_>],
    filters: &CoreFilters<'_>,
) -> bool {
    let (event, last) = (next.first.1, next.last.1);
    let (start, end) = (last.end, event.start);
    if last.target_idx != event.target_idx || start >= end || !filters.allows(event.target_idx, start, end) {
        return false;
    }
    let Some(dump) = dumps.iter().find(|dump| dump.at() > next.at) else { return false };
    // Other schemes of this pass may have acted on it, which resets its age.
    let begin = run.lines[..next.at].iter().rposition(|line| Stat::of(&line.event).is_some());
    let pass = &run.lines[begin.map_or(0, |at| at + 1)..dump.at()];
    let mut others = events::<BeforeApply>(pass).filter(|(_, other)| other.scheme() != index);
    if others.any(|(_, other)| other.start < end && start < other.end) {
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
    fn a6_sees_a_page_that_each_window_skips() {
        let mut model = Model::pull_push();
        model.hole = 4096;
        let findings = found(&model.recording(), "A6");
        assert!(findings[0].seen.starts_with("4096 bytes skipped"), "{findings:?}");
    }

    #[test]
    fn a6_accepts_that_a_filter_skips_memory() {
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
    fn a6_accepts_a_new_pass_after_the_last_region() {
        let mut model = Model::pull_push();
        // The quota of a window does not divide the hot memory: a pass ends with some of it left.
        model.scheme(0).quota.bytes = 3 << 20;
        model.current = |_, scheme| [1000, 9000][scheme];
        assert_eq!(found(&model.recording(), "A6"), []);
    }
}
