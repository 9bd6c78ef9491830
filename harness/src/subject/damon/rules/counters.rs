//! The limits of a scheme's statistics (S3, S5, Q7).

use super::quota::need_charges;
use super::stats::stats;
use crate::subject::damon::events::{BeforeApply, SchemeEvent, Stat};
use crate::subject::damon::rule::{
    About, DamonRule, Kind, Line, Reason, Rule, RuleResult, Source, Violation, Violations, each_scheme,
    in_core,
};
use crate::subject::damon::view::need_known_action;
use crate::subject::damon::view::{KdamondRun, PAGE, View, is_limited};
use crate::trace::TypedEvent;
use damonlab_protocol::damon::{Ops, Scheme};

pub(crate) static APPLIED_IS_AT_MOST_TRIED: DamonRule = Rule {
    about: About {
        id: "S3",
        name: "applied-is-at-most-tried",
        kind: Kind::Conditional,
        statement: "A pass applies at most the regions that it tried, and at most the bytes that passed its filters; stat applies nothing.",
        because: "Each tried region is applied once or not at all, and an action affects only pages that pass the filters. A large folio counts in full, so bytes are compared only without huge pages.",
        source: &[
            in_core("damos_update_stat"),
            Source::function("mm/damon/paddr.c", "damon_pa_migrate"),
            Source::function("mm/damon/paddr.c", "damon_pa_pageout"),
            Source::function("mm/damon/paddr.c", "damon_pa_stat"),
        ],
        file: file!(),
        when: "damos_stat_after_apply_interval is recorded; bytes only for paddr without huge pages",
    },
    judge: applied_is_at_most_tried,
};

fn applied_is_at_most_tried(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, scheme| {
        view.need(&[Stat::NAME])?;
        let passed_counts = needs_small_pages(view, run).and(need_known_action(scheme));
        let mut violations = Violations::default();
        let mut old = run.is_from_start().then(|| (None, Counted::default()));
        for (line, stat) in stats(run, index) {
            let new = Counted::of(stat);
            if let Some((before, old)) = old {
                let grown = new.since(&old);
                if let Some((expected, seen)) = grown.wrong(scheme, passed_counts.is_ok()) {
                    violations.push(|| {
                        let expected = format!("{expected} in a pass of {}", run.scheme_name(index));
                        Violation::new(expected, seen).at(before).at([line])
                    });
                }
            }
            old = Some((Some(line), new));
        }
        Ok(violations)
    })
}

/// An error where the bytes of a pass cannot be compared: a folio counts in full even where a region begins or ends
/// inside it, and not all actions on virtual addresses report the bytes that passed the filters.
fn needs_small_pages(view: &View<'_>, run: &KdamondRun<'_>) -> Result<(), Reason> {
    if run.config.context.ops != Ops::Paddr {
        return Err("the memory is virtual".to_owned());
    }
    let huge = |name: &str| name.ends_with("HugePages") || name.ends_with("PmdMapped");
    let samples = view.recording.samples.iter();
    let mut fields = samples.flat_map(|sample| sample.nodes.values()).flatten();
    match fields.any(|(name, bytes)| huge(name) && bytes.0 > 0) {
        true => Err("there are huge pages".to_owned()),
        false => Ok(()),
    }
}

/// The statistics of regions that were tried and applied.
#[derive(Default, Clone, Copy)]
struct Counted {
    nr_tried: u64,
    sz_tried: u64,
    nr_applied: u64,
    sz_applied: u64,
    sz_passed: u64,
}

impl Counted {
    fn of(stat: &Stat) -> Counted {
        let Stat { nr_tried, sz_tried, nr_applied, sz_applied, sz_ops_filter_passed: sz_passed, .. } = *stat;
        Counted { nr_tried, sz_tried, nr_applied, sz_applied, sz_passed }
    }

    fn since(&self, old: &Counted) -> Counted {
        Counted {
            nr_tried: self.nr_tried.saturating_sub(old.nr_tried),
            sz_tried: self.sz_tried.saturating_sub(old.sz_tried),
            nr_applied: self.nr_applied.saturating_sub(old.nr_applied),
            sz_applied: self.sz_applied.saturating_sub(old.sz_applied),
            sz_passed: self.sz_passed.saturating_sub(old.sz_passed),
        }
    }

    /// What contradicts itself in the statistics of one pass.
    fn wrong(&self, scheme: &Scheme, bytes: bool) -> Option<(String, String)> {
        let Counted { nr_tried, sz_tried, nr_applied, sz_applied, sz_passed } = *self;
        if nr_applied > nr_tried {
            return Some((
                format!("at most the {nr_tried} regions tried to be applied"),
                nr_applied.to_string(),
            ));
        }
        if scheme.action == "stat" && (nr_applied, sz_applied) != (0, 0) {
            let seen = format!("{nr_applied} regions and {sz_applied} bytes");
            return Some(("the action stat to apply nothing".to_owned(), seen));
        }
        if bytes && sz_passed > sz_tried {
            let expected = format!("at most the {sz_tried} bytes tried to pass the ops filters");
            return Some((expected, sz_passed.to_string()));
        }
        if bytes && sz_applied > sz_passed {
            let expected = format!("at most the {sz_passed} bytes that passed the ops filters to be applied");
            return Some((expected, sz_applied.to_string()));
        }
        None
    }
}

pub(crate) static MAX_NR_SNAPSHOTS_IS_RESPECTED: DamonRule = Rule {
    about: About {
        id: "S5",
        name: "max-nr-snapshots-is-respected",
        kind: Kind::Exact,
        statement: "A scheme makes at most max_nr_snapshots snapshots, and does not act after the last one.",
        because: "The kernel compares the count before each region, and increments it after the last region of a target.",
        source: &[in_core("damon_do_apply_schemes")],
        file: file!(),
        when: "max_nr_snapshots is set",
    },
    judge: max_nr_snapshots_is_respected,
};

fn max_nr_snapshots_is_respected(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, scheme| {
        view.need(&[Stat::NAME])?;
        let most = scheme.max_nr_snapshots;
        if most == 0 {
            return Err("max_nr_snapshots is not set".to_owned());
        }
        let name = run.scheme_name(index);
        let mut violations = Violations::default();
        let mut last: Option<(&Line, u64)> = None;
        for line in &run.lines {
            if let Some(stat) = Stat::of(&line.event).filter(|stat| stat.scheme() == index) {
                let grown = last.map_or(run.is_from_start(), |(_, old)| stat.nr_snapshots > old);
                if stat.nr_snapshots > most && grown {
                    violations.push(|| {
                        let expected = format!("at most {most} snapshots of {name}");
                        Violation::new(expected, stat.nr_snapshots.to_string()).at([*line])
                    });
                }
                last = Some((line, stat.nr_snapshots));
            } else if BeforeApply::of(&line.event).is_some_and(|event| event.scheme() == index)
                && let Some((done, count)) = last.filter(|(_, count)| *count >= most)
            {
                violations.push(|| {
                    let expected = format!("no action of {name} after {most} snapshots");
                    Violation::new(expected, format!("one after {count}")).at([done, *line])
                });
            }
        }
        Ok(violations)
    })
}

pub(crate) static QT_EXCEEDS_COUNTS_FULL_WINDOWS: DamonRule = Rule {
    about: About {
        id: "Q7",
        name: "qt-exceeds-counts-full-windows",
        kind: Kind::Exact,
        statement: "qt_exceeds counts the charge windows that ended with their quota used up.",
        because: "The kernel increments it when a window starts, at most once per pass, if less than a page of the last window's quota is left.",
        source: &[
            in_core("damos_adjust_quota"),
            in_core("damos_quota_is_full"),
            in_core("damos_charge_quota"),
        ],
        file: file!(),
        when: "damos_stat_after_apply_interval is recorded; exact where Q4 applies, otherwise at most one per pass",
    },
    judge: qt_exceeds_counts_full_windows,
};

fn qt_exceeds_counts_full_windows(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, scheme| {
        view.need(&[Stat::NAME])?;
        let was_limited =
            |run: &KdamondRun<'_>| run.config.context.schemes.get(index).is_some_and(is_limited);
        let open = view.history(run, index).last().is_some_and(was_limited);
        let mut violations: Violations =
            too_often(run, index, is_limited(scheme), open).into_iter().collect();
        let replayable = need_charges(view, run, index, scheme).is_ok() && run.is_from_start();
        if replayable {
            violations.extend(miscounted(run, index));
        }
        Ok(violations)
    })
}

/// More exceeded windows than passes: a window starts at a pass only, and one at most (the very first one
/// counts nothing). A scheme without limits has no window, but a commit that takes its limits away leaves the effective
/// quota of the window that is `open`, and `damos_quota_is_set` goes by that: the end of that window counts once.
fn too_often(run: &KdamondRun<'_>, index: usize, limited: bool, mut open: bool) -> Option<Violation> {
    let mut old = run.is_from_start().then_some((None, 0));
    for (line, stat) in stats(run, index) {
        if let Some((before, count)) = old {
            let grown = stat.qt_exceeds.saturating_sub(count);
            let most = u64::from(limited || open);
            if grown > most {
                let expected =
                    format!("qt_exceeds of {} to grow by at most {most} a pass", run.scheme_name(index));
                let seen = format!("{count} and then {}", stat.qt_exceeds);
                return Some(Violation::new(expected, seen).at(before).at([line]));
            }
            open = open && grown == 0;
        }
        old = Some((Some(line), stat.qt_exceeds));
    }
    None
}

/// Counts the windows that ended with a full quota, from what was charged in them.
fn miscounted(run: &KdamondRun<'_>, index: usize) -> Option<Violation> {
    let mut starts = run.charge_windows[index].windows.iter().peekable();
    let (mut quota, mut charged, mut exceeds) = (None, 0u64, 0u64);
    for (at, line) in run.lines.iter().enumerate() {
        if let Some(window) = starts.next_if(|window| window.at == at) {
            exceeds += u64::from(quota.is_some_and(|quota| is_full(quota, charged)));
            charged = 0;
            quota = window.quota().or(quota);
        }
        if let Some(event) = BeforeApply::of(&line.event).filter(|event| event.scheme() == index) {
            charged = charged.saturating_add(event.end.saturating_sub(event.start));
        }
        let stat = Stat::of(&line.event).filter(|stat| stat.scheme() == index);
        if let Some(stat) = stat.filter(|stat| stat.qt_exceeds != exceeds) {
            let name = run.scheme_name(index);
            let expected =
                format!("qt_exceeds={exceeds}: so many charge windows of {name} used up their quota");
            return Some(Violation::new(expected, format!("qt_exceeds={}", stat.qt_exceeds)).at([*line]));
        }
    }
    None
}

/// `damos_quota_is_full`, for addresses in bytes.
pub(crate) fn is_full(quota: u64, charged: u64) -> bool {
    quota.saturating_sub(charged) < PAGE
}

#[cfg(test)]
mod tests {
    use crate::subject::damon::testing::{Model, found, rewrite};
    use damonlab_protocol::units::Nanos;

    /// How many findings Q7 has if a commit takes the limits of scheme 0 away, and `qt_exceeds` then grows at these
    /// passes after it, by one each.
    fn findings_after_a_commit_without_limits(grows: &[usize]) -> usize {
        let mut model = Model::pull_push();
        model.commit(13, |schemes| {
            schemes[0].quota.bytes = 0;
            schemes[0].quota.ms = 0;
            schemes[0].quota.goals.clear();
        });
        let mut recording = model.recording();
        let border = recording.report.steps[1].answered[&0];
        let times: Vec<Nanos> = recording.trace.lines.iter().map(|line| line.time).collect();
        rewrite(&mut recording, |lines| {
            let after = lines.iter_mut().zip(times).filter(|(_, time)| *time > border);
            let stats =
                after.filter(|(line, _)| line.contains("scheme_idx=0") && line.contains(" qt_exceeds="));
            for (pass, (line, _)) in stats.enumerate() {
                let (head, rest) = line.split_once(" qt_exceeds=").unwrap();
                let (_, tail) = rest.split_once(' ').unwrap();
                let count = 3 + grows.iter().filter(|at| **at <= pass).count();
                *line = format!("{head} qt_exceeds={count} {tail}");
            }
        });
        found(&recording, "Q7").len()
    }

    #[test]
    fn q7_allows_the_window_that_was_open_when_a_commit_took_the_limits_away_to_count_once() {
        assert_eq!(findings_after_a_commit_without_limits(&[]), 0);
        assert_eq!(findings_after_a_commit_without_limits(&[2]), 0);
        assert_eq!(findings_after_a_commit_without_limits(&[2, 3]), 1, "a second time");
        assert_eq!(findings_after_a_commit_without_limits(&[2, 2]), 1, "twice at once");
    }
}
