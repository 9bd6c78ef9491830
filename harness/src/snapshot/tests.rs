use super::{behaviour, interface, not_compared};
use crate::recording::Recording;
use crate::scenario::{GuestClock, SnapshotKind};
use crate::subject::damon::events::{BeforeApply, Esz, NodeEligible, Stat};
use crate::subject::damon::testing::{Model, of_event, replace, rewrite, stored};
use damonlab_protocol::units::{Bytes, NodeId};

fn push() -> Recording {
    Model::pull_push().recording()
}

#[test]
fn the_course_of_a_run_reads_as_words() {
    insta::assert_snapshot!("model", behaviour(&push()));
}

#[test]
fn on_the_real_clock_behaviour_is_not_compared_and_the_interface_is() {
    let mut recording = push();
    assert_eq!(not_compared(SnapshotKind::Behaviour, &recording), None);
    recording.meta.clock = GuestClock::Real;
    assert!(not_compared(SnapshotKind::Behaviour, &recording).is_some());
    assert_eq!(not_compared(SnapshotKind::Interface, &recording), None);
}

#[test]
fn on_a_kernel_of_another_series_nothing_is_compared_and_it_is_said() {
    let mut recording = push();
    for (kernel, compared) in [("7.3.9-mine #1 SMP", true), ("7.4.0-rc1 #1", false), ("7.2.12 #1 SMP", false)]
    {
        recording.report.kernel = kernel.to_owned();
        for kind in [SnapshotKind::Behaviour, SnapshotKind::Interface] {
            assert_eq!(not_compared(kind, &recording).is_none(), compared, "{kernel}");
        }
    }
    let why = not_compared(SnapshotKind::Interface, &recording).unwrap();
    assert_eq!(why, "the stored text is of linux 7.3, and this is 7.2.12");
}

#[test]
fn the_feedback_loop_reads_as_a_ramp() {
    let mut model = Model::consist();
    model.current = |turn, _| if turn < 15 { 0 } else { [2900, 3000, 4500, 9000, 100][(turn % 5) as usize] };
    let text = behaviour(&model.recording());
    assert!(
        text.contains("quota: begins below a page, doubles while nothing is eligible, rises and falls"),
        "{text}"
    );
}

#[test]
fn other_times_counts_and_measurements_change_nothing() {
    let mut model = Model::pull_push();
    model.walk_us = |turn, scheme| 100 + 1000 * (turn % 7) + 31 * scheme as u64;
    model.turns = 90;
    model.current = |turn, scheme| {
        let push = [1500, 5200, 6400, 2500, 1200, 5100][(turn / 2 % 6) as usize];
        if scheme == 0 { push } else { 10_000 - push }
    };
    assert_eq!(behaviour(&model.recording()), behaviour(&push()));
}

#[test]
fn other_behaviour_changes_the_text() {
    type Change = fn(&mut Recording);
    let changes: &[(&str, Change)] = &[
        ("another quota", |r| rewrite(r, |lines| replace(lines, Esz::NAME, 0, "esz=1048576", "esz=4096"))),
        ("action on another node", |r| {
            rewrite(r, |lines| {
                let region = format!("{}-", Model::NODE0.0);
                let other = format!("{}-{} ", Model::NODE1.0, Model::NODE1.0);
                let at = of_event(lines, BeforeApply::NAME)[0];
                lines[at] = lines[at].replacen(&region, other.split('-').next().unwrap(), 1);
                lines[at] =
                    lines[at].replacen(&Model::NODE1.0.to_string(), &format!("{}-", Model::NODE1.0), 1);
            });
        }),
        ("the order of phases", |r| {
            rewrite(r, |lines| {
                let at = of_event(lines, Stat::NAME)[0];
                lines.swap(at - 1, at);
            });
        }),
        ("no measurement", |r| {
            rewrite(r, |lines| lines.retain(|line| !line.contains(NodeEligible::NAME)));
        }),
        ("memory elsewhere", |r| {
            let nodes = r.samples.last_mut().unwrap().workloads.get_mut("hot").unwrap();
            nodes.insert(NodeId(0), Bytes(1));
        }),
        ("another counter", |r| {
            r.samples.last_mut().unwrap().vmstat.insert("pgpromote_success".into(), 1);
        }),
        ("a step that is not reached", |r| drop(r.report.steps.pop())),
    ];
    let right = behaviour(&push());
    for (name, change) in changes {
        let mut recording = push();
        change(&mut recording);
        assert_ne!(behaviour(&recording), right, "{name}");
    }
}

#[test]
fn the_interface_has_every_tracepoint_and_the_tree_without_numbers() {
    let text = interface(&stored("pull-push-short"));
    assert!(
        text.contains("  damos_node_eligible_mem_bp\n    unsigned int context_idx: 4 bytes, unsigned\n"),
        "{text}"
    );
    assert!(text.contains(" admin/kdamonds/N/contexts/N/schemes/N/quotas/goals/N/target_value\n"), "{text}");
    assert!(!text.contains("common_type") && !text.contains("offset"), "{text}");
    assert_eq!(text.matches("quotas/goals/N/target_value").count(), 1, "two schemes are shown once");
}

#[test]
fn the_interface_of_two_machines_is_the_same() {
    let events = |name: &str| interface(&stored(name)).split("sysfs\n").next().unwrap().to_owned();
    assert_eq!(events("pull-push-short"), events("cxl"));
}

#[test]
fn real_runs_read_as_words() {
    for name in ["pull-push-short", "cxl", "refused"] {
        insta::assert_snapshot!(name, behaviour(&stored(name)));
    }
}
