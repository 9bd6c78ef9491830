//! Several steps at once: what each of them is, and what can follow.

use super::monitor::Kdamond;
use super::quota::goals;
use super::race_table::{
    RACERS, RACING_COMMANDS, RACING_PARAMETERS, RACING_PATHS, RACING_WRITES, Racer, TIMES,
};
use super::refusals::write;
use super::run::Run;
use crate::explore::tree::{Tree, list, map};
use crate::scenario::Draw;

/// Draws two to five steps at once; then DAMON goes on for a while, stops and starts again, as long as all that it watches is
/// there.
pub(super) fn race(run: &mut Run<'_>, draw: &mut Draw) {
    let wanted = *draw.weighted(&[(4, 2), (4, 3), (2, 4), (1, 5)]);
    let mut racers: Vec<(Racer, Tree)> = Vec::new();
    while racers.len() < wanted {
        let racer = *draw.weighted(RACERS);
        // One node, and one workload that ends, are enough for one race.
        let is_single = matches!(racer, Racer::Hotplug | Racer::End);
        if is_single && racers.iter().any(|(known, _)| *known == racer) {
            continue;
        }
        if let Some(step) = racer_step(racer, run, draw) {
            racers.push((racer, with_times(racer, step, draw)));
        }
    }
    run.step("together", list(racers.into_iter().map(|(_, step)| step)));
    if draw.chance(80) {
        run.go_on(draw);
    }
    let watched = |name: &String| run.now.iter().any(|kdamond| kdamond.watches(name));
    run.over = run.ended.iter().any(watched) || draw.chance(20);
    if !run.over {
        run.restart(draw);
    }
}

/// A step that is repeated, where that has an effect.
fn with_times(racer: Racer, step: Tree, draw: &mut Draw) -> Tree {
    let times = *draw.weighted(TIMES);
    if times == 1 || matches!(racer, Racer::End | Racer::Hotplug) {
        return step;
    }
    let mut step = match step {
        Tree::Leaf(name) => map([(name.as_str(), Tree::Null)]),
        other => other,
    };
    step.set("times", times);
    step
}

/// One of them; none where it would have no effect.
fn racer_step(racer: Racer, run: &mut Run<'_>, draw: &mut Draw) -> Option<Tree> {
    let write = |(file, value): (&str, &str)| Some(write(file, value, None));
    match racer {
        Racer::Commit => {
            let kdamonds = run.now.iter().map(|kdamond| kdamond.changed(run.world, draw).tree());
            let kdamonds = list(kdamonds.collect::<Vec<_>>());
            Some(map([("commit", map([("kdamonds", kdamonds)]))]))
        }
        Racer::Retarget => retarget(&run.now, run, draw),
        Racer::Pause => Some("pause".into()),
        Racer::Resume => Some("resume".into()),
        Racer::Stop => Some("stop".into()),
        Racer::Start => Some("start".into()),
        Racer::ReadBack => Some("read_back".into()),
        Racer::Command => {
            let kdamond = draw.index(run.now.len());
            write((format!("{kdamond}/state").as_str(), *draw.pick(RACING_COMMANDS)))
        }
        Racer::File => write(*draw.pick(RACING_WRITES)),
        Racer::Module => write(*draw.pick(RACING_PARAMETERS)),
        Racer::Path => {
            let (path, value) = *draw.pick(RACING_PATHS);
            Some(map([("write", map([("path", path.into()), ("value", value.into())]))]))
        }
        Racer::Move => moved(run, draw),
        Racer::End => end(run, draw),
        Racer::Hotplug => hotplug(run, draw),
    }
}

fn retarget(now: &[Kdamond], run: &Run<'_>, draw: &mut Draw) -> Option<Tree> {
    let place = now.iter().position(|kdamond| !kdamond.schemes.is_empty())?;
    let new = list(goals(now[place].vaddr, run.world, draw));
    let mut entry = map([("scheme", 0.into()), ("goals", new)]);
    if place > 0 {
        entry.set("kdamond", place as u64);
    }
    Some(map([("retarget", list([entry]))]))
}

fn moved(run: &Run<'_>, draw: &mut Draw) -> Option<Tree> {
    let alive: Vec<String> = run.alive().map(|process| process.name.clone()).collect();
    let online: Vec<u64> =
        run.world.nodes.iter().map(|node| node.id).filter(|id| run.offline != Some(*id)).collect();
    let name = alive.get(draw.index(alive.len()))?;
    let step = map([("name", name.as_str().into()), ("move", (*draw.pick(&online)).into())]);
    Some(map([("workload", step)]))
}

/// One that is watched rather than another, since the kdamond then ends with it.
fn end(run: &mut Run<'_>, draw: &mut Draw) -> Option<Tree> {
    let alive: Vec<String> = run.alive().map(|process| process.name.clone()).collect();
    let watched: Vec<String> =
        alive.iter().filter(|name| run.now.iter().any(|one| one.watches(name))).cloned().collect();
    let choice = if watched.is_empty() { alive } else { watched };
    let name = choice.get(draw.index(choice.len()))?.clone();
    let step = map([("workload", map([("name", name.as_str().into()), ("end", true.into())]))]);
    run.ended.push(name);
    Some(step)
}

fn hotplug(run: &mut Run<'_>, draw: &mut Draw) -> Option<Tree> {
    let node = |word: &str, id: u64| Some(map([(word, map([("node", id.into())]))]));
    if let Some(id) = run.offline.take() {
        return node("online", id);
    }
    let nodes = run.world.nodes.iter().filter(|node| node.traits.removable);
    let removable: Vec<u64> = nodes.map(|node| node.id).collect();
    node("offline", *removable.get(draw.index(removable.len()))?)
}
