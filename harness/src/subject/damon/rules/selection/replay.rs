//! Replays one scheme from the start of its kdamond, over commits.

use super::super::dumps::Dump;
use super::memory::Obstacle;
use super::part::Part;
use super::passes::{ApplyPass, passes};
use super::progress::State;
use crate::check::log::splats::version;
use crate::subject::damon::events::Esz;
use crate::subject::damon::replayed::Replay;
use crate::subject::damon::rule::Reason;
use crate::subject::damon::view::{KdamondRun, View, is_limited, need_known_action};
use damonlab_protocol::damon::{MODULE, Pid, Scheme, is_update};
use damonlab_protocol::plan::Step;

/// The first series with the arithmetic that is replayed: before it, the access counts of a pass are others
/// (`nr_accesses_bp`).
const FIRST: (u32, u32) = (7, 3);

/// Replays the scheme of a run that begins with a start, and of those that continue it.
///
/// # Errors
/// Nothing can be replayed.
pub(crate) fn replay(view: &View<'_>, run: &KdamondRun<'_>, index: usize) -> Result<Replay, Reason> {
    let since_start = view.since_start(run);
    let passes = passes(view, since_start)?;
    let mut replay = Replay::default();
    if passes.cut {
        replay.reasons.insert("a commit changed when schemes are due, or the regions".to_owned());
    }
    let mut state = State::default();
    for of_run in passes.passes.chunk_by(|one, next| std::ptr::eq(one.run, next.run)) {
        match replay_run(view, index, (of_run, &passes.dumps), &mut state, &mut replay) {
            Ok(()) => {}
            Err(Obstacle::Unknown(reason)) => {
                replay.reasons.insert(reason);
                break;
            }
            Err(Obstacle::Wrong(violation)) => {
                replay.selection.push(|| violation);
                break;
            }
        }
    }
    Ok(replay)
}

/// Replays the passes with one configuration. An obstacle is one for all passes that follow.
fn replay_run<'a>(
    view: &View<'_>,
    index: usize,
    (passes, dumps): (&[ApplyPass<'_, 'a>], &[Dump<'a>]),
    state: &mut State<'a>,
    replay: &mut Replay,
) -> Result<(), Obstacle> {
    let Some(run) = passes.first().map(|pass| pass.run) else { return Ok(()) };
    let scheme = &run.config.context.schemes[index];
    need_known_configuration(view, run, scheme)?;
    let limited = is_limited(scheme);
    if state.limited.replace(limited).is_some_and(|before| before != limited) {
        // The effective quota stays as it was until the window ends (docs/findings.md).
        return Err("a commit set or removed the quota".to_owned().into());
    }
    let part = Part::new(view, run, index)?;
    passes.iter().try_for_each(|pass| part.pass(pass, dumps, state, replay))
}

/// An error where the kernel computes otherwise, or where the trace lacks what it computes with.
fn need_known_configuration(view: &View<'_>, run: &KdamondRun<'_>, scheme: &Scheme) -> Result<(), Reason> {
    if version(&view.recording.report.kernel).is_none_or(|series| series < FIRST) {
        return Err("before Linux 7.3 a pass has other access counts".to_owned());
    }
    run.need_bytes()?;
    need_known_action(scheme)?;
    if is_limited(scheme) {
        view.need(&[Esz::NAME])?;
    }
    let may_end = |pid: &Pid| !matches!(pid, Pid::Workload(_));
    if run.config.context.targets.iter().any(|target| target.pid.as_ref().is_some_and(may_end)) {
        return Err("the process of a target may have ended".to_owned());
    }
    need_own_configuration(view, run)
}

/// An error where DAMON may have another configuration than that of the plan.
pub(crate) fn need_own_configuration(view: &View<'_>, run: &KdamondRun<'_>) -> Result<(), Reason> {
    match !run.config.sysfs.is_empty() || view.recording.plan.steps.iter().any(may_configure) {
        true => Err("the scenario writes to files of DAMON's itself".to_owned()),
        false => Ok(()),
    }
}

/// Whether a step may change the configuration of a running kdamond in a way that is not known: it writes to files of
/// DAMON's, or runs a program of the host. Some commands only read results out (`damon_sysfs_handle_cmd`), and the
/// kernel takes another number of kdamonds only while none runs (`nr_kdamonds_store`).
fn may_configure(step: &Step) -> bool {
    match step {
        Step::Write { file, value, refused: None } => {
            let is_damons = !file.starts_with('/') && !file.starts_with(MODULE) && file != "nr_kdamonds";
            // Intervals are fixed here, so the tuned ones are those of the configuration.
            let reads_out = is_update(value) || value == "update_tuned_intervals";
            is_damons && !(file.ends_with("/state") && reads_out)
        }
        Step::HostCommand { .. } => true,
        _ => false,
    }
}
