//! Where schemes may act: the core filters, on addresses and targets (A2).

use crate::check::finding::Violation;
use crate::check::violations::Violations;
use crate::subject::damon::events::BeforeApply;
use crate::subject::damon::rule::{About, DamonRule, Kind, Rule, RuleResult, each_scheme, in_core};
use crate::subject::damon::view::{PAGE, View};
use crate::trace::Event;
use damonlab_protocol::damon::{AddrRange, Filter, FilterKind, Scheme};

pub(crate) static ACTIONS_RESPECT_CORE_FILTERS: DamonRule = Rule {
    about: About {
        id: "A2",
        name: "actions-respect-core-filters",
        kind: Kind::Exact,
        statement: "An action stays where the scheme's core filters let it, and never goes over the border of one.",
        because: "Regions are split at the borders of an addr filter; the first filter that is about a region decides, else the contrary of the last one, unless there are ops filters.",
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
        let filters = CoreFilters::new(view, scheme).ok_or("the range of an addr filter is not known")?;
        if filters.filters.is_empty() {
            return Err("the scheme has no core filter".to_owned());
        }
        let mut findings = Violations::default();
        let mut acted = false;
        for line in &run.lines {
            let Event::BeforeApply(event) = &line.event else { continue };
            if event.scheme_idx as usize != index {
                continue;
            }
            acted = true;
            if let Some(why) = filters.turn_away(event) {
                findings.push(|| {
                    let expected =
                        format!("{} to stay where its core filters let it", run.scheme_name(index));
                    let seen = format!("an action on {}-{}, {why}", event.start, event.end);
                    Violation::new(expected, seen).at([*line])
                });
            }
        }
        if acted { Ok(findings) } else { Err("the scheme acted on nothing".to_owned()) }
    })
}

/// A scheme's core filters, as the kernel has them (`damos_core_filter_out`).
pub(crate) struct CoreFilters<'a> {
    filters: Vec<(Looks, &'a Filter)>,
    /// What becomes of memory that no filter is about.
    default_reject: bool,
}

/// What a filter looks at.
enum Looks {
    Addresses(u64, u64),
    Target(u64),
}

impl<'a> CoreFilters<'a> {
    /// Nothing where a filter's range is not known.
    pub(crate) fn new(view: &View<'_>, scheme: &'a Scheme) -> Option<CoreFilters<'a>> {
        let mut filters = Vec::new();
        let mut has_ops_filters = false;
        // The order in which sysfs adds them (`damon_sysfs_mk_scheme`).
        for filter in scheme.core_filters.iter().chain(&scheme.ops_filters).chain(&scheme.filters) {
            match &filter.kind {
                FilterKind::Addr(range) => {
                    let (start, end) = addresses(view, range)?;
                    filters.push((Looks::Addresses(start / PAGE * PAGE, end / PAGE * PAGE), filter));
                }
                FilterKind::Target(target) => filters.push((Looks::Target((*target).into()), filter)),
                _ => has_ops_filters = true,
            }
        }
        // `damos_set_filters_default_reject`: filters of pages decide what core filters leave open.
        let default_reject = !has_ops_filters && filters.last().is_some_and(|(_, filter)| filter.allow);
        Some(CoreFilters { filters, default_reject })
    }

    /// Why the scheme may not act on a region.
    fn turn_away(&self, event: &BeforeApply) -> Option<String> {
        for (nth, (looks, filter)) in self.filters.iter().enumerate() {
            let inside = match *looks {
                Looks::Target(target) => event.target_idx == target,
                Looks::Addresses(start, end) if start <= event.start && event.end <= end => true,
                Looks::Addresses(start, end) if event.end <= start || end <= event.start => false,
                Looks::Addresses(start, end) => {
                    return Some(format!("over a border of core filter {nth} ({start}-{end})"));
                }
            };
            if inside == filter.matching {
                return (!filter.allow).then(|| format!("which core filter {nth} rejects"));
            }
        }
        self.default_reject.then(|| "which no core filter allows".to_owned())
    }

    /// Whether the scheme may act on all of a region.
    pub(crate) fn let_through(&self, target_idx: u64, start: u64, end: u64) -> bool {
        let region = BeforeApply {
            ctx_idx: 0,
            scheme_idx: 0,
            target_idx,
            nr_regions: 0,
            start,
            end,
            nr_accesses: 0,
            age: 0,
        };
        self.turn_away(&region).is_none()
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

    /// What A2 says of scheme 0, which acts on node 0, with these filters.
    fn with(core: Vec<Filter>, ops: Vec<Filter>) -> Option<String> {
        let mut recording = Model::pull_push().recording();
        let scheme = &mut recording.plan.kdamonds[0].context.schemes[0];
        (scheme.core_filters, scheme.ops_filters) = (core, ops);
        found(&recording, "A2").into_iter().next().map(|finding| finding.seen)
    }

    #[test]
    fn a2_sees_each_way_of_not_being_let_through() {
        let must_reject = with(vec![filter(node(1), false, false)], vec![]).unwrap();
        assert!(must_reject.ends_with("which core filter 0 rejects"), "{must_reject}");
        let not_allowed = with(vec![filter(node(1), true, true)], vec![]).unwrap();
        assert!(not_allowed.ends_with("which no core filter allows"), "{not_allowed}");
        let other_target = with(vec![filter(FilterKind::Target(1), false, false)], vec![]).unwrap();
        assert!(other_target.ends_with("which core filter 0 rejects"), "{other_target}");
    }

    #[test]
    fn a2_takes_the_first_filter_that_is_about_a_region() {
        assert_eq!(with(vec![filter(node(0), true, true), filter(node(0), true, false)], vec![]), None);
        assert_eq!(with(vec![filter(node(0), false, false)], vec![]), None);
    }

    #[test]
    fn a2_knows_that_filters_of_pages_decide_what_an_allow_filter_leaves_open() {
        let young = filter(FilterKind::Young, true, true);
        assert_eq!(with(vec![filter(node(1), true, true)], vec![young]), None);
    }

    #[test]
    fn a2_sees_an_action_over_the_border_of_a_filter() {
        use damonlab_protocol::units::Addr;
        let start = Addr(Model::NODE0.0 + 4096);
        let range = AddrRange::Fixed { start, end: Addr(start.0 + 4096) };
        let seen = with(vec![filter(FilterKind::Addr(range), true, true)], vec![]).unwrap();
        assert!(seen.contains("over a border of core filter 0"), "{seen}");
    }
}
