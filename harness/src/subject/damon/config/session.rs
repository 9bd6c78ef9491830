//! DAMON between two steps: whether it runs, with which configuration, and which step can follow.

use super::kdamond::kdamonds;
use super::raw_steps::{RawCommit, RawDamonStep, RawNewGoals, RawRetarget, RawStart};
use super::vocabulary::Vocabulary;
use super::window::charge_window;
use super::{own_files, scheme, written_file};
use crate::grammar::{At, Checked, Fault, Names, Number, Scalar, errno};
use damonlab_protocol::damon::{Kdamond, MODULE, goals_folder};
use damonlab_protocol::plan::{SchemeAt, Step};
use damonlab_protocol::units::Nanos;
use serde_saphyr::Location;

/// How long a file's name may be: more than sysfs has.
const MAX_NAME: usize = 1_000;

/// DAMON's modules with parameters that can be written.
const MODULES: [&str; 3] = ["damon_stat", "damon_reclaim", "damon_lru_sort"];

/// Commands after which another configuration is in force, and the steps that do the same.
const COMMANDS: &[(&str, &str)] =
    &[("on", "start"), ("off", "stop"), ("commit", "commit"), ("commit_schemes_quota_goals", "retarget")];

/// Where the kdamonds are between two steps.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Off,
    On,
    /// A start that the kernel must refuse was the last step.
    Refused,
}

/// DAMON's part in the steps of a scenario, also where it has none.
pub(crate) struct Session<'a> {
    words: Vocabulary<'a>,
    /// What `start` starts; empty in a scenario without DAMON.
    started: &'a [Kdamond],
    /// What is in force, or would be if DAMON ran.
    kdamonds: Vec<Kdamond>,
    state: State,
    /// A start has made the files of the configuration.
    has_files: bool,
    /// Steps at once have changed it since the last start: neither is known whether it runs, nor with what.
    unsettled: bool,
    /// There may be other folders than those of the configuration: after a write of a number, and after a refused commit.
    other_folders: bool,
}

impl<'a> Session<'a> {
    /// Before the first step.
    pub(crate) fn new(words: Vocabulary<'a>, started: &'a [Kdamond]) -> Session<'a> {
        Session {
            words,
            started,
            kdamonds: started.to_vec(),
            state: State::Off,
            has_files: false,
            unsettled: false,
            other_folders: false,
        }
    }

    /// The plan's step for one that is about DAMON, which stands at `at`.
    pub(crate) fn step(&mut self, at: Location, raw: &RawDamonStep) -> Checked<Step> {
        // What DAMON's modules set up can be read, too, and what steps at once left.
        let compares = !self.started.is_empty() && self.state != State::Off && !self.unsettled;
        if matches!(raw, RawDamonStep::ReadBack) && !compares {
            self.check_may_follow(at)?;
            return Ok(Step::ReadBack);
        }
        self.need_configuration(at, raw)?;
        match raw {
            RawDamonStep::Start(start) => self.start(at, start),
            RawDamonStep::Stop => self.stop(at),
            RawDamonStep::Commit(commit) => self.commit(at, commit),
            RawDamonStep::Retarget(retarget) => self.retarget(at, retarget),
            RawDamonStep::Pause => self.pause(at),
            RawDamonStep::Resume => self.resume(at),
            RawDamonStep::ReadBack => self.need_running(at).map(|()| Step::ReadBack),
        }
    }

    fn need_configuration(&self, at: Location, raw: &RawDamonStep) -> Checked<()> {
        if !self.started.is_empty() {
            return Ok(());
        }
        let message = format!("the step `{}` is about DAMON, and this scenario configures none", raw.name());
        Err(Fault::at_location(at, message)
            .help("damon: {kdamonds: [...]}; without DAMON, `run` needs no `start`"))
    }

    /// One of several steps at once. What is in force stays as it is: each of them begins with that.
    pub(crate) fn part(&self, at: Location, raw: &RawDamonStep) -> Checked<Step> {
        self.need_configuration(at, raw)?;
        if !self.has_files {
            let message = format!("`{}` comes at once with others before a `start`", raw.name());
            return Err(
                Fault::at_location(at, message).help("put `start` before it, which makes DAMON's files")
            );
        }
        let mut alone =
            Session { kdamonds: self.kdamonds.clone(), state: State::On, unsettled: false, ..*self };
        let step = match raw {
            RawDamonStep::Start(start) => {
                alone.state = State::Off;
                alone.start(at, start)?
            }
            RawDamonStep::Pause => {
                alone.set_pause(true);
                Step::Pause { kdamonds: alone.kdamonds }
            }
            RawDamonStep::Resume => {
                alone.set_pause(false);
                Step::Resume { kdamonds: alone.kdamonds }
            }
            other => alone.step(at, other)?,
        };
        match step.refusal().flatten() {
            None => Ok(step),
            Some(_) => Err(Fault::at_location(
                at,
                "nobody knows whether the kernel refuses one of several steps at once",
            )
            .help("leave `refused` out; the recording has what the kernel refused")),
        }
    }

    /// Several steps at once were carried out.
    pub(crate) fn race(&mut self, step: &Step) {
        if step.unsettles_damon() {
            self.unsettled = true;
            // It may run, so it has to be stopped.
            self.state = State::On;
        }
    }

    /// Refuses a step for which has to be known what DAMON does.
    pub(crate) fn check_known(&self, at: Location) -> Checked<()> {
        if !self.unsettled {
            return Ok(());
        }
        Err(Fault::at_location(
            at,
            "after steps at once nobody knows whether DAMON runs, and with which configuration",
        )
        .help("`stop` and `start` before it: a start begins with what `damon:` has"))
    }

    /// Refuses any step after a start that must be refused.
    pub(crate) fn check_may_follow(&self, at: Location) -> Checked<()> {
        match self.state {
            State::Refused => {
                Err(Fault::at_location(at, "no step can follow a start that the kernel must refuse"))
            }
            State::Off | State::On => Ok(()),
        }
    }

    /// Refuses a run of a configuration that was not started.
    pub(crate) fn check_may_run(&self, at: Location) -> Checked<()> {
        self.check_may_follow(at)?;
        if self.state == State::Off && !self.started.is_empty() {
            return Err(Fault::at_location(at, "this run comes before `start`, so DAMON does not run")
                .help("put `start` before it"));
        }
        Ok(())
    }

    /// How long so many charge windows take; `most` is too long.
    pub(crate) fn time_of(&self, windows: &At<Number>, most: Nanos) -> Checked<Nanos> {
        let fault = |message: &str| Fault::at(windows, message).help("give the run a time: run: {for: 10s}");
        if self.started.is_empty() {
            return Err(fault("`windows` counts DAMON's charge windows, and this scenario has no DAMON"));
        }
        if self.unsettled {
            return Err(fault("nobody knows which charge windows there are after steps at once"));
        }
        if self.is_paused() {
            return Err(fault("no charge window ends while DAMON is paused"));
        }
        let Some(window) = charge_window(&self.kdamonds) else {
            return Err(fault("a charge window never ends here: a quota's reset_interval_ms is too long"));
        };
        match window.0.checked_mul(windows.value.0) {
            Some(time) if time <= most.0 => Ok(Nanos(time)),
            _ => {
                let message =
                    format!("{} windows of {window} are more than {most} of guest time", windows.value.0);
                Err(Fault::at(windows, message))
            }
        }
    }

    /// How many whole charge windows a run has room for, where windows end at all.
    pub(crate) fn windows_in(&self, time: Nanos) -> Option<u64> {
        if self.is_paused() || self.unsettled {
            return Some(0);
        }
        charge_window(&self.kdamonds).filter(|window| window.0 > 0).map(|window| time.0 / window.0)
    }

    /// Checks a write of `value` into `file`, relative to DAMON's kdamonds, outside of the steps that have names.
    pub(crate) fn check_write(
        &mut self,
        file: &At<Scalar>,
        value: &At<Scalar>,
        refused: bool,
    ) -> Checked<()> {
        check_file(file)?;
        self.other_folders |= written_file::makes_folders(&file.value.0);
        if self.has_files && !self.unsettled && !self.other_folders && !refused {
            written_file::check(file, &self.kdamonds)?;
        }
        let command = COMMANDS.iter().find(|(command, _)| *command == value.value.0);
        match command.filter(|_| file.value.0.ends_with("/state") && !refused) {
            None => Ok(()),
            Some((command, step)) => Err(Fault::at(
                value,
                format!("after '{command}' no check could know which configuration is in force"),
            )
            .help(format!("use the step `{step}`, or add `refused:` with the errno"))),
        }
    }

    /// A program of the host runs, which may make folders of DAMON's.
    pub(crate) fn others_may_write(&mut self) {
        self.other_folders = true;
    }

    /// Whether no kdamond does anything.
    fn is_paused(&self) -> bool {
        !self.kdamonds.is_empty() && self.kdamonds.iter().all(|kdamond| kdamond.context.pause)
    }

    fn need_running(&self, at: Location) -> Checked<()> {
        self.check_may_follow(at)?;
        self.check_known(at)?;
        match self.state {
            State::On => Ok(()),
            _ => Err(Fault::at_location(at, "DAMON does not run").help("put `start` before it")),
        }
    }

    fn start(&mut self, at: Location, raw: &RawStart) -> Checked<Step> {
        self.check_may_follow(at)?;
        if self.state == State::On {
            let message =
                if self.unsettled { "DAMON may still run after steps at once" } else { "DAMON runs already" };
            return Err(Fault::at_location(at, message).help("stop it first"));
        }
        let refused = errno(raw.refused.as_ref())?;
        self.state = if refused.is_some() { State::Refused } else { State::On };
        self.kdamonds = self.started.to_vec();
        (self.has_files, self.unsettled) = (true, false);
        Ok(Step::Start { refused })
    }

    fn stop(&mut self, at: Location) -> Checked<Step> {
        self.check_may_follow(at)?;
        if self.state == State::Off {
            return Err(Fault::at_location(at, "this `stop` comes before a `start`"));
        }
        self.state = State::Off;
        Ok(Step::Stop)
    }

    fn commit(&mut self, at: Location, raw: &RawCommit) -> Checked<Step> {
        self.need_running(at)?;
        let refused = errno(raw.refused.as_ref())?;
        let names = Names { refused: refused.is_some(), ..self.words.names.clone() };
        let words = Vocabulary { names: &names, ..self.words };
        let kdamonds = kdamonds(&raw.kdamonds.value, &words)?;
        let (running, given) = (self.kdamonds.len(), kdamonds.len());
        if given != running {
            let message = format!("{running} kdamonds run, and here are {given}");
            return Err(Fault::at(&raw.kdamonds, message)
                .help("a commit is into each that runs; `stop` and another scenario change their number"));
        }
        match refused {
            None => self.kdamonds.clone_from(&kdamonds),
            Some(_) => self.other_folders = true,
        }
        Ok(Step::Commit { kdamonds, refused })
    }

    fn retarget(&mut self, at: Location, raw: &RawRetarget) -> Checked<Step> {
        self.need_running(at)?;
        let refused = errno(raw.refused.as_ref())?;
        if raw.schemes.is_empty() {
            return Err(Fault::at_location(at, "no scheme gets new goals")
                .help("retarget: [{scheme: 0, goals: [...]}]"));
        }
        let mut kdamonds = self.kdamonds.clone();
        let mut schemes = Vec::new();
        let names = Names { refused: refused.is_some(), ..self.words.names.clone() };
        let goals = raw.schemes.iter().flat_map(|scheme| &scheme.value.goals);
        goals.clone().try_for_each(|goal| scheme::memcg_of_goal(goal, &names))?;
        for one in &raw.schemes {
            let scheme = self.new_goals(one, &mut kdamonds)?;
            if schemes.contains(&scheme) {
                let (kdamond, scheme) = (scheme.kdamond, scheme.scheme);
                let message = format!("kdamond {kdamond}, scheme {scheme} gets new goals twice");
                return Err(Fault::at(one, message));
            }
            schemes.push(scheme);
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
            let at = one.kdamond.as_ref().map_or(raw.referenced, |at| at.referenced);
            return Err(Fault::at_location(at, format!("there is no kdamond {kdamond}"))
                .help(format!("{count} run, counted from 0")));
        };
        let index = usize::try_from(one.scheme.value.0).unwrap_or(usize::MAX);
        let count = config.context.schemes.len();
        let ops = config.context.ops.clone();
        let Some(changed) = config.context.schemes.get_mut(index) else {
            return Err(Fault::at(&one.scheme, format!("there is no scheme {index}"))
                .help(format!("kdamond {kdamond} has {count}, counted from 0")));
        };
        // The kernel does not look at the operations here (`damos_sysfs_set_quota_scores`), and takes it.
        let names = Names { refused: true, ..self.words.names.clone() };
        let words = Vocabulary { names: &names, ..self.words };
        let goals = one.goals.iter().map(|goal| scheme::goal(goal, &ops, &words));
        changed.quota.goals = goals.collect::<Checked<Vec<_>>>()?;
        let folder = goals_folder(index);
        config.sysfs.retain(|file| !file.path.starts_with(&folder));
        let files = own_files::of_goals(&one.goals, index, config, &words)?;
        config.sysfs.extend(files);
        Ok(SchemeAt { kdamond, scheme: index })
    }

    fn pause(&mut self, at: Location) -> Checked<Step> {
        self.need_running(at)?;
        if self.is_paused() {
            return Err(Fault::at_location(at, "DAMON is paused already").help("`resume` lets it go on"));
        }
        self.set_pause(true);
        Ok(Step::Pause { kdamonds: self.kdamonds.clone() })
    }

    fn resume(&mut self, at: Location) -> Checked<Step> {
        self.need_running(at)?;
        if !self.kdamonds.iter().any(|kdamond| kdamond.context.pause) {
            return Err(Fault::at_location(at, "DAMON is not paused").help("put `pause` before it"));
        }
        self.set_pause(false);
        Ok(Step::Resume { kdamonds: self.kdamonds.clone() })
    }

    fn set_pause(&mut self, pause: bool) {
        self.kdamonds.iter_mut().for_each(|kdamond| kdamond.context.pause = pause);
    }
}

fn check_file(raw: &At<Scalar>) -> Checked<()> {
    let text = raw.value.0.as_str();
    let part = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let of_module =
        |rest: &str| MODULES.iter().any(|name| rest.split_once('/').is_some_and(|(one, _)| one == *name));
    let known = text.strip_prefix(MODULE).is_none_or(of_module);
    if text.len() <= MAX_NAME && text.split('/').all(part) && known {
        return Ok(());
    }
    Err(Fault::at(
        raw,
        "this is no file below /sys/kernel/mm/damon/admin/kdamonds, nor a parameter of DAMON's modules",
    )
    .help("for instance nr_kdamonds, 0/contexts/0/schemes/0/action or module/damon_stat/enabled; any other file is a `path`"))
}
