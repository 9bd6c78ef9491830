//! What happens in a run: DAMON starts, works between changes, and stops.

use super::monitor::Kdamond;
use super::part::Part;
use super::quota::goals;
use super::race::race;
use super::refusals::{after_the_end, while_paused, write, wrong_commit};
use super::run::Run;
use super::table::{REFUSED, TIERING_TIMES};
use super::world::{Process, World};
use crate::explore::tree::{Tree, list, map};
use crate::scenario::Draw;

/// A change between two runs.
type Change = fn(&mut Run<'_>, &mut Draw);

/// How many changes there are.
const CHANGES_A_RUN: &[(u32, u64)] = &[(4, 0), (4, 1), (3, 2), (1, 3)];

/// How many there are where one of them is in focus.
const MANY_CHANGES: &[(u32, u64)] = &[(1, 0), (3, 1), (4, 2), (3, 3)];

/// The changes by the part that they belong to.
const CHANGES: &[(Part, Change)] = &[
    (Part::Commit, commit),
    (Part::Retarget, retarget),
    (Part::Pause, pause),
    (Part::Restart, |run, draw| run.restart(draw)),
    (Part::Hotplug, hotplug),
    (Part::Refused, refused),
    (Part::Phase, phase),
    (Part::Race, race),
    (Part::Invalid, wrong_commit),
];

/// The steps of a scenario with these kdamonds.
pub(super) fn steps(kdamonds: &[Kdamond], world: &World<'_>, draw: &mut Draw) -> Vec<Tree> {
    let mut run = Run {
        world,
        started: kdamonds,
        now: kdamonds.to_vec(),
        offline: None,
        ended: Vec::new(),
        over: false,
        steps: vec!["start".into()],
    };
    match world.tiers {
        Some(_) => run.step("run", map([("for", (*draw.pick(TIERING_TIMES)).into())])),
        None => run.go_on(draw),
    }
    let leans = CHANGES.iter().any(|(part, _)| world.focus.0.contains(part));
    for _ in 0..*draw.weighted(if leans { MANY_CHANGES } else { CHANGES_A_RUN }) {
        let wanted = CHANGES.iter().filter(|(part, _)| can(&run, *part) && world.focus.wants(*part, draw));
        let wanted: Vec<Change> = wanted.map(|(_, change)| *change).collect();
        if !wanted.is_empty() {
            (draw.pick(&wanted))(&mut run, draw);
            if !run.over {
                run.go_on(draw);
            }
        }
    }
    if draw.chance(15) {
        run.steps.push("read_back".into());
    }
    if draw.chance(90) {
        run.steps.push("stop".into());
        if !run.over && world.focus.wants(Part::Command, draw) {
            after_the_end(&mut run.steps, draw);
        }
    }
    run.steps
}

/// Whether a change of this part has an effect here.
fn can(run: &Run<'_>, part: Part) -> bool {
    match part {
        _ if run.over => false,
        Part::Hotplug => run.world.nodes.iter().any(|node| node.traits.removable),
        Part::Phase => run.alive().next().is_some(),
        Part::Retarget => run.now.iter().any(|kdamond| !kdamond.schemes.is_empty()),
        _ => true,
    }
}

/// A new configuration for every kdamond.
fn commit(run: &mut Run<'_>, draw: &mut Draw) {
    let changed = *draw.weighted(&[(5, 1), (2, 2), (1, 0)]);
    for kdamond in &mut run.now {
        for _ in 0..changed {
            *kdamond = kdamond.changed(run.world, draw);
        }
    }
    let kdamonds = list(run.now.iter().map(Kdamond::tree));
    run.step("commit", map([("kdamonds", kdamonds)]));
    for kdamond in &mut run.now {
        // They are gone, and cannot go again.
        kdamond.targets.retain(|target| target.get("obsolete").is_none());
    }
}

fn retarget(run: &mut Run<'_>, draw: &mut Draw) {
    let place = draw.index(run.now.len());
    let (count, vaddr) = (run.now[place].schemes.len(), run.now[place].vaddr);
    if count == 0 {
        return;
    }
    let scheme = draw.index(count);
    let new = if draw.chance(15) { Vec::new() } else { goals(vaddr, run.world, draw) };
    let new = list(new);
    let mut entry = map([("scheme", (scheme as u64).into()), ("goals", new.clone())]);
    if place > 0 {
        entry.set("kdamond", place as u64);
    }
    run.step("retarget", list([entry]));
    let mut quotas = run.now[place].schemes[scheme].get("quotas").cloned().unwrap_or(Tree::Map(Vec::new()));
    quotas.set("goals", new);
    run.now[place].schemes[scheme].set("quotas", quotas);
}

fn pause(run: &mut Run<'_>, draw: &mut Draw) {
    run.steps.push("pause".into());
    if run.world.focus.wants(Part::Command, draw) {
        while_paused(run, draw);
    }
    run.go_on(draw);
    run.steps.push("resume".into());
}

fn hotplug(run: &mut Run<'_>, draw: &mut Draw) {
    let node = |id: u64| map([("node", id.into())]);
    if let Some(id) = run.offline.take() {
        return run.step("online", node(id));
    }
    let removable: Vec<u64> =
        run.world.nodes.iter().filter(|node| node.traits.removable).map(|node| node.id).collect();
    if !removable.is_empty() {
        let id = *draw.pick(&removable);
        run.step("offline", node(id));
        run.offline = Some(id);
    }
}

fn refused(run: &mut Run<'_>, draw: &mut Draw) {
    let (file, value, errno) = *draw.pick(REFUSED);
    run.steps.push(write(file, value, Some(errno)));
}

fn phase(run: &mut Run<'_>, draw: &mut Draw) {
    let alive: Vec<&Process> = run.alive().collect();
    let Some(process) = alive.get(draw.index(alive.len())) else { return };
    let process = (*process).clone();
    let name = ("name", process.name.as_str().into());
    let moves = !process.touches || draw.chance(40);
    let change = if moves {
        let online: Vec<u64> =
            run.world.nodes.iter().map(|node| node.id).filter(|id| run.offline != Some(*id)).collect();
        map([name, ("move", (*draw.pick(&online)).into())])
    } else if draw.chance(70) {
        map([name, ("hot", format!("{}%", draw.pick(&[1, 10, 50, 100])).into())])
    } else {
        map([name, ("pause", draw.chance(70).into())])
    };
    run.step("workload", change);
}
