//! What schemes act on: A1, A3, A4.

use crate::check::finding::Violation;
use crate::check::violations::Violations;
use crate::subject::damon::events::{BeforeApply, Stat};
use crate::subject::damon::rule::{
    About, DamonRule, Kind, Rule, RuleResult, each_kdamond_run, each_scheme, in_core,
};
use crate::subject::damon::view::{KdamondRun, PAGE, View};
use crate::trace::{Event, Line};
use damonlab_protocol::damon::{Range, Scheme};

pub(crate) static APPLIED_REGIONS_MATCH_PATTERN: DamonRule = Rule {
    about: About {
        id: "A1",
        name: "applied-regions-match-pattern",
        kind: Kind::Exact,
        statement: "A region that is acted on has the scheme's access pattern.",
        because: "The pattern is looked at with the same moving sum that is traced; a quota or filter may make the region smaller afterwards.",
        source: &[in_core("__damos_valid_target")],
        file: file!(),
        when: "damos_before_apply is recorded",
    },
    judge: applied_regions_match_pattern,
};

fn applied_regions_match_pattern(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, scheme| {
        view.need(&[BeforeApply::NAME])?;
        let mut findings = Violations::default();
        for line in &run.lines {
            if let Event::BeforeApply(event) = &line.event
                && event.scheme_idx as usize == index
                && let Some((expected, seen)) = outside_pattern(event, scheme)
            {
                let expected = format!("{expected} ({})", run.scheme_name(index));
                findings.push(|| Violation::new(expected, seen).at([*line]));
            }
        }
        Ok(findings)
    })
}

/// The size may be below the pattern's, for the quota or a filter may have split the region after
/// the pattern was looked at. It may not be above.
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
        statement: "Every event comes from a kdamond of the plan, and names a scheme and a target that it has.",
        because: "The tracepoints count the position in the kernel's lists, which are in the order of sysfs.",
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
    let expected = "events of the plan's kdamonds only";
    let mut findings = Violations::default();
    for line in &view.foreign_events {
        findings.push(|| {
            let seen = format!("one of '{}' (pid {})", line.comm.as_str(), line.pid);
            Violation::new(expected, seen).at([*line])
        });
    }
    if let RuleResult::Applied(found) = each_kdamond_run(view, |run| Ok(unknown_indices(run))) {
        findings.append(found);
    }
    if let RuleResult::Applied(found) = each_scheme(view, |run, index, _| {
        view.need(&[BeforeApply::NAME, Stat::NAME])?;
        Ok(uncounted(run, index).into_iter().collect())
    }) {
        findings.append(found);
    }
    RuleResult::Applied(findings)
}

fn unknown_indices(run: &KdamondRun<'_>) -> Violations {
    let schemes = run.config.context.schemes.len() as u64;
    let targets = run.config.context.targets.len() as u64;
    let mut findings = Violations::default();
    for line in &run.lines {
        let (context, scheme, target) = match &line.event {
            Event::Esz(e) => (e.ctx_idx, Some(e.scheme_idx), None),
            Event::Stat(e) => (e.ctx_idx, Some(e.scheme_idx), None),
            Event::BeforeApply(e) => (e.ctx_idx, Some(e.scheme_idx), Some(e.target_idx)),
            Event::Aggregated(e) => (0, None, Some(e.target_id)),
            Event::RegionAggregated(e) => (0, None, Some(e.target_id)),
            // G1 judges its indices.
            Event::NodeEligible(_) | Event::IntervalsTune(_) | Event::Other(_) => continue,
        };
        let mut wrong = |expected: String, seen: String| {
            findings.push(|| Violation::new(expected, seen).at([*line]));
        };
        if context != 0 {
            wrong("ctx_idx=0".into(), format!("ctx_idx={context}"));
        }
        if let Some(scheme) = scheme.filter(|scheme| u64::from(*scheme) >= schemes) {
            wrong(format!("scheme_idx below {schemes}"), format!("scheme_idx={scheme}"));
        }
        if let Some(target) = target.filter(|target| *target >= targets) {
            wrong(format!("a target index below {targets}"), format!("{target}"));
        }
    }
    findings
}

/// A scheme that acts and whose statistics never come. (The last pass may be cut off with the trace.)
fn uncounted(run: &KdamondRun<'_>, index: usize) -> Option<Violation> {
    let mine = |line: &&&Line| matches!(&line.event, Event::BeforeApply(e) if e.scheme_idx as usize == index);
    let first = run.lines.iter().position(|line| mine(&line))?;
    let rest = &run.lines[first..];
    let any = rest.iter().any(|line| matches!(line.event, Event::Stat(_)));
    let own = rest.iter().any(|line| matches!(&line.event, Event::Stat(e) if e.scheme_idx as usize == index));
    let expected = format!("statistics of {} after it acted", run.scheme_name(index));
    (any && !own).then(|| Violation::new(expected, "those of other schemes only").at([rest[0]]))
}

pub(crate) static APPLIED_REGIONS_ARE_WHOLE_PAGES: DamonRule = Rule {
    about: About {
        id: "A4",
        name: "applied-regions-are-whole-pages",
        kind: Kind::Exact,
        statement: "A region that is acted on is whole pages inside its target, and a pass goes upwards.",
        because: "Regions keep the alignment of the ranges they are split from, and a pass walks the list in order.",
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
        let mut findings = Violations::default();
        for line in &run.lines {
            if let Event::BeforeApply(event) = &line.event {
                let target = ranges.get(event.target_idx as usize).and_then(Option::as_ref);
                let wrong = misplaced(event, target.map(Vec::as_slice));
                findings.extend(wrong.map(|(expected, seen)| Violation::new(expected, seen).at([*line])));
            }
        }
        if view.traced(Stat::NAME) {
            for index in 0..context.schemes.len() {
                findings.append(descending(run, index));
            }
        }
        Ok(findings)
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

/// Regions of one pass of a scheme that do not go upwards. A pass ends with the scheme's statistics.
///
/// Beside another scheme they may overlap: the other's quota splits the region that this one has just
/// been applied to, before the other's filters turn it away, and what is split off comes next in the list
/// and is given to this one again (`damos_apply_scheme`; seen in `pull-push-consist` on 7.3.4).
fn descending(run: &KdamondRun<'_>, index: usize) -> Violations {
    let mut findings = Violations::default();
    let alone = run.config.context.schemes.len() == 1;
    let mut last: Option<(&Line, &BeforeApply)> = None;
    for line in &run.lines {
        match &line.event {
            Event::Stat(event) if event.scheme_idx as usize == index => last = None,
            Event::BeforeApply(event) if event.scheme_idx as usize == index => {
                let place = (event.target_idx, event.start);
                let goes_back = |old: &BeforeApply| match alone {
                    true => place < (old.target_idx, old.end),
                    false => place <= (old.target_idx, old.start),
                };
                if let Some((before, old)) = last.filter(|(_, old)| goes_back(old)) {
                    findings.push(|| {
                        let expected =
                            format!("regions of one pass of {} to go upwards", run.scheme_name(index));
                        let seen = format!("{}-{} after {}-{}", event.start, event.end, old.start, old.end);
                        Violation::new(expected, seen).at([before, *line])
                    });
                }
                last = Some((line, event));
            }
            _ => {}
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::PAGE;
    use crate::recording::Recording;
    use crate::subject::damon::testing::{Model, edit, found, of_event, replace, rewrite};

    #[test]
    fn a1_sees_regions_that_are_too_cold_too_old_or_too_large() {
        let mut model = Model::pull_push();
        model.scheme(0).age.max = 100;
        let right = model.recording();
        assert_eq!(found(&right, "A1"), []);
        for (at, value, name) in [(1, "0", "nr_accesses"), (1, "21", "nr_accesses"), (0, "101", "age")] {
            let mut wrong = right.clone();
            rewrite(&mut wrong, |lines| {
                edit(lines, "damos_before_apply", 0, |line| {
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
        let mut large = right.clone();
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
            for line in lines.iter_mut().filter(|line| line.contains("damos_before_apply")) {
                *line = line.replace("scheme_idx=1 target_idx=0", "scheme_idx=0 target_idx=1");
            }
        });
        assert!(found(&recording, "A3").iter().any(|f| f.expected == "a target index below 1"));
    }

    #[test]
    fn a3_sees_schemes_that_do_not_exist() {
        for event in ["damos_esz", "damos_stat_after_apply_interval"] {
            let mut recording = Model::pull_push().recording();
            rewrite(&mut recording, |lines| replace(lines, event, 0, "scheme_idx=0", "scheme_idx=2"));
            assert!(!found(&recording, "A3").is_empty(), "{event}");
        }
    }

    #[test]
    fn a3_sees_events_of_other_tasks() {
        let mut recording = Model::pull_push().recording();
        rewrite(&mut recording, |lines| replace(lines, "damos_esz", 1, "kdamond.0-52 ", "     bash-999"));
        assert!(found(&recording, "A3")[0].seen.contains("'bash'"), "{:?}", found(&recording, "A3"));
    }

    #[test]
    fn a3_sees_a_scheme_that_is_never_counted() {
        let mut recording = Model::pull_push().recording();
        rewrite(&mut recording, |lines| {
            lines.retain(|line| !(line.contains("damos_stat") && line.contains("scheme_idx=1")));
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
                    of_event(lines, "damos_before_apply").into_iter().find(|at| lines[*at].contains(&region));
                let at = at.unwrap();
                lines[at] = lines[at].replace(&region, &wrong);
            });
            let findings = found(&recording, "A4");
            assert!(findings.iter().any(|f| f.expected.starts_with(expected)), "{wrong}: {findings:?}");
        }
    }

    #[test]
    fn a4_allows_what_another_schemes_quota_split_off_to_come_again() {
        let mut recording = Model::pull_push().recording();
        assert!(recording.plan.kdamonds[0].context.schemes.len() > 1);
        let again = |recording: &mut Recording| {
            rewrite(recording, |lines| {
                let at = of_event(lines, "damos_before_apply")[0];
                let region =
                    lines[at].split_whitespace().find(|word| word.ends_with(':') && word.contains('-'));
                let region = region.unwrap().trim_end_matches(':').to_owned();
                let (start, end) = region.split_once('-').unwrap();
                let rest = format!("{}-{end}", start.parse::<u64>().unwrap() + PAGE);
                lines.insert(at + 1, lines[at].replace(&region, &rest));
            });
        };
        again(&mut recording);
        assert_eq!(found(&recording, "A4"), []);
    }

    #[test]
    fn a4_sees_a_pass_that_goes_back() {
        let mut recording = Model::pull_push().recording();
        rewrite(&mut recording, |lines| {
            let at = of_event(lines, "damos_before_apply")[0];
            let copy = lines[at].clone();
            lines.insert(at, copy);
        });
        assert_eq!(found(&recording, "A4").len(), 1);
    }
}
