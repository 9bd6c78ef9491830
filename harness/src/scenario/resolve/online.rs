//! Steps that change what runs: whether they can, and what is in force after them.

use super::steps::{State, after_refusal};
use super::{Names, boot, context, scheme};
use crate::scenario::error::{Checked, Fault};
use crate::scenario::raw::At;
use crate::scenario::raw_steps::{RawCommit, RawNewGoals, RawPhase, RawRetarget, RawStep, RawWrite};
use crate::scenario::units::Word;
use crate::scenario::vocabulary::ERRNOS;
use damonlab_protocol::damon::{Kdamond, MODULE};
use damonlab_protocol::plan::{Phase, SchemeAt, Step, Workload};

/// How long a file's name and a value may be: more than sysfs has, and less than a page.
const MAX_TEXT: usize = 1_000;

/// DAMON's modules with parameters that can be written.
const MODULES: [&str; 3] = ["damon_stat", "damon_reclaim", "damon_lru_sort"];

/// Commands after which another configuration is in force, and the steps that do the same.
const COMMANDS: &[(&str, &str)] =
    &[("on", "start"), ("off", "stop"), ("commit", "commit"), ("commit_schemes_quota_goals", "retarget")];

/// What is in force between two steps.
pub(super) struct Now<'a> {
    pub(super) names: &'a Names,
    pub(super) workloads: &'a [Workload],
    /// What `start` starts.
    pub(super) started: &'a [Kdamond],
    pub(super) kdamonds: Vec<Kdamond>,
    pub(super) state: State,
}

/// The errno name that the kernel must answer with, if any.
pub(super) fn errno(raw: Option<&At<Word>>) -> Checked<Option<String>> {
    let Some(errno) = raw else { return Ok(None) };
    let name = errno.value.0.as_str();
    if !ERRNOS.contains(&name) {
        return Err(Fault::at(errno, format!("no refusal is expected with '{name}'")).known(name, ERRNOS));
    }
    Ok(Some(name.to_owned()))
}

impl Now<'_> {
    /// Whether no kdamond does anything.
    pub(super) fn paused(&self) -> bool {
        !self.kdamonds.is_empty() && self.kdamonds.iter().all(|kdamond| kdamond.context.pause)
    }

    /// Refuses a step that is about DAMON in a scenario without it.
    pub(super) fn need_damon(&self, place: &At<RawStep>, step: &str) -> Checked<()> {
        if !self.started.is_empty() {
            return Ok(());
        }
        Err(Fault::at(place, format!("the step `{step}` is about DAMON, and this scenario configures none"))
            .help("damon: {kdamonds: [...]}; without DAMON, `run` needs no `start`"))
    }

    fn need_running(&self, place: &At<RawStep>, step: &str) -> Checked<()> {
        self.need_damon(place, step)?;
        match self.state {
            State::On => Ok(()),
            State::Off => Err(Fault::at(place, "DAMON does not run").help("put `start` before it")),
            State::Refused => Err(after_refusal(place)),
        }
    }

    pub(super) fn commit(&mut self, place: &At<RawStep>, raw: &RawCommit) -> Checked<Step> {
        self.need_running(place, "commit")?;
        let refused = errno(raw.refused.as_ref())?;
        let names = Names { refused: refused.is_some(), ..self.names.clone() };
        let raw = &raw.kdamonds;
        let kdamonds =
            raw.value.iter().map(|raw| context::kdamond(raw, &names)).collect::<Checked<Vec<_>>>()?;
        let (running, given) = (self.kdamonds.len(), kdamonds.len());
        if given != running {
            return Err(Fault::at(raw, format!("{running} kdamonds run, and here are {given}"))
                .help("a commit is into each that runs; `stop` and another scenario change their number"));
        }
        if refused.is_none() {
            self.kdamonds.clone_from(&kdamonds);
        }
        Ok(Step::Commit { kdamonds, refused })
    }

    pub(super) fn retarget(&mut self, place: &At<RawStep>, raw: &RawRetarget) -> Checked<Step> {
        self.need_running(place, "retarget")?;
        let refused = errno(raw.refused.as_ref())?;
        if raw.schemes.is_empty() {
            return Err(
                Fault::at(place, "no scheme gets new goals").help("retarget: [{scheme: 0, goals: [...]}]")
            );
        }
        let mut kdamonds = self.kdamonds.clone();
        let mut schemes = Vec::new();
        for one in &raw.schemes {
            let at = self.new_goals(one, &mut kdamonds)?;
            if schemes.contains(&at) {
                let message = format!("kdamond {}, scheme {} gets new goals twice", at.kdamond, at.scheme);
                return Err(Fault::at(one, message));
            }
            schemes.push(at);
        }
        if refused.is_none() {
            self.kdamonds.clone_from(&kdamonds);
        }
        Ok(Step::Retarget { kdamonds, schemes, refused })
    }

    fn new_goals(&self, raw: &At<RawNewGoals>, kdamonds: &mut [Kdamond]) -> Checked<SchemeAt> {
        let one = &raw.value;
        let kdamond = one.kdamond.as_ref().map_or(0, |index| index.value.0);
        let kdamond = usize::try_from(kdamond).unwrap_or(usize::MAX);
        let count = kdamonds.len();
        let Some(config) = kdamonds.get_mut(kdamond) else {
            let message = format!("there is no kdamond {kdamond}");
            let fault =
                one.kdamond.as_ref().map_or_else(|| Fault::at(raw, &message), |at| Fault::at(at, &message));
            return Err(fault.help(format!("{count} run, counted from 0")));
        };
        let index = usize::try_from(one.scheme.value.0).unwrap_or(usize::MAX);
        let count = config.context.schemes.len();
        let ops = config.context.ops;
        let Some(changed) = config.context.schemes.get_mut(index) else {
            return Err(Fault::at(&one.scheme, format!("there is no scheme {index}"))
                .help(format!("kdamond {kdamond} has {count}, counted from 0")));
        };
        // The kernel does not look at the operations here (`damos_sysfs_set_quota_scores`), and takes it.
        let names = Names { refused: true, ..self.names.clone() };
        let goals = one.goals.iter().map(|goal| scheme::goal(goal, ops, &names));
        changed.quota.goals = goals.collect::<Checked<Vec<_>>>()?;
        Ok(SchemeAt { kdamond, scheme: index })
    }

    pub(super) fn pause(&mut self, place: &At<RawStep>) -> Checked<Step> {
        self.need_running(place, "pause")?;
        if self.paused() {
            return Err(Fault::at(place, "DAMON is paused already").help("`resume` lets it go on"));
        }
        self.set_pause(true);
        Ok(Step::Pause { kdamonds: self.kdamonds.clone() })
    }

    pub(super) fn resume(&mut self, place: &At<RawStep>) -> Checked<Step> {
        self.need_running(place, "resume")?;
        if !self.kdamonds.iter().any(|kdamond| kdamond.context.pause) {
            return Err(Fault::at(place, "DAMON is not paused").help("put `pause` before it"));
        }
        self.set_pause(false);
        Ok(Step::Resume { kdamonds: self.kdamonds.clone() })
    }

    fn set_pause(&mut self, pause: bool) {
        self.kdamonds.iter_mut().for_each(|kdamond| kdamond.context.pause = pause);
    }

    pub(super) fn write(&self, place: &At<RawStep>, raw: &RawWrite) -> Checked<Step> {
        if self.state == State::Refused {
            return Err(after_refusal(place));
        }
        let refused = errno(raw.refused.as_ref())?;
        let file = match (&raw.file, &raw.path) {
            (Some(file), None) => self::file(file)?,
            (None, Some(path)) => boot::path(path)?,
            _ => {
                return Err(Fault::at(
                    place,
                    "a write is into a `file` of DAMON's, or into a `path`, one of them",
                )
                .help(
                    "write: {file: 0/state, value: on}, or write: {path: /proc/sys/vm/swappiness, value: 10}",
                ));
            }
        };
        let value = boot::value(&raw.value)?;
        if file.ends_with("/state")
            && refused.is_none()
            && let Some((_, step)) = COMMANDS.iter().find(|(command, _)| *command == value)
        {
            let message = format!("after '{value}' no check would know what is in force");
            return Err(Fault::at(&raw.value, message)
                .help(format!("use the step `{step}`, or say with which errno the kernel must refuse it")));
        }
        Ok(Step::Write { file, value, refused })
    }

    pub(super) fn workload(&self, place: &At<RawStep>, raw: &RawPhase) -> Checked<Step> {
        if self.state == State::Refused {
            return Err(after_refusal(place));
        }
        let name = self.names.workload(&raw.name)?;
        let touched = self.workloads.iter().any(|workload| workload.name == name && workload.hot_bp > 0);
        if !touched && raw.node.is_none() {
            return Err(Fault::at(&raw.name, format!("'{name}' touches nothing that could change"))
                .help("give it a `touch`, or move it"));
        }
        let phase = match (&raw.hot, &raw.node, &raw.pause) {
            (Some(hot), None, None) if hot.value.0.0 > 10_000 => {
                return Err(Fault::at(hot, "more than 100 % of the workload"));
            }
            (Some(hot), None, None) => Phase::Hot { hot_bp: hot.value.0.0 },
            (None, Some(node), None) => Phase::Move { node: self.names.memory(node.value.0, node)? },
            (None, None, Some(pause)) if pause.value.0 => Phase::Pause,
            (None, None, Some(_)) => Phase::Resume,
            _ => {
                return Err(Fault::at(place, "a workload is told one thing at a time").help(
                    "workload: {name: hot, hot: 50%}, {name: hot, move: 1} or {name: hot, pause: true}",
                ));
            }
        };
        Ok(Step::Workload { name, phase })
    }
}

fn file(raw: &At<Word>) -> Checked<String> {
    let text = raw.value.0.as_str();
    let part = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let of_module =
        |rest: &str| MODULES.iter().any(|name| rest.split_once('/').is_some_and(|(one, _)| one == *name));
    let known = text.strip_prefix(MODULE).is_none_or(of_module);
    if text.len() <= MAX_TEXT && text.split('/').all(part) && known {
        return Ok(text.to_owned());
    }
    Err(Fault::at(
        raw,
        "this is no file below /sys/kernel/mm/damon/admin/kdamonds, nor a parameter of DAMON's modules",
    )
    .help("for instance nr_kdamonds, 0/contexts/0/schemes/0/action or module/damon_stat/enabled"))
}
