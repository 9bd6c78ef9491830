//! What the effective quota allows: Q3, Q4, Q5.

use crate::check::finding::Violation;
use crate::check::violations::Violations;
use crate::recording::{Event, Line};
use crate::subject::damon::events::{BeforeApply, Esz};
use crate::subject::damon::rule::{About, DamonRule, Kind, Reason, Rule, RuleResult, each_scheme, in_core};
use crate::subject::damon::view::{KdamondRun, PAGE, View, goals};
use damonlab_protocol::damon::Scheme;

pub(crate) static QUOTA_BELOW_PAGE_STOPS_ACTION: DamonRule = Rule {
    about: About {
        id: "Q3",
        name: "quota-below-page-stops-action",
        kind: Kind::Exact,
        statement: "A scheme whose quota is less than a page acts on nothing.",
        because: "A quota of which less than the smallest region is left counts as full, and the kernel checks for a full quota before each region.",
        source: &[in_core("damos_quota_is_full")],
        file: file!(),
        when: "the scheme has a quota; damos_esz and damos_before_apply are recorded",
    },
    judge: quota_below_page_stops_action,
};

fn quota_below_page_stops_action(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, scheme| {
        view.need(&[Esz::NAME, BeforeApply::NAME])?;
        run.need_bytes()?;
        let quota = &scheme.quota;
        if quota.bytes == 0 && quota.ms == 0 && goals(scheme).next().is_none() {
            return Err("the scheme has no quota".to_owned());
        }
        let mut findings = Violations::default();
        let mut quota = told_before(view, run, index);
        for line in &run.lines {
            match &line.event {
                Event::Esz(event) if event.scheme_idx as usize == index => quota = Some((line, event.esz)),
                Event::BeforeApply(event) if event.scheme_idx as usize == index => {
                    if let Some((quota, esz)) = quota.filter(|(_, esz)| *esz < PAGE) {
                        findings.push(|| {
                            let name = run.scheme_name(index);
                            let expected = format!("no action of {name} while its quota is {esz} bytes");
                            let seen = format!("one on {} bytes", event.end.saturating_sub(event.start));
                            Violation::new(expected, seen).at([quota, *line])
                        });
                    }
                }
                _ => {}
            }
        }
        Ok(findings)
    })
}

pub(crate) static WINDOW_STAYS_WITHIN_QUOTA: DamonRule = Rule {
    about: About {
        id: "Q4",
        name: "window-stays-within-quota",
        kind: Kind::Exact,
        statement: "In one charge window a scheme acts on no more bytes than its quota.",
        because: "A region is split where the quota ends, and a window begins with nothing charged.",
        source: &[in_core("damos_apply_scheme"), in_core("damos_charge_quota")],
        file: file!(),
        when: "windows are visible (node_eligible_mem_bp goal) and failures are charged in full",
    },
    judge: window_stays_within_quota,
};

fn window_stays_within_quota(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, scheme| {
        need_charges(view, run, index, scheme)?;
        let charge = &run.charge_windows[index];
        let mut findings = Violations::default();
        let mut esz = told_before(view, run, index).map(|(_, esz)| esz);
        for (nth, window) in charge.windows.iter().enumerate() {
            esz = window.quota().or(esz);
            let end = charge.windows.get(nth + 1).map_or(run.lines.len(), |next| next.at);
            let (bytes, last) = acted_on(&run.lines[window.at..end], index);
            if let (Some(esz), Some(last)) = (esz.filter(|esz| bytes > *esz), last) {
                findings.push(|| {
                    let name = run.scheme_name(index);
                    let expected = format!("at most {esz} bytes in this charge window of {name}");
                    let lines = window.lines().chain([last]);
                    Violation::new(expected, format!("{bytes} bytes")).at(lines)
                });
            }
        }
        Ok(findings)
    })
}

/// The quota before this configuration; a commit keeps it until the next charge window.
pub(crate) fn told_before<'a>(
    view: &View<'a>,
    run: &KdamondRun<'a>,
    index: usize,
) -> Option<(&'a Line, u64)> {
    view.history(run, index).iter().rev().find_map(|era| era.last_esz(index))
}

/// An error unless the trace shows how much each charge window was charged: all on which the scheme acted in it.
pub(crate) fn need_charges(
    view: &View<'_>,
    run: &KdamondRun<'_>,
    index: usize,
    scheme: &Scheme,
) -> Result<(), Reason> {
    view.need(&[Esz::NAME, BeforeApply::NAME])?;
    view.need_windows(run, index)?;
    run.need_bytes()?;
    if scheme.quota.fail_charge_denom != 0 {
        return Err("failed bytes are charged in part".to_owned());
    }
    match run.charge_windows[index].broken {
        Some(_) => Err("charge windows cannot be distinguished (see G3)".to_owned()),
        None => Ok(()),
    }
}

/// The bytes on which a scheme was about to act, and the last line that shows it.
fn acted_on<'a>(lines: &[&'a Line], scheme: usize) -> (u64, Option<&'a Line>) {
    let mut bytes = 0u64;
    let mut last = None;
    for line in lines {
        if let Event::BeforeApply(event) = &line.event
            && event.scheme_idx as usize == scheme
        {
            bytes = bytes.saturating_add(event.end.saturating_sub(event.start));
            last = Some(*line);
        }
    }
    (bytes, last)
}

pub(crate) static EFFECTIVE_QUOTA_IS_WITHIN_LIMITS: DamonRule = Rule {
    about: About {
        id: "Q5",
        name: "effective-quota-is-within-limits",
        kind: Kind::Exact,
        statement: "The effective quota is never above the size quota, nor below a page for a time quota alone.",
        because: "The effective quota is the least of what size, time and goals allow.",
        source: &[in_core("damos_set_effective_quota")],
        file: file!(),
        when: "bytes or ms is set and damos_esz is recorded",
    },
    judge: effective_quota_is_within_limits,
};

fn effective_quota_is_within_limits(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, scheme| {
        view.need(&[Esz::NAME])?;
        let quota = &scheme.quota;
        let has_goals = goals(scheme).next().is_some();
        if quota.bytes == 0 && quota.ms == 0 {
            return Err("neither bytes nor ms is set".to_owned());
        }
        let most = if quota.bytes == 0 { u64::MAX } else { quota.bytes };
        let least = match (quota.ms, has_goals) {
            (0, false) => most,
            (0, true) | (_, true) => 0,
            // `esz_time` is at least one region of the least size, whatever the unit of addresses.
            (_, false) => most.min((PAGE / run.config.context.addr_unit.max(1)).max(1)),
        };
        let mut findings = Violations::default();
        for (line, Esz { esz, .. }) in run.scheme_events(index) {
            if !(least..=most).contains(esz) {
                findings.push(|| {
                    let name = run.scheme_name(index);
                    let expected = format!("a quota of {least} to {most} bytes ({name})");
                    Violation::new(expected, format!("esz={esz}")).at([line])
                });
            }
        }
        Ok(findings)
    })
}

#[cfg(test)]
mod tests {
    use crate::subject::damon::testing::{Model, found, of_event, replace, rewrite};

    #[test]
    fn q3_sees_an_action_without_a_quota() {
        let mut recording = Model::pull_push().recording();
        rewrite(&mut recording, |lines| {
            let quota =
                of_event(lines, "damos_esz").into_iter().find(|at| lines[*at].ends_with("esz=0")).unwrap();
            let scheme = if lines[quota].contains("scheme_idx=1") { "scheme_idx=1" } else { "scheme_idx=0" };
            let action = of_event(lines, "damos_before_apply")[0];
            let copy = lines[action].replace("scheme_idx=0", scheme).replace("scheme_idx=1", scheme);
            lines.insert(quota + 1, copy);
        });
        assert_eq!(found(&recording, "Q3").len(), 1);
    }

    #[test]
    fn q3_sees_an_action_with_a_quota_below_a_page() {
        let mut recording = Model::pull_push().recording();
        rewrite(&mut recording, |lines| {
            for line in lines.iter_mut() {
                *line = line.replace(" esz=1048576", " esz=4095");
            }
        });
        assert!(!found(&recording, "Q3").is_empty());
    }

    #[test]
    fn q4_sees_one_page_too_many_in_a_window() {
        let mut recording = Model::pull_push().recording();
        rewrite(&mut recording, |lines| {
            let action = of_event(lines, "damos_before_apply")[0];
            let (head, tail) = lines[action].rsplit_once(": ").unwrap();
            let (head, end) = head.rsplit_once('-').unwrap();
            lines[action] = format!("{head}-{}: {tail}", end.parse::<u64>().unwrap() + 4096);
        });
        let findings = found(&recording, "Q4");
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].seen, "1052672 bytes");
    }

    #[test]
    fn q5_sees_a_quota_above_the_size_quota() {
        let mut recording = Model::pull_push().recording();
        rewrite(&mut recording, |lines| replace(lines, "damos_esz", 0, "esz=1048576", "esz=1048577"));
        assert_eq!(found(&recording, "Q5").len(), 1);
    }

    #[test]
    fn q5_wants_the_size_quota_itself_where_there_is_nothing_else() {
        let mut model = Model::pull_push();
        model.scheme(0).quota.goals.clear();
        let mut recording = model.recording();
        assert_eq!(found(&recording, "Q5"), []);
        rewrite(&mut recording, |lines| replace(lines, "damos_esz", 0, "esz=1048576", "esz=524288"));
        assert_eq!(found(&recording, "Q5").len(), 1);
    }

    #[test]
    fn q5_wants_a_page_of_a_time_quota() {
        let mut recording = Model::pull_push().recording();
        for scheme in &mut recording.plan.kdamonds[0].context.schemes {
            scheme.quota.goals.clear();
            scheme.quota.ms = 10;
        }
        let findings = found(&recording, "Q5");
        assert!(findings.iter().all(|finding| finding.seen.starts_with("esz=0")) && !findings.is_empty());
    }
}
