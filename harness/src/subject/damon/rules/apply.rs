//! The regions on which schemes act (A1, A3, A4).

use crate::subject::damon::events::{BeforeApply, SchemeEvent, Stat};
use crate::subject::damon::rule::{
    About, DamonRule, Kind, Line, Rule, RuleResult, Violation, Violations, each_kdamond_run, each_scheme,
    in_core, violations,
};
use crate::subject::damon::view::{KdamondRun, PAGE, View, events, scheme_events};
use crate::trace::{Field, TypedEvent};
use damonlab_protocol::damon::{Range, Scheme};

pub(crate) static APPLIED_REGIONS_MATCH_PATTERN: DamonRule = Rule {
    about: About {
        id: "A1",
        name: "applied-regions-match-pattern",
        kind: Kind::Exact,
        statement: "A region on which a scheme acts matches its access pattern.",
        because: "The kernel checks the pattern with the same moving sum that it traces. A quota or filter may make the region smaller afterwards.",
        source: &[in_core("__damos_valid_target")],
        file: file!(),
        when: "damos_before_apply is recorded",
    },
    judge: applied_regions_match_pattern,
};

fn applied_regions_match_pattern(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, scheme| {
        view.need(&[BeforeApply::NAME])?;
        let wrong = run.scheme_events::<BeforeApply>(index);
        let wrong = wrong.filter_map(|(line, event)| Some((line, outside_pattern(event, scheme)?)));
        Ok(violations(wrong, |(line, (expected, seen))| {
            Violation::new(format!("{expected} ({})", run.scheme_name(index)), seen).at([line])
        }))
    })
}

/// The size may be below the pattern's, because the quota or a filter may have split the region after the kernel
/// checked the pattern. It may not be above.
fn outside_pattern(event: &BeforeApply, scheme: &Scheme) -> Option<(String, String)> {
    let within = |name: &str, range: Range, value: u32| {
        // The kernel keeps these two in an unsigned int (`struct damos_access_pattern`).
        let (min, max) = (range.min as u32, range.max as u32);
        (!(min..=max).contains(&value)).then(|| (format!("{name} of {min} to {max}"), format!("{value}")))
    };
    let size = event.end.saturating_sub(event.start);
    within("nr_accesses", scheme.nr_accesses, event.nr_accesses)
        .or_else(|| within("age", scheme.age, event.age))
        .or_else(|| {
            (size > scheme.sz.max).then(|| (format!("at most {} bytes", scheme.sz.max), format!("{size}")))
        })
}

pub(crate) static EVENTS_MATCH_CONFIGURATION: DamonRule = Rule {
    about: About {
        id: "A3",
        name: "events-match-configuration",
        kind: Kind::Exact,
        statement: "Every event comes from a kdamond of the plan, or of a DAMON module that the scenario turns on, and names a scheme and a target of its configuration.",
        because: "The tracepoints print positions in the kernel's lists, which have the order of sysfs.",
        source: &[in_core("damos_apply_scheme"), in_core("damos_trace_esz"), in_core("damos_trace_stat")],
        file: file!(),
        when: "a DAMON event is recorded",
    },
    judge: events_match_configuration,
};

fn events_match_configuration(view: &View<'_>) -> RuleResult {
    if view.kdamond_runs.is_empty() && view.foreign_events.is_empty() {
        return RuleResult::NotApplicable("no kdamond left an event".to_owned());
    }
    let mut violations = violations(view.foreign_events.iter(), |line| {
        let seen = format!("one of '{}' (pid {})", line.comm.as_str(), line.pid);
        Violation::new("events of the plan's kdamonds only", seen).at([*line])
    });
    if let RuleResult::Applied(found) = each_kdamond_run(view, |run| Ok(unknown_indices(run))) {
        violations.append(found);
    }
    if let RuleResult::Applied(found) = each_scheme(view, |run, index, _| {
        view.need(&[BeforeApply::NAME, Stat::NAME])?;
        Ok(uncounted(run, index).into_iter().collect())
    }) {
        violations.append(found);
    }
    RuleResult::Applied(violations)
}

fn unknown_indices(run: &KdamondRun<'_>) -> Violations {
    let schemes = run.config.context.schemes.len() as u64;
    let targets = run.config.context.targets.len() as u64;
    // G1 judges the indices of measurements.
    let lines = run.lines.iter().filter(|line| line.event.measurement().is_none());
    let wrong = lines.flat_map(|line| {
        let index = |name| match line.field(name) {
            Some(Field::Unsigned(at)) => Some(at),
            _ => None,
        };
        let (context, scheme) = (index("ctx_idx"), index("scheme_idx"));
        let target = index("target_idx").or_else(|| index("target_id"));
        let context = context.filter(|at| *at != 0).map(|at| (line, "ctx_idx=", 0, at));
        let scheme = scheme.filter(|at| *at >= schemes).map(|at| (line, "scheme_idx=", schemes, at));
        let target = target.filter(|at| *at >= targets).map(|at| (line, "", targets, at));
        [context, scheme, target].into_iter().flatten()
    });
    violations(wrong, |(line, key, limit, at)| {
        let expected = match key {
            "ctx_idx=" => "ctx_idx=0".to_owned(),
            "" => format!("a target index below {limit}"),
            _ => format!("scheme_idx below {limit}"),
        };
        Violation::new(expected, format!("{key}{at}")).at([*line])
    })
}

/// A scheme that acts and whose statistics are never emitted. (The last pass may be cut off with the trace.)
fn uncounted(run: &KdamondRun<'_>, index: usize) -> Option<Violation> {
    let acts = |line: &&Line| BeforeApply::of(&line.event).is_some_and(|event| event.scheme() == index);
    let first = run.lines.iter().position(acts)?;
    let rest = &run.lines[first..];
    let any = events::<Stat>(rest).next().is_some();
    let own = scheme_events::<Stat>(rest, index).next().is_some();
    let expected = format!("statistics of {} after it acted", run.scheme_name(index));
    (any && !own).then(|| Violation::new(expected, "those of other schemes only").at([rest[0]]))
}

pub(crate) static APPLIED_REGIONS_ARE_WHOLE_PAGES: DamonRule = Rule {
    about: About {
        id: "A4",
        name: "applied-regions-are-whole-pages",
        kind: Kind::Exact,
        statement: "A region on which a scheme acts is whole pages inside its target.",
        because: "Regions have the alignment of the ranges that they are split from.",
        source: &[in_core("damos_apply_target"), in_core("damon_split_region_at")],
        file: file!(),
        when: "damos_before_apply is recorded",
    },
    judge: applied_regions_are_whole_pages,
};

fn applied_regions_are_whole_pages(view: &View<'_>) -> RuleResult {
    each_kdamond_run(view, |run| {
        view.need(&[BeforeApply::NAME])?;
        run.need_bytes()?;
        run.need_targets()?;
        let context = &run.config.context;
        let ranges: Vec<_> = (0..context.targets.len()).map(|target| view.ranges(context, target)).collect();
        let wrong = run.events::<BeforeApply>().filter_map(|(line, event)| {
            let target = ranges.get(event.target_idx as usize).and_then(Option::as_ref);
            Some((line, misplaced(event, target.map(Vec::as_slice))?))
        });
        Ok(violations(wrong, |(line, (expected, seen))| Violation::new(expected, seen).at([line])))
    })
}

fn misplaced(event: &BeforeApply, ranges: Option<&[(u64, u64)]>) -> Option<(String, String)> {
    let (start, end) = (event.start, event.end);
    let seen = format!("{start}-{end}");
    if start >= end {
        return Some(("a region that ends after its start".into(), seen));
    }
    if !start.is_multiple_of(PAGE) || !end.is_multiple_of(PAGE) {
        return Some(("a region of whole pages".into(), seen));
    }
    let ranges = ranges?;
    let inside = ranges.iter().any(|(from, to)| *from <= start && end <= *to);
    (!inside).then(|| (format!("a region inside target {}, which is {ranges:?}", event.target_idx), seen))
}

#[cfg(test)]
mod tests {
    use crate::subject::damon::events::{BeforeApply, Esz, Stat};
    use crate::subject::damon::testing::{Model, edit, found, of_event, replace, rewrite};

    #[test]
    fn a1_sees_regions_that_are_too_cold_too_old_or_too_large() {
        let mut model = Model::pull_push();
        model.scheme(0).age.max = 100;
        let correct = model.recording();
        assert_eq!(found(&correct, "A1"), []);
        for (at, value, name) in [(1, "0", "nr_accesses"), (1, "21", "nr_accesses"), (0, "101", "age")] {
            let mut wrong = correct.clone();
            rewrite(&mut wrong, |lines| {
                edit(lines, BeforeApply::NAME, 0, |line| {
                    let mut words: Vec<&str> = line.split(' ').collect();
                    let last = words.len() - 1;
                    words[last - at] = value;
                    words.join(" ")
                });
            });
            let findings = found(&wrong, "A1");
            assert_eq!(findings.len(), 1, "{name}={value}");
            assert!(findings[0].expected.starts_with(name) && findings[0].seen == value, "{}", findings[0]);
        }
        let mut large = correct.clone();
        large.plan.kdamonds[0].context.schemes[0].sz.max = 4096;
        assert!(found(&large, "A1")[0].expected.starts_with("at most 4096 bytes"));
    }

    #[test]
    fn a1_takes_the_largest_sysfs_number_for_no_limit() {
        let mut model = Model::pull_push();
        model.scheme(0).age.max = u64::MAX;
        assert_eq!(found(&model.recording(), "A1"), []);
    }

    #[test]
    fn a3_sees_scheme_and_target_swapped() {
        let mut recording = Model::pull_push().recording();
        rewrite(&mut recording, |lines| {
            for line in lines.iter_mut().filter(|line| line.contains(BeforeApply::NAME)) {
                *line = line.replace("scheme_idx=1 target_idx=0", "scheme_idx=0 target_idx=1");
            }
        });
        assert!(found(&recording, "A3").iter().any(|f| f.expected == "a target index below 1"));
    }

    #[test]
    fn a3_sees_schemes_that_do_not_exist() {
        for event in [Esz::NAME, Stat::NAME] {
            let mut recording = Model::pull_push().recording();
            rewrite(&mut recording, |lines| replace(lines, event, 0, "scheme_idx=0", "scheme_idx=2"));
            assert!(!found(&recording, "A3").is_empty(), "{event}");
        }
    }

    #[test]
    fn a3_sees_events_of_other_tasks() {
        let mut recording = Model::pull_push().recording();
        rewrite(&mut recording, |lines| replace(lines, Esz::NAME, 1, "kdamond.0-52 ", "     bash-999"));
        assert!(found(&recording, "A3")[0].seen.contains("'bash'"), "{:?}", found(&recording, "A3"));
    }

    #[test]
    fn a3_sees_a_scheme_that_is_never_counted() {
        let mut recording = Model::pull_push().recording();
        rewrite(&mut recording, |lines| {
            lines.retain(|line| !(line.contains(Stat::NAME) && line.contains("scheme_idx=1")));
        });
        assert!(found(&recording, "A3").iter().any(|f| f.seen.contains("other schemes")));
    }

    #[test]
    fn a4_sees_regions_that_are_empty_unaligned_or_outside() {
        let region = format!("{}-{}", Model::NODE0.0, Model::NODE0.0 + (1 << 20));
        for (wrong, expected) in [
            (format!("{0}-{0}", Model::NODE0.0), "a region that ends after its start"),
            (format!("{}-{}", Model::NODE0.0 + 1, Model::NODE0.0 + 4096), "a region of whole pages"),
            (format!("0-{}", Model::NODE0.0), "a region inside target 0"),
        ] {
            let mut recording = Model::pull_push().recording();
            rewrite(&mut recording, |lines| {
                let at =
                    of_event(lines, BeforeApply::NAME).into_iter().find(|at| lines[*at].contains(&region));
                let at = at.unwrap();
                lines[at] = lines[at].replace(&region, &wrong);
            });
            let findings = found(&recording, "A4");
            assert!(findings.iter().any(|f| f.expected.starts_with(expected)), "{wrong}: {findings:?}");
        }
    }
}
