//! Quota goals: what is measured, in which order, and how often (G1, G2, G3, G7).

use super::stats::period;
use crate::check::finding::Violation;
use crate::check::violations::Violations;
use crate::subject::damon::events::{NodeEligible, SchemeEvent, Stat, TypedEvent};
use crate::subject::damon::rule::{
    About, DamonRule, Kind, Reason, Rule, RuleResult, each_kdamond_run, each_scheme, in_core,
};
use crate::subject::damon::view::{KdamondRun, View, node_goals};
use crate::subject::damon::windows::{ChargeWindows, Window};
use crate::trace::Line;
use damonlab_protocol::damon::Scheme;
use damonlab_protocol::units::Nanos;

/// Windows are counted in jiffies, whose length the trace does not tell: 10 ms is the longest.
const JIFFY: Nanos = Nanos(10_000_000);

pub(crate) static GOAL_FIELDS_ARE_IN_RANGE: DamonRule = Rule {
    about: About {
        id: "G1",
        name: "goal-fields-are-in-range",
        kind: Kind::Exact,
        statement: "A measured goal has ctx_idx 0, a configured scheme and nid, a target of at least 1 and a value of at most 10000.",
        because: "The metric is node_eligible * 10000 / total of one walk, a target of 0 is left out by sysfs, and a kdamond has one context.",
        source: &[in_core("damos_get_node_eligible_mem_bp")],
        file: file!(),
        when: "damos_node_eligible_mem_bp is recorded",
    },
    judge: goal_fields_are_in_range,
};

fn goal_fields_are_in_range(view: &View<'_>) -> RuleResult {
    each_kdamond_run(view, |run| {
        view.need(&[NodeEligible::NAME])?;
        let schemes = &run.config.context.schemes;
        let nids: Vec<i32> = schemes.iter().flat_map(node_goals).map(|goal| goal.nid).collect();
        let mut findings = Violations::default();
        for (line, event) in run.events::<NodeEligible>() {
            if let Some((expected, seen)) = out_of_range(event, schemes.len(), &nids) {
                findings.push(|| Violation::new(expected, seen).at([line]));
            }
        }
        Ok(findings)
    })
}

fn out_of_range(event: &NodeEligible, schemes: usize, nids: &[i32]) -> Option<(String, String)> {
    let NodeEligible { ctx_idx, scheme_idx, nid, target_value, current_value } = *event;
    if ctx_idx != 0 {
        Some(("ctx_idx=0".into(), format!("ctx_idx={ctx_idx}")))
    } else if scheme_idx as usize >= schemes {
        Some((format!("scheme_idx below {schemes}"), format!("scheme_idx={scheme_idx}")))
    } else if !nids.contains(&nid) {
        Some((format!("nid to be one of {nids:?}"), format!("nid={nid}")))
    } else if target_value == 0 {
        Some(("target_value of at least 1".into(), "target_value=0".into()))
    } else if current_value > 10_000 {
        Some(("current_value of at most 10000".into(), format!("current_value={current_value}")))
    } else {
        None
    }
}

pub(crate) static GOALS_MATCH_CONFIGURATION: DamonRule = Rule {
    about: About {
        id: "G2",
        name: "goals-match-configuration",
        kind: Kind::Exact,
        statement: "Goals are measured with the configured nid and target, in the configured order.",
        because: "Goals are kept in a list in the order of sysfs, and each measures for itself.",
        source: &[in_core("damos_quota_score"), in_core("damos_commit_quota_goal")],
        file: file!(),
        when: "damos_node_eligible_mem_bp is recorded",
    },
    judge: goals_match_configuration,
};

fn goals_match_configuration(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, scheme| {
        view.need(&[NodeEligible::NAME])?;
        let wanted = node_goals(scheme);
        if wanted.is_empty() {
            return Ok(uncalled_for(run, index));
        }
        let mut findings = Violations::default();
        for window in &run.charge_windows[index].windows {
            for (place, (goal, line)) in wanted.iter().zip(&window.goals).enumerate() {
                let Some(event) = NodeEligible::of(&line.event) else { continue };
                if (event.nid, event.target_value) != (goal.nid, goal.target_value) {
                    findings.push(|| {
                        let name = run.scheme_name(index);
                        let (nid, target) = (goal.nid, goal.target_value);
                        let expected =
                            format!("goal {place} of {name} to be nid={nid} target_value={target}");
                        let seen = format!("nid={} target_value={}", event.nid, event.target_value);
                        Violation::new(expected, seen).at([*line])
                    });
                }
            }
        }
        Ok(findings)
    })
}

/// Measurements of a scheme that has no such goal.
fn uncalled_for(run: &KdamondRun<'_>, index: usize) -> Violations {
    let expected = format!("no measurement for {}, which has no such goal", run.scheme_name(index));
    let mut findings = Violations::default();
    for (line, _) in run.scheme_events::<NodeEligible>(index) {
        findings.push(|| Violation::new(expected.as_str(), "one").at([line]));
    }
    findings
}

pub(crate) static GOALS_PRECEDE_QUOTA: DamonRule = Rule {
    about: About {
        id: "G3",
        name: "goals-precede-quota",
        kind: Kind::Exact,
        statement: "A scheme's goals are measured together, and its damos_esz follows them before anything else.",
        because: "The score is the highest of all goals, measured one after the other by the only task that there is, right before the quota is set.",
        source: &[in_core("damos_adjust_quota")],
        file: file!(),
        when: "a scheme has a node_eligible_mem_bp goal and its event is recorded",
    },
    judge: goals_precede_quota,
};

fn goals_precede_quota(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, scheme| {
        need_windows(view, scheme)?;
        Ok(run.charge_windows[index].broken.clone().into_iter().collect())
    })
}

/// An error where a scheme's windows cannot be seen.
pub(crate) fn need_windows(view: &View<'_>, scheme: &Scheme) -> Result<(), Reason> {
    view.need(&[NodeEligible::NAME])?;
    match node_goals(scheme).is_empty() {
        true => Err("no node_eligible_mem_bp goal, so charge windows are not visible".to_owned()),
        false => Ok(()),
    }
}

pub(crate) static CHARGE_WINDOWS_START_ON_TIME: DamonRule = Rule {
    about: About {
        id: "G7",
        name: "charge-windows-start-on-time",
        kind: Kind::Timed,
        statement: "A charge window starts at the first apply tick after reset_interval, not before and not later.",
        because: "A window ends when reset_interval has passed, which is looked at in each pass of the scheme.",
        source: &[in_core("damos_adjust_quota")],
        file: file!(),
        when: "a scheme has a node_eligible_mem_bp goal and its event is recorded",
    },
    judge: charge_windows_start_on_time,
};

fn charge_windows_start_on_time(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, scheme| {
        need_windows(view, scheme)?;
        let charge = &run.charge_windows[index];
        let reset = Nanos::from_millis(scheme.quota.reset_interval_ms);
        let mut findings: Violations = too_early(run, index, charge, reset).into_iter().collect();
        let always_active = scheme.watermarks.metric == "none";
        if view.traced(Stat::NAME) && always_active && charge.broken.is_none() {
            findings.append(per_tick(run, index, charge, reset));
        }
        Ok(findings)
    })
}

/// Windows closer together than the reset interval.
///
/// A window starts somewhere between the kdamond's last event before its measurement and the end of
/// that measurement, which can take longer than the interval. So single gaps prove little, but n
/// windows cannot fit into less than n intervals: all pairs are compared, by keeping the one that
/// left the least room.
fn too_early(
    run: &KdamondRun<'_>,
    index: usize,
    charge: &ChargeWindows<'_>,
    reset: Nanos,
) -> Option<Violation> {
    let mut tightest: Option<(u64, usize, &Window<'_>)> = None;
    for (nth, window) in charge.windows.iter().enumerate() {
        let shift = reset.0.saturating_mul(nth as u64);
        if let Some((_, first_nth, first)) = tightest
            .filter(|(room, _, _)| window.time().0.saturating_add(JIFFY.0) < room.saturating_add(shift))
        {
            let count = nth - first_nth;
            let name = run.scheme_name(index);
            let expected = format!("{count} charge window(s) of {name} to take {reset} each at least");
            let took = Nanos(window.time().0.saturating_sub(first.after.unwrap_or_default().0));
            let seen = format!("{took} from before the first line to the second");
            return Some(Violation::new(expected, seen).at([first.goals[0], window.goals[0]]));
        }
        // Kept relative to window 0: `after - nth * reset`; those that would be negative leave all room.
        if let Some(room) = window.after.and_then(|after| after.0.checked_sub(shift))
            && tightest.is_none_or(|(least, _, _)| room > least)
        {
            tightest = Some((room, nth, window));
        }
    }
    None
}

/// Apply ticks with too many windows, or without one that was due. A tick ends with the scheme's
/// statistics event, and begins at least the samples of its interval after the one before.
fn per_tick(run: &KdamondRun<'_>, index: usize, charge: &ChargeWindows<'_>, reset: Nanos) -> Violations {
    let mut findings = Violations::default();
    let mut windows = charge.windows.iter().peekable();
    let mut latest: Option<&Window<'_>> = None;
    let mut previous: Option<&Line> = None;
    let context = &run.config.context;
    let slept = match run.need_fixed_intervals() {
        Ok(()) => {
            period(&context.intervals, &context.schemes[index]).saturating_mul(context.intervals.sample_us)
        }
        Err(_) => 0,
    };
    let slept = Nanos::from_micros(slept).0;
    for (at, line) in run.lines.iter().enumerate() {
        if Stat::of(&line.event).is_none_or(|stat| stat.scheme() != index) {
            continue;
        }
        let mut started = Vec::new();
        while let Some(window) = windows.next_if(|window| window.at < at) {
            latest = Some(window);
            started.push(window);
        }
        let allowed = match (previous, reset.0) {
            // A scheme that ran before the commit has a window; a new one begins with its first.
            (None, 0) if run.continues() => 1..=2,
            (None, _) if run.continues() => 0..=2,
            (None, 0) => 2..=2,
            (None, _) => 1..=2,
            (Some(_), 0) => 1..=1,
            (Some(before), _) => {
                let reached = before.time.0 + slept;
                let due = latest.is_some_and(|w| reached >= w.time().0 + reset.0 + 2 * JIFFY.0);
                u64::from(due && started.is_empty())..=1
            }
        };
        if !allowed.contains(&(started.len() as u64)) {
            findings.push(|| {
                let name = run.scheme_name(index);
                let (least, most) = allowed.into_inner();
                let many = if least == most { format!("{least}") } else { format!("{least} to {most}") };
                let expected =
                    format!("{many} charge window(s) of {name} to start in this apply tick ({reset} each)");
                let lines = previous.into_iter().chain(started.iter().map(|w| w.goals[0])).chain([*line]);
                Violation::new(expected, format!("{}", started.len())).at(lines)
            });
        }
        previous = Some(line);
    }
    findings
}

#[cfg(test)]
mod tests {
    use crate::subject::damon::events::NodeEligible;
    use crate::subject::damon::testing::{Model, found, of_event, replace, rewrite};

    #[test]
    fn g1_sees_values_that_cannot_be() {
        for (from, to, seen) in [
            ("ctx_idx=0", "ctx_idx=1", "ctx_idx=1"),
            ("scheme_idx=0", "scheme_idx=2", "scheme_idx=2"),
            ("nid=1", "nid=5", "nid=5"),
            ("target_value=3000", "target_value=0", "target_value=0"),
            ("current_value=6000", "current_value=10001", "current_value=10001"),
        ] {
            let mut recording = Model::pull_push().recording();
            rewrite(&mut recording, |lines| replace(lines, NodeEligible::NAME, 4, from, to));
            let findings = found(&recording, "G1");
            assert_eq!(findings.len(), 1, "{to}");
            assert_eq!(findings[0].seen, seen);
        }
    }

    #[test]
    fn g2_sees_a_goal_of_another_node_or_target() {
        for (from, to) in [("nid=1", "nid=0"), ("target_value=3000", "target_value=3001")] {
            let mut recording = Model::pull_push().recording();
            rewrite(&mut recording, |lines| replace(lines, NodeEligible::NAME, 4, from, to));
            let findings = found(&recording, "G2");
            assert_eq!(findings.len(), 1, "{to}");
            assert!(findings[0].expected.contains("nid=1 target_value=3000"), "{}", findings[0]);
        }
    }

    #[test]
    fn g2_sees_goals_in_another_order() {
        let mut model = Model::pull_push();
        let second = damonlab_protocol::damon::Goal { nid: 0, target_value: 9000, ..model.goal(0).clone() };
        model.scheme(0).quota.goals.push(second);
        let mut recording = model.recording();
        assert_eq!(found(&recording, "G2"), []);
        model.scheme(0).quota.goals.reverse();
        recording.plan.kdamonds = model.kdamonds.clone();
        assert!(!found(&recording, "G2").is_empty());
    }

    #[test]
    fn g2_sees_a_measurement_that_nobody_asked_for() {
        let model = Model::pull_push();
        let mut recording = model.recording();
        recording.plan.kdamonds[0].context.schemes[1].quota.goals[0].metric = "user_input".into();
        assert!(!found(&recording, "G2").is_empty());
    }

    #[test]
    fn g3_sees_a_quota_that_is_told_away_from_its_measurement() {
        let mut recording = Model::pull_push().recording();
        rewrite(&mut recording, |lines| {
            let goal = of_event(lines, NodeEligible::NAME)[0];
            lines.swap(goal + 1, goal + 2);
        });
        assert!(!found(&recording, "G3").is_empty());
    }

    #[test]
    fn g3_sees_one_of_two_goals_left_out() {
        let mut model = Model::pull_push();
        let second = model.goal(0).clone();
        model.scheme(0).quota.goals.push(second);
        let mut recording = model.recording();
        rewrite(&mut recording, |lines| {
            let goal = of_event(lines, NodeEligible::NAME)[4];
            lines.remove(goal);
        });
        assert!(!found(&recording, "G3").is_empty());
    }

    #[test]
    fn g7_sees_windows_at_twice_the_pace() {
        let mut recording = Model::pull_push().recording();
        for scheme in &mut recording.plan.kdamonds[0].context.schemes {
            scheme.quota.reset_interval_ms *= 2;
        }
        let findings = found(&recording, "G7");
        assert!(findings.iter().any(|finding| finding.expected.contains("800ms")), "{findings:?}");
    }

    #[test]
    fn g7_sees_a_window_that_does_not_come() {
        let mut recording = Model::pull_push().recording();
        for scheme in &mut recording.plan.kdamonds[0].context.schemes {
            scheme.quota.reset_interval_ms = 10;
        }
        assert!(!found(&recording, "G7").is_empty());
    }

    #[test]
    fn g7_counts_every_tick_without_a_reset_interval() {
        let mut model = Model::pull_push();
        model.scheme(0).quota.reset_interval_ms = 0;
        let mut recording = model.recording();
        assert_eq!(found(&recording, "G7"), []);
        rewrite(&mut recording, |lines| {
            let goal = of_event(lines, NodeEligible::NAME)[0];
            lines.drain(goal..goal + 2);
        });
        let findings = found(&recording, "G7");
        assert_eq!(findings.len(), 1);
        assert!(findings[0].expected.starts_with("2 charge window(s)"), "{}", findings[0]);
    }

    #[test]
    fn g7_lets_a_slow_measurement_be_slow() {
        let mut model = Model::pull_push();
        model.walk_us = |tick, _| if tick % 3 == 0 { 700_000 } else { 20 };
        let recording = model.recording();
        assert_eq!(found(&recording, "G7"), []);
    }
}
