//! What the kernel must refuse: starts and commits of a wrong configuration, commands to a kdamond that is paused or has
//! stopped.

use super::monitor::Kdamond;
use super::run::Run;
use super::table::{OVERLAPS, PAUSED_COMMANDS, STOPPED_COMMANDS, WITHOUT_CONTEXT_COMMANDS, WRONG_VALUES};
use crate::explore::tree::{Tree, list, map};
use crate::scenario::Draw;

const STATE: &str = "0/state";

/// A write into a file of DAMON's; with an errno one that the kernel refuses.
pub(super) fn write(file: &str, value: &str, refused: Option<&str>) -> Tree {
    let mut write = map([("file", file.into()), ("value", value.into())]);
    if let Some(errno) = refused {
        write.set("refused", errno);
    }
    map([("write", write)])
}

/// A wrong value in the first kdamond's files that only a commit finds out; then the right one is back.
pub(super) fn wrong_commit(run: &mut Run<'_>, draw: &mut Draw) {
    let Some(first) = run.now.first() else { return };
    // The kernel ignores the unit of virtual addresses.
    let wrong = draw.pick(if first.vaddr { &WRONG_VALUES[1..] } else { WRONG_VALUES });
    let least = first.least_regions();
    let right = wrong.right.or(least).unwrap_or("10").to_owned();
    run.steps.push(write(wrong.file, wrong.value, None));
    run.steps.push(write(STATE, "commit", Some("EINVAL")));
    run.steps.push(write(wrong.file, &right, None));
}

/// A command to kdamonds that are paused.
pub(super) fn while_paused(run: &mut Run<'_>, draw: &mut Draw) {
    let command = *draw.pick(PAUSED_COMMANDS);
    run.steps.push(write(STATE, command, Some("ECANCELED")));
}

/// Commands to kdamonds that have stopped, and then have no context.
pub(super) fn after_the_end(steps: &mut Vec<Tree>, draw: &mut Draw) {
    for command in STOPPED_COMMANDS {
        if draw.chance(60) {
            steps.push(write(STATE, command, Some("ECANCELED")));
        }
    }
    if draw.chance(60) {
        steps.push(write("0/contexts/nr_contexts", "0", None));
        let command = *draw.pick(WITHOUT_CONTEXT_COMMANDS);
        steps.push(write(STATE, command, Some("EINVAL")));
    }
}

/// A kdamond of physical addresses that the kernel does not start, for its address unit or for ranges that overlap.
pub(super) fn wrong_start(kdamond: &Kdamond, draw: &mut Draw) -> Kdamond {
    let mut wrong = kdamond.clone();
    match OVERLAPS.get(draw.index(2 * OVERLAPS.len())) {
        Some(ranges) => {
            let range = |(start, end): &(u64, u64)| {
                map([("start", format!("{start:#x}").into()), ("end", format!("{end:#x}").into())])
            };
            wrong.targets = vec![map([("regions", list(ranges.iter().map(range)))])];
        }
        None => wrong.addr_unit = Some(3),
    }
    wrong
}
