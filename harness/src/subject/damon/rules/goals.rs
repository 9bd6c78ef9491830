//! Quota goals: what is measured, in which order, and how often (G1, G2, G3, G7).

use super::stats::period;
use crate::subject::damon::events::{Measurement, SchemeEvent, Stat, goal_event};
use crate::subject::damon::rule::{
    About, DamonRule, Kind, Line, Rule, RuleResult, Violation, Violations, each_kdamond_run, each_scheme,
    in_core, violations,
};
use crate::subject::damon::view::{KdamondRun, View};
use crate::subject::damon::windows::{ChargeWindows, Window};
use crate::trace::TypedEvent;
use damonlab_protocol::damon::Goal;
use damonlab_protocol::units::{BasisPoints, Nanos};

/// The kernel counts windows in jiffies, whose length the trace does not have: 10 ms is the longest.
const JIFFY: Nanos = Nanos(10_000_000);

pub(crate) static GOAL_FIELDS_ARE_IN_RANGE: DamonRule = Rule {
    about: About {
        id: "G1",
        name: "goal-fields-are-in-range",
        kind: Kind::Exact,
        statement: "A measurement has ctx_idx 0, a configured scheme and nid, a target of at least 1 and a value of at most 10000.",
        because: "The metric is node_eligible * 10000 / total of one walk, sysfs drops goals with a target of 0, and a kdamond has one context.",
        source: &[in_core("damos_get_node_eligible_mem_bp")],
        file: file!(),
        when: "the measurements of a goal metric are recorded (damos_node_eligible_mem_bp)",
    },
    judge: goal_fields_are_in_range,
};

fn goal_fields_are_in_range(view: &View<'_>) -> RuleResult {
    each_kdamond_run(view, |run| {
        view.need_measurements()?;
        let nids: Vec<i32> = run.charge_windows.iter().flat_map(|c| &c.goals).map(|goal| goal.nid).collect();
        let wrong = run
            .measurements()
            .filter_map(|(line, one)| Some((line, out_of_range(one, run.charge_windows.len(), &nids)?)));
        Ok(violations(wrong, |(line, (expected, seen))| Violation::new(expected, seen).at([line])))
    })
}

fn out_of_range(one: Measurement, schemes: usize, nids: &[i32]) -> Option<(String, String)> {
    let Measurement { ctx_idx, scheme, nid, target, current, event: _ } = one;
    if ctx_idx != 0 {
        Some(("ctx_idx=0".into(), format!("ctx_idx={ctx_idx}")))
    } else if scheme >= schemes {
        Some((format!("scheme_idx below {schemes}"), format!("scheme_idx={scheme}")))
    } else if !nids.contains(&nid) {
        Some((format!("nid to be one of {nids:?}"), format!("nid={nid}")))
    } else if target.0 == 0 {
        Some(("target_value of at least 1".into(), "target_value=0".into()))
    } else if current > BasisPoints(10_000) {
        Some(("current_value of at most 10000".into(), format!("current_value={}", current.0)))
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
        because: "The kernel keeps goals in a list in the order of sysfs, and measures each one separately.",
        source: &[in_core("damos_quota_score"), in_core("damos_commit_quota_goal")],
        file: file!(),
        when: "the measurements of a goal metric are recorded (damos_node_eligible_mem_bp)",
    },
    judge: goals_match_configuration,
};

fn goals_match_configuration(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, _| {
        view.need_measurements()?;
        let charge = &run.charge_windows[index];
        if charge.goals.is_empty() {
            return Ok(unconfigured(run, index));
        }
        let measured =
            charge.windows.iter().flat_map(|window| charge.goals.iter().zip(&window.goals).enumerate());
        let wrong = measured
            .filter(|(_, (goal, (_, one)))| configured(goal) != (Some(one.event), one.nid, one.target));
        Ok(violations(wrong, |(place, (goal, (line, one)))| {
            let (name, (event, nid, target)) = (run.scheme_name(index), configured(goal));
            let goal =
                |event, nid, target: BasisPoints| format!("{event} nid={nid} target_value={}", target.0);
            let expected =
                format!("goal {place} of {name} to be {}", goal(event.unwrap_or_default(), nid, target));
            Violation::new(expected, goal(one.event, one.nid, one.target)).at([*line])
        }))
    })
}

/// What the measurement of a goal must name.
fn configured(goal: &Goal) -> (Option<&'static str>, i32, BasisPoints) {
    (goal_event(&goal.metric), goal.nid, BasisPoints(goal.target_value))
}

/// Measurements of a scheme that has no such goal.
fn unconfigured(run: &KdamondRun<'_>, index: usize) -> Violations {
    let expected = format!("no measurement for {}, which has no such goal", run.scheme_name(index));
    let own = run.measurements().filter(|(_, one)| one.scheme == index);
    violations(own, |(line, _)| Violation::new(expected.as_str(), "one").at([line]))
}

pub(crate) static GOALS_PRECEDE_QUOTA: DamonRule = Rule {
    about: About {
        id: "G3",
        name: "goals-precede-quota",
        kind: Kind::Exact,
        statement: "The goals of a scheme are measured one after the other, and its damos_esz follows them immediately.",
        because: "The score is the highest of all goals. The kdamond, which alone emits these events, measures them right before it sets the quota.",
        source: &[in_core("damos_adjust_quota")],
        file: file!(),
        when: "a scheme has a goal whose measurements are recorded (node_eligible_mem_bp)",
    },
    judge: goals_precede_quota,
};

fn goals_precede_quota(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, _| {
        view.need_windows(run, index)?;
        Ok(run.charge_windows[index].broken.clone().into_iter().collect())
    })
}

pub(crate) static CHARGE_WINDOWS_START_ON_TIME: DamonRule = Rule {
    about: About {
        id: "G7",
        name: "charge-windows-start-on-time",
        kind: Kind::Timed,
        statement: "A charge window starts with the first pass of the scheme after reset_interval, neither earlier nor later.",
        because: "A window ends when reset_interval has passed, which the kernel checks in each pass of the scheme.",
        source: &[in_core("damos_adjust_quota")],
        file: file!(),
        when: "a scheme has a goal whose measurements are recorded (node_eligible_mem_bp)",
    },
    judge: charge_windows_start_on_time,
};

fn charge_windows_start_on_time(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, scheme| {
        view.need_windows(run, index)?;
        let charge = &run.charge_windows[index];
        let reset = Nanos::from_millis(scheme.quota.reset_interval_ms);
        let mut violations: Violations = too_early(run, index, charge, reset).into_iter().collect();
        let always_active = scheme.watermarks.metric == "none";
        if view.traced(Stat::NAME) && always_active && charge.broken.is_none() {
            violations.append(per_tick(run, index, charge, reset));
        }
        Ok(violations)
    })
}

/// Windows closer together than the reset interval.
///
/// A window starts between the kdamond's last event before its measurement and the end of that measurement, which can
/// take longer than the interval. So single gaps prove little, but n windows do not fit into less than n intervals. All
/// pairs are compared, by keeping the window that leaves the least room.
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
            return Some(Violation::new(expected, seen).at([first.first(), window.first()]));
        }
        // Relative to window 0: `after - nth * reset`; a negative one leaves enough room.
        if let Some(room) = window.after.and_then(|after| after.0.checked_sub(shift))
            && tightest.is_none_or(|(least, _, _)| room > least)
        {
            tightest = Some((room, nth, window));
        }
    }
    None
}

/// Passes with too many windows, or without one that was due. A pass ends with the scheme's statistics event, and
/// begins at least the samples of its interval after the one before.
fn per_tick(run: &KdamondRun<'_>, index: usize, charge: &ChargeWindows<'_>, reset: Nanos) -> Violations {
    let mut violations = Violations::default();
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
            violations.push(|| {
                let name = run.scheme_name(index);
                let (least, most) = allowed.into_inner();
                let many = if least == most { format!("{least}") } else { format!("{least} to {most}") };
                let expected =
                    format!("{many} charge window(s) of {name} to start in this pass ({reset} each)");
                let lines =
                    previous.into_iter().chain(started.iter().map(|window| window.first())).chain([*line]);
                Violation::new(expected, format!("{}", started.len())).at(lines)
            });
        }
        previous = Some(line);
    }
    violations
}

#[cfg(test)]
mod tests {
    use crate::judge::judge;
    use crate::subject::damon::events::{NodeEligible, TRACED_METRICS};
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
    fn the_goal_rules_apply_to_every_traced_metric() {
        for (metric, event) in TRACED_METRICS {
            let mut model = Model::pull_push();
            for scheme in &mut model.kdamonds[0].context.schemes {
                scheme.quota.goals[0].metric = (*metric).into();
            }
            let good = model.recording();
            let judged = judge(&good);
            assert_eq!(judged.findings, []);
            for id in ["G1", "G2", "G3", "G7", "Q1"] {
                assert!(judged.applied.iter().any(|rule| rule.id == id), "{id} for {metric}");
            }
            for (id, from, to) in
                [("G1", "current_value=6000", "current_value=10001"), ("G2", "nid=1", "nid=0")]
            {
                let mut bad = good.clone();
                rewrite(&mut bad, |lines| replace(lines, event, 4, from, to));
                assert_eq!(found(&bad, id).len(), 1, "{id} for {metric}");
            }
            let mut bad = good.clone();
            rewrite(&mut bad, |lines| {
                let goal = of_event(lines, event)[0];
                lines.swap(goal + 1, goal + 2);
            });
            assert!(!found(&bad, "G3").is_empty(), "{metric}");
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
    fn g2_sees_a_measurement_without_a_goal() {
        let model = Model::pull_push();
        let mut recording = model.recording();
        recording.plan.kdamonds[0].context.schemes[1].quota.goals[0].metric = "user_input".into();
        assert!(!found(&recording, "G2").is_empty());
    }

    #[test]
    fn g3_sees_a_quota_that_is_emitted_away_from_its_measurement() {
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
