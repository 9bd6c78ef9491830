//! What a pass acts on, and what it counts: the selection oracle (A8, S7).
//!
//! Most rules are bounds. These two compute from the trace what a pass must do, in the kernel's own arithmetic: which memory has
//! the pattern, the filters and the priority, in which order, up to which byte of the quota. `docs/checks.md` says what they
//! cannot know.

use super::selection::replay::replay;
use crate::subject::damon::replayed::Replay;
use crate::subject::damon::rule::{
    About, DamonRule, Kind, Reason, Rule, RuleResult, Source, Violations, each_scheme, in_core,
};
use crate::subject::damon::view::{KdamondRun, View};
use std::collections::BTreeSet;

pub(crate) static PASS_ACTS_ON_WHAT_IT_SELECTS: DamonRule = Rule {
    about: About {
        id: "A8",
        name: "pass-acts-on-what-it-selects",
        kind: Kind::Conditional,
        statement: "A pass acts on exactly the memory that the pattern, the core filters, the priorities and the quota select: upwards from where the last quota was used up, until this one is.",
        because: "Accesses and ages of all memory are known at an aggregation, from the regions after the pass and the actions in it. All else is integer arithmetic on them, on the configuration and on the effective quota.",
        source: &[
            in_core("damos_adjust_quota"),
            in_core("damos_valid_target"),
            in_core("damos_skip_charged_region"),
            in_core("damos_core_filter_out"),
            in_core("damos_apply_scheme"),
            in_core("damos_charge_quota"),
            in_core("damon_nr_accesses_mvsum"),
            Source::function("mm/damon/ops-common.c", "damon_hot_score"),
            Source::function("mm/damon/ops-common.c", "damon_cold_score"),
            Source::function("mm/damon/paddr.c", "damon_pa_scheme_score"),
            Source::function("mm/damon/vaddr.c", "damon_va_scheme_score"),
        ],
        file: file!(),
        when: "Linux 7.3 or later, until a commit changes intervals, regions, targets or the number of schemes; for passes at an aggregation, or with a stat scheme that shows all memory; the pattern has no sizes; intervals are fixed, no watermarks",
    },
    judge: pass_acts_on_what_it_selects,
};

fn pass_acts_on_what_it_selects(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, _| {
        let replay = replayed(view, run, index)?;
        compared(replay.selected, &replay.selection, &replay.reasons)
    })
}

pub(crate) static PASS_COUNTS_SNAPSHOTS_AND_FULL_WINDOWS: DamonRule = Rule {
    about: About {
        id: "S7",
        name: "pass-counts-snapshots-and-full-windows",
        kind: Kind::Conditional,
        statement: "nr_snapshots grows by one for each target whose last region a pass comes to with quota left, and qt_exceeds by one for each charge window that ended with its quota used up.",
        because: "Both follow from the actions of the pass, from where it continued, and from when the charge window began.",
        source: &[
            in_core("damon_do_apply_schemes"),
            in_core("damos_adjust_quota"),
            in_core("damos_quota_is_full"),
        ],
        file: file!(),
        when: "as for A8, and with sizes in the pattern too; nr_snapshots where no later scheme splits regions",
    },
    judge: pass_counts_snapshots_and_full_windows,
};

fn pass_counts_snapshots_and_full_windows(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, _| {
        let replay = replayed(view, run, index)?;
        compared(replay.counted, &replay.counters, &replay.reasons)
    })
}

/// The replay of a scheme, which both rules share.
fn replayed<'v>(view: &View<'_>, run: &'v KdamondRun<'_>, index: usize) -> Result<&'v Replay, Reason> {
    run.replays[index].get_or_init(|| replay(view, run, index)).as_ref().map_err(Reason::clone)
}

/// The violations, if passes were compared or one could not even be read.
fn compared(passes: u64, violations: &Violations, reasons: &BTreeSet<Reason>) -> Result<Violations, Reason> {
    if passes > 0 || !violations.is_empty() {
        return Ok(violations.clone());
    }
    match reasons.is_empty() {
        true => Err("no pass can be compared".to_owned()),
        false => Err(reasons.iter().map(Reason::as_str).collect::<Vec<_>>().join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::judge;
    use crate::recording::Recording;
    use crate::subject::damon::events::{BeforeApply, Stat};
    use crate::subject::damon::testing::{Model, edit, found, of_event, rewrite, stored};

    /// In how many passes of each scheme the actions and the counters are compared.
    fn compared_passes(recording: &Recording) -> Vec<(u64, u64)> {
        let view = View::new(recording);
        let schemes = view
            .kdamond_runs
            .iter()
            .flat_map(|run| (0..run.config.context.schemes.len()).map(move |index| (run, index)));
        let replays = schemes.map(|(run, index)| replay(&view, run, index));
        replays.map(|one| one.map_or((0, 0), |one| (one.selected, one.counted))).collect()
    }

    /// What a rule sees after a change, and nothing before it.
    fn after(id: &str, mut recording: Recording, change: impl FnOnce(&mut Recording)) -> String {
        assert_eq!(found(&recording, id), []);
        change(&mut recording);
        let findings = found(&recording, id);
        findings.first().map(|finding| format!("{}; {}", finding.expected, finding.seen)).unwrap_or_default()
    }

    /// The lines of the actions of a scheme.
    fn actions(lines: &[String], scheme: usize) -> Vec<usize> {
        let own = format!(" scheme_idx={scheme} ");
        of_event(lines, BeforeApply::NAME).into_iter().filter(|at| lines[*at].contains(&own)).collect()
    }

    /// Moves the ends of the region of the only scheme's second action by so many bytes.
    fn moved(recording: &mut Recording, by: (i64, i64)) {
        rewrite(recording, |lines| {
            edit(lines, BeforeApply::NAME, 1, |line| {
                let region = line.split(' ').find(|word| word.ends_with(':') && word.contains('-')).unwrap();
                let (start, end) = region.trim_end_matches(':').split_once('-').unwrap();
                let at = |text: &str, by: i64| text.parse::<u64>().unwrap().strict_add_signed(by);
                line.replace(region, &format!("{}-{}:", at(start, by.0), at(end, by.1)))
            });
        });
    }

    #[test]
    fn nearly_all_passes_of_real_runs_are_compared() {
        for (name, passes) in [
            ("cxl", vec![(23, 23)]),
            // In 14 passes the quota of scheme 1 made scheme 0 act on the rest of a region again.
            ("priority", vec![(7, 7), (21, 21)]),
            ("pull-push-short", vec![(14, 14), (14, 14)]),
            ("splits", vec![(16, 16)]),
            ("steady", vec![(29, 29), (29, 29)]),
            // Intervals are tuned.
            ("tuned", vec![(0, 0)]),
            // Regions are not recorded.
            ("truth", vec![(0, 58), (0, 58)]),
        ] {
            assert_eq!(compared_passes(&stored(name)), passes, "{name}");
        }
    }

    #[test]
    fn a8_sees_an_action_that_is_missing() {
        let seen = after("A8", stored("cxl"), |recording| {
            rewrite(recording, |lines| drop(lines.remove(actions(lines, 0)[1])));
        });
        let expected =
            "kdamond 0, scheme 0 to act on 4564451328-4565499904 of target 0 (2 accesses, age 0); ";
        assert_eq!(seen, format!("{expected}none, with quota left"));
    }

    #[test]
    fn a8_sees_a_region_that_is_cut_before_the_quota_is_used_up() {
        let seen = after("A8", stored("cxl"), |recording| moved(recording, (0, -4096)));
        assert!(seen.contains("to act on 4565495808-") && seen.ends_with("none, with quota left"), "{seen}");
    }

    #[test]
    fn a8_sees_a_region_that_is_cut_after_the_quota_is_used_up() {
        let seen = after("A8", stored("cxl"), |recording| moved(recording, (0, 4096)));
        assert!(seen.ends_with("the 1048576 bytes that are left of its quota; 1052672 bytes"), "{seen}");
    }

    #[test]
    fn a8_sees_memory_that_is_skipped_and_memory_that_comes_again() {
        let seen = after("A8", stored("cxl"), |recording| moved(recording, (4096, 4096)));
        assert!(seen.contains("to act on 4564451328-4564455424 of target 0"), "{seen}");
        assert!(seen.ends_with("an action on memory after it instead"), "{seen}");
        let seen = after("A8", stored("cxl"), |recording| moved(recording, (-4096, -4096)));
        assert!(seen.contains("an action on 4564447232-4564451328, before 4564451328 in target 0"), "{seen}");
    }

    #[test]
    fn a8_sees_an_action_on_memory_with_a_lower_priority() {
        let seen = after("A8", stored("priority"), |recording| {
            // The witness shows other memory with more accesses, and more of it than the quota.
            let (from, to) = ("483303424-536870912: 1 0", "483303424-536870912: 9 0");
            rewrite(recording, |lines| {
                let at = of_event(lines, BeforeApply::NAME).into_iter().find(|at| lines[*at].contains(from));
                let line = &mut lines[at.unwrap()];
                *line = line.replace(from, to);
            });
        });
        let action = "an action on 1048576-3145728, with a priority of 4, where the quota is for 44 and more";
        assert!(seen.ends_with(action), "{seen}");
    }

    #[test]
    fn a8_sees_an_action_on_memory_that_a_filter_rejects() {
        let seen = after("A8", stored("cxl"), |recording| {
            recording.plan.kdamonds[0].context.schemes[0].core_filters[0].matching ^= true;
        });
        assert!(seen.ends_with("which its pattern or its core filters exclude"), "{seen}");
    }

    #[test]
    fn a8_sees_an_action_after_the_last_snapshot() {
        let most = |recording: &mut Recording, most| {
            recording.plan.kdamonds[0].context.schemes[0].max_nr_snapshots = most;
        };
        assert_eq!(after("A8", stored("splits"), |recording| most(recording, 16)), "");
        let seen = after("A8", stored("splits"), |recording| most(recording, 15));
        assert!(seen.ends_with(", after max_nr_snapshots"), "{seen}");
    }

    #[test]
    fn a8_sees_accesses_that_are_not_those_of_the_aggregation() {
        let seen = after("A8", stored("cxl"), |recording| {
            rewrite(recording, |lines| {
                edit(lines, BeforeApply::NAME, 1, |line| line.replace(": 2 2", ": 3 2"));
            });
        });
        assert_eq!(seen, "nr_accesses 2 of the same memory in this pass; 3");
    }

    /// Schemes without goals, whose charge windows only the time shows: 202 ms pass between two passes.
    fn without_goals(reset_interval_ms: u64) -> Model {
        let mut model = Model::pull_push();
        for index in 0..2 {
            model.scheme(index).quota.goals.clear();
            model.scheme(index).quota.reset_interval_ms = reset_interval_ms;
        }
        model
    }

    /// Moves an action of scheme 0 into the pass before, behind the action that is there or in its place.
    fn too_soon(recording: &mut Recording) {
        rewrite(recording, |lines| {
            let at = actions(lines, 0)[3];
            let line = lines.remove(at);
            let is_end = |line: &String| line.contains(Stat::NAME) && line.contains("scheme_idx=0 ");
            let before = lines[..at].iter().rposition(is_end).unwrap();
            let (when, _) = lines[before].split_once(": damos").unwrap();
            let line = format!("{when}: damos{}", line.split_once(": damos").unwrap().1);
            lines.insert(before, line);
        });
    }

    #[test]
    fn a8_sees_an_action_after_the_quota_was_used_up() {
        let expected = "kdamond 0, scheme 0 to act on the 0 bytes that are left of its quota; 1048576 bytes";
        assert_eq!(after("A8", without_goals(1_000).recording(), too_soon), expected);
        assert_eq!(after("A8", Model::pull_push().recording(), too_soon), expected);
    }

    #[test]
    fn a_window_that_may_or_may_not_have_begun_is_followed_both_ways() {
        for reset_interval_ms in [0, 1, 190, 202, 400, 410, 1_000] {
            let recording = without_goals(reset_interval_ms).recording();
            assert_eq!(judge(&recording).findings, [], "{reset_interval_ms} ms");
            assert_eq!(compared_passes(&recording), [(40, 40), (40, 40)], "{reset_interval_ms} ms");
        }
        // The time allows both in this pass; the action then shows which one it was.
        let mut model = without_goals(410);
        model.turns = 11;
        assert_eq!(after("A8", model.recording(), too_soon), "");
    }

    #[test]
    fn passes_after_a_commit_are_compared_unless_it_changes_when_they_are() {
        let mut model = Model::pull_push();
        model.commit(13, |schemes| schemes[0].quota.goals[0].target_value = 6_000);
        model.commit(25, |schemes| schemes[1].quota.bytes = 2 << 20);
        let recording = model.recording();
        assert_eq!(judge(&recording).findings, []);
        assert_eq!(compared_passes(&recording)[..2], [(40, 40), (40, 40)]);
        model.commits[0].1[0].context.intervals.update_us += 1;
        assert_eq!(compared_passes(&model.recording())[..2], [(13, 13), (13, 13)]);
    }

    #[test]
    fn a8_sees_after_a_commit_that_its_pattern_is_not_in_force() {
        let mut model = Model::pull_push();
        model.commit(13, |_| {});
        let seen = after("A8", model.recording(), |recording| {
            for step in &mut recording.plan.steps {
                let damonlab_protocol::plan::Step::Commit { kdamonds, .. } = step else { continue };
                kdamonds[0].context.schemes[0].nr_accesses.min = 7;
            }
        });
        assert!(seen.ends_with("which its pattern or its core filters exclude"), "{seen}");
    }

    #[test]
    fn s7_sees_a_snapshot_that_is_not_counted_and_one_that_was_not_made() {
        for (by, seen) in [(-1, "0 and 0"), (1, "0 and 2")] {
            let found = after("S7", stored("cxl"), |recording| {
                rewrite(recording, |lines| {
                    for nth in 1..23 {
                        edit(lines, Stat::NAME, nth, |line| {
                            let (head, count) = line.rsplit_once('=').unwrap();
                            format!("{head}={}", count.parse::<u64>().unwrap().strict_add_signed(by))
                        });
                    }
                });
            });
            let expected = "qt_exceeds of kdamond 0, scheme 0 to grow by 0 and nr_snapshots by 1 in a pass";
            assert_eq!(found, format!("{expected}; {seen}"));
        }
    }

    #[test]
    fn s7_sees_a_full_window_that_is_not_counted() {
        let seen = after("S7", stored("cxl"), |recording| {
            rewrite(recording, |lines| {
                edit(lines, Stat::NAME, 4, |line| line.replace("qt_exceeds=1", "qt_exceeds=0"));
            });
        });
        assert!(seen.contains("to grow by 1") && seen.ends_with("; 0 and 0"), "{seen}");
    }

    #[test]
    fn what_the_trace_does_not_show_is_not_compared() {
        let reason = |change: fn(&mut Recording)| {
            let mut recording = stored("cxl");
            change(&mut recording);
            let skipped = judge(&recording).skipped;
            skipped.into_iter().find(|(about, _)| about.id == "A8").map(|(_, why)| why).unwrap_or_default()
        };
        assert_eq!(
            reason(|one| one.report.kernel = "7.2.12".to_owned()),
            "before Linux 7.3 a pass has other access counts"
        );
        assert_eq!(
            reason(|one| one.plan.kdamonds[0].context.schemes[0].sz.min = 1 << 20),
            "the pattern limits sizes, and the trace does not show the regions before a pass"
        );
        assert_eq!(
            reason(|one| {
                rewrite(one, |lines| lines.retain(|line| !line.contains("damon_aggregated")));
            }),
            "a pass between aggregations, and no stat scheme shows its memory"
        );
    }
}
