//! What a pass applied, from its actions: S8.

use super::filters::has_ops_filters;
use super::migration::{Emitted, Migration, emitted, migrates, migrations};
use super::stats::last_before;
use crate::check::finding::Violation;
use crate::check::violations::Violations;
use crate::recording::{Event, Line};
use crate::subject::damon::events::{BeforeApply, SchemeEvent, Stat};
use crate::subject::damon::rule::{
    About, DamonRule, Kind, Reason, Rule, RuleResult, Source, each_scheme, in_core,
};
use crate::subject::damon::view::{KdamondRun, PAGE, View, need_known_action, need_known_ops};
use damonlab_protocol::damon::{Ops, Scheme};

/// The size of a large folio at most.
const LARGE: u64 = 2 << 20;

/// Of so many regions all sums are formed; of more the least and the highest one.
const MOST_SUMMED: usize = 12;

pub(crate) static APPLIED_FOLLOWS_FROM_ACTIONS: DamonRule = Rule {
    about: About {
        id: "S8",
        name: "applied-follows-from-actions",
        kind: Kind::Exact,
        statement: "What a pass applies follows from its regions: all that passed the ops filters where it sorts lists, whole regions where it advises a process, something of each region from which pages were moved, and nothing where the operations set does not have the action. Nothing passes where no page is looked at, and no more than the folios that lie in the regions.",
        because: "Each operations set has one function for an action, which counts folios in full, once each, or a region if madvise() succeeds.",
        source: &[
            in_core("damos_update_stat"),
            Source::function("mm/damon/paddr.c", "damon_pa_de_activate"),
            Source::function("mm/damon/paddr.c", "damon_pa_stat"),
            Source::function("mm/damon/paddr.c", "damon_pa_apply_scheme"),
            Source::function("mm/damon/vaddr.c", "damos_madvise"),
            Source::function("mm/damon/vaddr.c", "damon_va_apply_scheme"),
        ],
        file: file!(),
        when: "damos_before_apply and damos_stat_after_apply_interval are recorded; regions of a migration where mm_migrate_pages is, too",
    },
    judge: applied_follows_from_actions,
};

fn applied_follows_from_actions(view: &View<'_>) -> RuleResult {
    let all = migrations(view).ok();
    each_scheme(view, |run, index, scheme| {
        view.need(&[BeforeApply::NAME, Stat::NAME])?;
        run.need_bytes()?;
        let actor = Actor::of(run, scheme, all.is_some())?;
        let mut violations = Violations::default();
        for pass in passes(view, run, index, all.as_deref().unwrap_or_default()) {
            if let Some((expected, seen)) = actor.contradiction(&pass) {
                violations.push(|| {
                    let name = run.scheme_name(index);
                    let first = pass.actions.first().map(|action| action.line);
                    Violation::new(format!("{expected} in a pass of {name}"), seen).at(first).at([pass.line])
                });
            }
        }
        Ok(violations)
    })
}

/// A region on which a scheme acts.
struct Action<'a> {
    line: &'a Line,
    target: u64,
    start: u64,
    end: u64,
    /// Pages that were moved from it.
    moved: u64,
}

impl Action<'_> {
    fn size(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }
}

/// What one pass added to the statistics of a scheme, and its actions.
struct Pass<'a> {
    line: &'a Line,
    actions: Vec<Action<'a>>,
    nr_applied: u64,
    sz_applied: u64,
    sz_passed: u64,
}

/// The passes of a scheme.
fn passes<'a>(view: &View<'a>, run: &KdamondRun<'a>, index: usize, all: &[Migration<'a>]) -> Vec<Pass<'a>> {
    let counters = |stat: &Stat| (stat.nr_applied, stat.sz_applied, stat.sz_ops_filter_passed);
    let before = last_before(view, run, index).map(|(_, stat)| counters(stat));
    let mut old = before.or(run.is_from_start().then_some((0, 0, 0)));
    let (mut passes, mut actions) = (Vec::new(), Vec::new());
    let mut acting = false;
    for one in emitted(run, all) {
        match one {
            Emitted::Migration(one) if acting => {
                if let Some(action) = actions.last_mut() {
                    let action: &mut Action<'_> = action;
                    action.moved += one.succeeded;
                }
            }
            Emitted::Migration(_) => {}
            Emitted::Damon(line) => match &line.event {
                Event::BeforeApply(event) => {
                    acting = event.scheme() == index;
                    let (start, end) = (event.start, event.end);
                    let target = event.target_idx;
                    actions.extend(acting.then_some(Action { line, target, start, end, moved: 0 }));
                }
                Event::Stat(stat) if stat.scheme() == index => {
                    let new = counters(stat);
                    let actions = std::mem::take(&mut actions);
                    passes.extend(old.map(|old: (u64, u64, u64)| Pass {
                        line,
                        actions,
                        nr_applied: new.0.saturating_sub(old.0),
                        sz_applied: new.1.saturating_sub(old.1),
                        sz_passed: new.2.saturating_sub(old.2),
                    }));
                    old = Some(new);
                }
                _ => {}
            },
        }
    }
    passes
}

/// What the operations set does for an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Nothing,
    /// Pages are put on another list.
    Sorts,
    /// Pages are moved or reclaimed, some of them perhaps not.
    TakesAway,
    /// `madvise()` of each region.
    Advises,
}

/// A scheme with its operations set.
struct Actor {
    effect: Effect,
    paddr: bool,
    /// It looks at each page of a region.
    looks_at_pages: bool,
    /// The trace shows what it moved.
    shows_moves: bool,
    /// Folios stay where they are while a pass goes on.
    still: bool,
}

impl Actor {
    fn of(run: &KdamondRun<'_>, scheme: &Scheme, migrations: bool) -> Result<Actor, Reason> {
        let context = &run.config.context;
        need_known_ops(context)?;
        context.schemes.iter().try_for_each(need_known_action)?;
        let paddr = context.ops == Ops::Paddr;
        let own = effect(paddr, scheme);
        let stays = |one: &Scheme| matches!(effect(paddr, one), Effect::Nothing | Effect::Sorts);
        Ok(Actor {
            effect: own,
            paddr,
            looks_at_pages: match scheme.action.as_str() {
                "stat" => has_ops_filters(scheme),
                _ => matches!(own, Effect::Sorts | Effect::TakesAway),
            },
            shows_moves: migrates(scheme) && migrations,
            still: context.schemes.iter().all(stays),
        })
    }

    /// What contradicts the actions in the statistics of a pass.
    fn contradiction(&self, pass: &Pass<'_>) -> Option<(String, String)> {
        self.applied(pass).or_else(|| self.passed(pass))
    }

    fn applied(&self, pass: &Pass<'_>) -> Option<(String, String)> {
        let Pass { nr_applied, sz_applied, sz_passed, .. } = *pass;
        let seen = || format!("{nr_applied} regions and {sz_applied} bytes");
        if nr_applied > sz_applied / PAGE || (nr_applied == 0 && sz_applied > 0) {
            return Some(("a page or more of each applied region".to_owned(), seen()));
        }
        let from = pass.actions.iter().filter(|action| action.moved > 0).count() as u64;
        if self.shows_moves && nr_applied != from {
            return Some((format!("the {from} regions from which pages were moved to be applied"), seen()));
        }
        match self.effect {
            Effect::Nothing if sz_applied != 0 => {
                Some(("an action that does nothing to apply nothing".to_owned(), seen()))
            }
            Effect::Sorts if sz_applied != sz_passed => {
                Some((format!("the {sz_passed} bytes that passed the ops filters to be applied"), seen()))
            }
            Effect::TakesAway if self.paddr && sz_applied > sz_passed => Some((
                format!("at most the {sz_passed} bytes that passed the ops filters to be applied"),
                seen(),
            )),
            Effect::Advises if !is_sum(&pass.actions, nr_applied, sz_applied) => {
                Some((format!("{nr_applied} of the regions to be applied as a whole"), seen()))
            }
            _ => None,
        }
    }

    fn passed(&self, pass: &Pass<'_>) -> Option<(String, String)> {
        let seen = || pass.sz_passed.to_string();
        let no_page = "no bytes to pass the ops filters, because no page is looked at";
        if !self.looks_at_pages {
            return (pass.sz_passed != 0).then(|| (no_page.to_owned(), seen()));
        }
        let most = self.paddr.then(|| covered(&pass.actions, self.still))?;
        (pass.sz_passed > most).then(|| {
            (format!("at most the {most} bytes of folios in the regions to pass the ops filters"), seen())
        })
    }
}

fn effect(paddr: bool, scheme: &Scheme) -> Effect {
    match (scheme.action.as_str(), paddr) {
        ("stat", _) => Effect::Nothing,
        ("migrate_hot" | "migrate_cold", _) | ("pageout", true) => Effect::TakesAway,
        ("lru_prio" | "lru_deprio", true) => Effect::Sorts,
        (_, true) | ("lru_prio" | "lru_deprio", false) => Effect::Nothing,
        (_, false) => Effect::Advises,
    }
}

/// Whether so many of the regions have this size together.
fn is_sum(actions: &[Action<'_>], count: u64, size: u64) -> bool {
    let mut sizes: Vec<u64> = actions.iter().map(|action| action.size().next_multiple_of(PAGE)).collect();
    let Some(count) = usize::try_from(count).ok().filter(|count| *count <= sizes.len()) else { return false };
    if sizes.len() <= MOST_SUMMED {
        let chosen = |set: &u32| set.count_ones() as usize == count;
        let sum =
            |set: u32| (0..sizes.len()).filter(|at| set >> at & 1 == 1).map(|at| sizes[at]).sum::<u64>();
        return (0..1u32 << sizes.len()).filter(chosen).any(|set| sum(set) == size);
    }
    sizes.sort_unstable();
    let (least, most) = (sizes[..count].iter().sum::<u64>(), sizes[sizes.len() - count..].iter().sum());
    (least..=most).contains(&size)
}

/// The bytes of folios of which a part lies in the regions, if all memory were large folios. One that lies in two regions,
/// one after the other, counts once (`last_applied`), unless others can take its place in between.
fn covered(actions: &[Action<'_>], still: bool) -> u64 {
    let mut bytes = 0u64;
    let mut open: Option<(u64, u64, u64)> = None;
    let size =
        |(_, start, end): (u64, u64, u64)| end.next_multiple_of(LARGE).saturating_sub(start / LARGE * LARGE);
    for Action { target, start, end, .. } in actions {
        match &mut open {
            Some(run) if still && (run.0, run.2) == (*target, *start) => run.2 = *end,
            _ => bytes = bytes.saturating_add(open.replace((*target, *start, *end)).map_or(0, size)),
        }
    }
    bytes.saturating_add(open.map_or(0, size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::damon::testing::{of_event, rewrite, stored, tampered};

    /// Gives a counter another value in all statistics.
    fn change(lines: &mut [String], key: &str, change: impl Fn(u64) -> u64) {
        for at in of_event(lines, Stat::NAME) {
            let pair = |pair: &str| match pair.split_once('=') {
                Some((name, value)) if name == key => format!("{key}={}", change(value.parse().unwrap())),
                _ => pair.to_owned(),
            };
            lines[at] = lines[at].split(' ').map(pair).collect::<Vec<_>>().join(" ");
        }
    }

    #[test]
    fn s8_sees_a_region_that_is_not_counted_although_pages_were_moved_from_it() {
        let seen = tampered("S8", |recording| {
            rewrite(recording, |lines| change(lines, "nr_applied", |value| value.saturating_sub(1)));
        });
        assert!(seen.iter().any(|seen| seen.contains("each applied region")), "{seen:?}");
        let seen = tampered("S8", |recording| {
            rewrite(recording, |lines| change(lines, "nr_applied", |value| value * 2));
        });
        assert!(seen.iter().any(|seen| seen.contains("from which pages were moved")), "{seen:?}");
    }

    #[test]
    fn s8_sees_what_passes_filters_that_do_not_exist() {
        let seen = tampered("S8", |recording| {
            for scheme in &mut recording.plan.kdamonds[0].context.schemes {
                scheme.action = "stat".to_owned();
            }
        });
        assert!(!seen.is_empty());
    }

    fn action(line: &Line, start: u64, end: u64) -> Action<'_> {
        Action { line, target: 0, start, end, moved: 0 }
    }

    #[test]
    fn a_folio_in_two_regions_counts_once_as_long_as_it_stays() {
        let recording = stored("truth");
        let line = &recording.trace.lines[0];
        let actions = [action(line, LARGE / 2, LARGE * 3 / 2), action(line, LARGE * 3 / 2, LARGE * 5 / 2)];
        assert_eq!(covered(&actions, true), 3 * LARGE);
        assert_eq!(covered(&actions, false), 4 * LARGE);
        assert_eq!(covered(&actions[1..], true), 2 * LARGE);
        assert_eq!(covered(&[], true), 0);
    }

    #[test]
    fn advice_counts_whole_regions() {
        let recording = stored("truth");
        let line = &recording.trace.lines[0];
        let actions = [action(line, 0, PAGE), action(line, PAGE, 4 * PAGE), action(line, 4 * PAGE, 9 * PAGE)];
        for (count, pages, is) in
            [(0, 0, true), (1, 3, true), (1, 2, false), (2, 6, true), (3, 9, true), (3, 8, false)]
        {
            assert_eq!(is_sum(&actions, count, pages * PAGE), is, "{count} {pages}");
        }
        assert!(!is_sum(&actions, 4, 9 * PAGE));
        let many: Vec<_> = (0..20).map(|nth| action(line, nth * PAGE, (nth + 1) * PAGE)).collect();
        assert!(is_sum(&many, 20, 20 * PAGE) && !is_sum(&many, 20, 19 * PAGE) && !is_sum(&many, 1, 2 * PAGE));
    }
}
