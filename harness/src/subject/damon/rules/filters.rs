//! Where the core filters, on addresses and targets, allow schemes to act (A2).

use crate::subject::damon::events::BeforeApply;
use crate::subject::damon::rule::{
    About, DamonRule, Kind, Rule, RuleResult, Violation, each_scheme, in_core, violations,
};
use crate::subject::damon::view::{PAGE, View};
use damonlab_protocol::damon::FilterLayer;
use damonlab_protocol::damon::{AddrRange, Filter, FilterKind, Scheme};

pub(crate) static ACTIONS_RESPECT_CORE_FILTERS: DamonRule = Rule {
    about: About {
        id: "A2",
        name: "actions-respect-core-filters",
        kind: Kind::Exact,
        statement: "A scheme acts only on memory that its core filters allow, and never across the border of a filter.",
        because: "The kernel splits regions at the borders of an addr filter. The first filter that matches a region decides, otherwise the opposite of the last one, unless there are ops filters.",
        source: &[
            in_core("damos_core_filter_out"),
            in_core("damos_filter_match"),
            in_core("damos_set_filters_default_reject"),
        ],
        file: file!(),
        when: "the scheme has addr or target filters and acts; damos_before_apply is recorded",
    },
    judge: actions_respect_core_filters,
};

fn actions_respect_core_filters(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, scheme| {
        view.need(&[BeforeApply::NAME])?;
        run.need_bytes()?;
        let filters = CoreFilters::new(view, scheme).ok_or("what a core filter matches is not known")?;
        if filters.filters.is_empty() {
            return Err("the scheme has no core filter".to_owned());
        }
        let mut actions = run.scheme_events::<BeforeApply>(index).peekable();
        if actions.peek().is_none() {
            return Err("the scheme did not act".to_owned());
        }
        let wrong = actions.filter_map(|(line, event)| {
            Some((line, event, filters.reject(event.target_idx, event.start, event.end)?))
        });
        Ok(violations(wrong, |(line, event, why)| {
            let expected = format!("{} to act only where its core filters allow it", run.scheme_name(index));
            Violation::new(expected, format!("an action on {}-{}, {why}", event.start, event.end)).at([line])
        }))
    })
}

/// A scheme's core filters, as the kernel has them (`damos_core_filter_out`).
pub(crate) struct CoreFilters<'a> {
    filters: Vec<(Matcher, &'a Filter)>,
    /// Whether memory that no filter matches is rejected.
    default_reject: bool,
}

/// What a filter matches.
enum Matcher {
    Addresses(u64, u64),
    Target(u64),
}

/// Whether a filter looks at pages: it is one of the operations set's.
pub(crate) fn has_ops_filters(scheme: &Scheme) -> bool {
    let mut filters = scheme.core_filters.iter().chain(&scheme.ops_filters).chain(&scheme.filters);
    filters.any(|filter| is_of_ops(&filter.kind))
}

fn is_of_ops(kind: &FilterKind) -> bool {
    !matches!(
        kind,
        FilterKind::Addr(_)
            | FilterKind::Target(_)
            | FilterKind::ProbeHitsWsum(_)
            | FilterKind::Introduced { layer: FilterLayer::Core | FilterLayer::Probe, .. }
    )
}

impl<'a> CoreFilters<'a> {
    /// `None` where it is not known what a filter of the core's matches.
    pub(crate) fn new(view: &View<'_>, scheme: &'a Scheme) -> Option<CoreFilters<'a>> {
        let mut filters = Vec::new();
        // The order in which sysfs adds them (`damon_sysfs_mk_scheme`).
        for filter in scheme.core_filters.iter().chain(&scheme.ops_filters).chain(&scheme.filters) {
            match &filter.kind {
                FilterKind::Addr(range) => {
                    let (start, end) = addresses(view, range)?;
                    filters.push((Matcher::Addresses(start / PAGE * PAGE, end / PAGE * PAGE), filter));
                }
                FilterKind::Target(target) => filters.push((Matcher::Target((*target).into()), filter)),
                kind if !is_of_ops(kind) => return None,
                _ => {}
            }
        }
        // `damos_set_filters_default_reject`: ops filters decide about memory that no core filter matches.
        let default_reject =
            !has_ops_filters(scheme) && filters.last().is_some_and(|(_, filter)| filter.allow);
        Some(CoreFilters { filters, default_reject })
    }

    /// Why the scheme must not act on a region.
    fn reject(&self, target: u64, start: u64, end: u64) -> Option<String> {
        for (nth, (matcher, filter)) in self.filters.iter().enumerate() {
            let inside = match *matcher {
                Matcher::Target(own) => own == target,
                Matcher::Addresses(from, to) if from <= start && end <= to => true,
                Matcher::Addresses(from, to) if end <= from || to <= start => false,
                Matcher::Addresses(from, to) => {
                    return Some(format!("across a border of core filter {nth} ({from}-{to})"));
                }
            };
            if inside == filter.matching {
                return (!filter.allow).then(|| format!("which core filter {nth} rejects"));
            }
        }
        self.default_reject.then(|| "which no core filter allows".to_owned())
    }

    /// The addresses at which the kernel splits regions.
    pub(crate) fn borders(&self) -> impl Iterator<Item = u64> {
        self.filters.iter().flat_map(|(matcher, _)| match *matcher {
            Matcher::Addresses(from, to) => vec![from, to],
            Matcher::Target(_) => Vec::new(),
        })
    }

    /// Whether the scheme may act on all of a region.
    pub(crate) fn allows(&self, target: u64, start: u64, end: u64) -> bool {
        self.reject(target, start, end).is_none()
    }
}

fn addresses(view: &View<'_>, range: &AddrRange) -> Option<(u64, u64)> {
    match range {
        AddrRange::Fixed { start, end } => Some((start.0, end.0)),
        AddrRange::Node(node) => match view.recording.report.node_ranges.get(node)?.as_slice() {
            [(start, end)] => Some((start.0, end.0)),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use crate::subject::damon::testing::{Model, found};
    use damonlab_protocol::damon::{AddrRange, Filter, FilterKind};
    use damonlab_protocol::units::NodeId;

    fn filter(kind: FilterKind, matching: bool, allow: bool) -> Filter {
        Filter { kind, matching, allow }
    }

    fn node(node: u16) -> FilterKind {
        FilterKind::Addr(AddrRange::Node(NodeId(node)))
    }

    /// What A2 sees of scheme 0, which acts on node 0, with these filters.
    fn with(core: Vec<Filter>, ops: Vec<Filter>) -> Option<String> {
        let mut recording = Model::pull_push().recording();
        let scheme = &mut recording.plan.kdamonds[0].context.schemes[0];
        (scheme.core_filters, scheme.ops_filters) = (core, ops);
        found(&recording, "A2").into_iter().next().map(|finding| finding.seen)
    }

    #[test]
    fn a2_sees_each_kind_of_rejection() {
        let must_reject = with(vec![filter(node(1), false, false)], vec![]).unwrap();
        assert!(must_reject.ends_with("which core filter 0 rejects"), "{must_reject}");
        let not_allowed = with(vec![filter(node(1), true, true)], vec![]).unwrap();
        assert!(not_allowed.ends_with("which no core filter allows"), "{not_allowed}");
        let other_target = with(vec![filter(FilterKind::Target(1), false, false)], vec![]).unwrap();
        assert!(other_target.ends_with("which core filter 0 rejects"), "{other_target}");
    }

    #[test]
    fn a2_applies_the_first_filter_that_matches_a_region() {
        assert_eq!(with(vec![filter(node(0), true, true), filter(node(0), true, false)], vec![]), None);
        assert_eq!(with(vec![filter(node(0), false, false)], vec![]), None);
    }

    #[test]
    fn a2_knows_that_ops_filters_decide_what_no_allow_filter_matches() {
        let young = filter(FilterKind::Young, true, true);
        assert_eq!(with(vec![filter(node(1), true, true)], vec![young]), None);
    }

    #[test]
    fn a2_sees_an_action_across_the_border_of_a_filter() {
        use damonlab_protocol::units::Addr;
        let start = Addr(Model::NODE0.0 + 4096);
        let range = AddrRange::Fixed { start, end: Addr(start.0 + 4096) };
        let seen = with(vec![filter(FilterKind::Addr(range), true, true)], vec![]).unwrap();
        assert!(seen.contains("across a border of core filter 0"), "{seen}");
    }
}
