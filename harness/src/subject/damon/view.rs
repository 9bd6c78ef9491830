//! A recording as the checks need it: the trace split by kdamond, names resolved.
//!
//! Every kdamond prints `ctx_idx=0`, so only the pid of a line says whose it is.

use super::config;
use super::config_periods::{self, ConfigPeriod};
use super::events::{Esz, Event, Measurement, SchemeEvent, TRACED_METRICS, goal_event};
use super::modules;
use super::replayed::Replayed;
use super::windows::{self, ChargeWindows};
use crate::check::rule::Reason;
use crate::check::subject::{Subject, bare};
use crate::host::text::foreign;
use crate::recording::{Line, Recording};
use crate::trace::TypedEvent;
use damonlab_protocol::damon::{AddrRange, Context, Goal, Kdamond, Ops, Scheme};
use std::collections::BTreeMap;

/// The page size, which is the least size of a region where `addr_unit` is 1 (`DAMON_MIN_REGION_SZ`).
pub(crate) const PAGE: u64 = 4096;

/// The property of an event that stands for its kdamond, in a `where`.
const KDAMOND: &str = "kdamond";

pub(crate) struct View<'a> {
    pub(crate) recording: &'a Recording,
    /// One entry per pid and configuration: a kdamond that is started twice has two, and one that gets a commit
    /// continues in another entry, which comes right after.
    pub(crate) kdamond_runs: Vec<KdamondRun<'a>>,
    /// DAMON's events from tasks that are no kdamond of the plan.
    pub(crate) foreign_events: Vec<&'a Line>,
}

/// All that one kdamond did with one configuration: from its start or a commit to the next commit or its end.
pub(crate) struct KdamondRun<'a> {
    pub(crate) kdamond: usize,
    pub(crate) pid: i32,
    /// The configuration that was in force.
    pub(crate) config: &'a Kdamond,
    /// The step that committed this configuration to a running kdamond, which keeps the state of its schemes, windows
    /// and counters ([`View::history`]).
    pub(crate) since: Option<usize>,
    /// How many schemes continue from the entry before.
    kept: usize,
    /// DAMON's events of this pid in that time, in order.
    pub(crate) lines: Vec<&'a Line>,
    /// The charge windows, one entry per scheme.
    pub(crate) charge_windows: Vec<ChargeWindows<'a>>,
    /// One entry per scheme.
    pub(crate) replays: Vec<Replayed>,
}

impl<'a> View<'a> {
    pub(crate) fn new(recording: &'a Recording) -> View<'a> {
        let mut by_pid: BTreeMap<i32, Vec<&Line>> = BTreeMap::new();
        for line in recording.trace.lines.iter().filter(|line| line.event.is_damons()) {
            by_pid.entry(line.pid).or_default().push(line);
        }
        let mut view = View { recording, kdamond_runs: Vec::new(), foreign_events: Vec::new() };
        let modules_run = modules::are_turned_on(recording);
        for (_, lines) in by_pid {
            let Some((kdamond, pid)) =
                lines.first().and_then(|line| Some((owner(recording, line)?, line.pid)))
            else {
                // A module's kdamond is in no configuration.
                if !modules_run {
                    view.foreign_events.extend(lines);
                }
                continue;
            };
            let mut before = None;
            for ConfigPeriod { config, since, kept, lines } in
                config_periods::config_periods(recording, kdamond, &lines)
            {
                let goals = config.context.schemes.iter().map(|scheme| view.traced_goals(scheme)).collect();
                let charge_windows = windows::charge_windows(&lines, before, goals);
                before = lines.last().map(|line| line.time);
                let replays = config.context.schemes.iter().map(|_| Replayed::new()).collect();
                view.kdamond_runs.push(KdamondRun {
                    kdamond,
                    pid,
                    config,
                    since,
                    kept,
                    lines,
                    charge_windows,
                    replays,
                });
            }
        }
        view.kdamond_runs.sort_by_key(|run| (run.kdamond, run.lines.first().map(|line| line.number)));
        view
    }

    /// Where a run is in the list.
    fn place(&self, run: &KdamondRun<'_>) -> Option<usize> {
        let number = |run: &KdamondRun<'_>| run.lines.first().map(|line| line.number);
        self.kdamond_runs.iter().position(|one| number(one) == number(run))
    }

    /// The run that a commit ended and this one continues, if the trace has it; none for one that begins with a start.
    pub(crate) fn before(&self, run: &KdamondRun<'_>) -> Option<&KdamondRun<'a>> {
        let place = self.place(run).filter(|_| run.continues())?;
        self.kdamond_runs.get(place.checked_sub(1)?).filter(|before| before.pid == run.pid)
    }

    /// What a scheme did before with other configurations, the oldest first: a commit changes the parameters of a
    /// scheme and keeps its statistics, charge window and quota (`damos_commit`).
    pub(crate) fn history(&self, run: &KdamondRun<'a>, scheme: usize) -> &[KdamondRun<'a>] {
        let Some(end) = self.place(run) else { return &[] };
        let mut begin = end;
        while begin > 0 && scheme < self.kdamond_runs[begin].kept {
            begin -= 1;
        }
        &self.kdamond_runs[begin..end]
    }

    /// A run that begins with a start, and those with which its kdamond continues after commits; nothing for another run.
    pub(crate) fn since_start(&self, run: &KdamondRun<'a>) -> &[KdamondRun<'a>] {
        let Some(begin) = self.place(run).filter(|_| run.is_from_start()) else { return &[] };
        let next = &self.kdamond_runs[begin + 1..];
        let continues = |one: &&KdamondRun<'_>| one.pid == run.pid && one.continues();
        &self.kdamond_runs[begin..=begin + next.iter().take_while(continues).count()]
    }

    /// Whether the trace has DAMON's events of this name.
    pub(crate) fn traced(&self, name: &str) -> bool {
        let covers = |pattern: &String| {
            let (system, event) = pattern.split_once(':').unwrap_or(("*", pattern));
            matches!(system, "damon" | "*") && (event == name || event == "*")
        };
        self.recording.plan.trace.events.iter().any(covers) && self.exists(name)
    }

    /// Whether the kernel has DAMON's event of this name.
    fn exists(&self, name: &str) -> bool {
        let missing = &self.recording.report.missing_events;
        !missing.iter().any(|event| bare(event) == name)
            && (self.recording.formats.is_empty()
                || self.recording.listed_events().any(|event| event == name))
    }

    /// An error unless all of `names` are recorded.
    pub(crate) fn need(&self, names: &[&str]) -> Result<(), Reason> {
        match names.iter().find(|name| !self.traced(name)) {
            Some(name) => Err(format!("{name} is not recorded")),
            None => Ok(()),
        }
    }

    /// The goals of a scheme whose measurements are in the trace, in order.
    fn traced_goals(&self, scheme: &'a Scheme) -> Vec<&'a Goal> {
        goals(scheme)
            .filter(|goal| goal_event(&goal.metric).is_some_and(|event| self.traced(event)))
            .collect()
    }

    /// An error unless the measurements of a metric are recorded.
    pub(crate) fn need_measurements(&self) -> Result<(), Reason> {
        let events: Vec<&str> = TRACED_METRICS.iter().map(|(_, event)| *event).collect();
        match events.iter().any(|event| self.traced(event)) {
            true => Ok(()),
            false => Err(format!("{} is not recorded", events.join(" or "))),
        }
    }

    /// An error unless the charge windows of a scheme are visible.
    pub(crate) fn need_windows(&self, run: &KdamondRun<'_>, scheme: usize) -> Result<(), Reason> {
        if !run.charge_windows[scheme].goals.is_empty() {
            return Ok(());
        }
        match goals(&run.config.context.schemes[scheme]).find_map(|goal| goal_event(&goal.metric)) {
            Some(event) => Err(format!("{event} is not recorded")),
            None => Err("no goal is traced, so charge windows are not visible".to_owned()),
        }
    }

    /// Events that the plan names and the kernel does not have.
    pub(crate) fn missing_events(&self) -> Vec<String> {
        let mut missing = self.recording.report.missing_events.clone();
        for event in &self.recording.plan.trace.events {
            if self.is_missing(event) && !missing.iter().any(|known| bare(known) == bare(event)) {
                missing.push(event.clone());
            }
        }
        missing
    }

    /// The schemes of every configuration that was in force.
    pub(crate) fn schemes(&self) -> impl Iterator<Item = &Scheme> {
        self.kdamond_runs.iter().flat_map(|run| &run.config.context.schemes)
    }

    /// The ranges of all targets whose ranges stay as they are.
    pub(crate) fn all_ranges(&self, context: &Context) -> Vec<(u64, u64)> {
        (0..context.targets.len()).filter_map(|target| self.ranges(context, target)).flatten().collect()
    }

    /// The ranges of a target, aligned as in `damon_set_regions` and with neighbours joined; `None` where the kernel
    /// chooses or moves them itself.
    pub(crate) fn ranges(&self, context: &Context, target: usize) -> Option<Vec<(u64, u64)>> {
        if !has_fixed_ranges(context) || context.addr_unit != 1 {
            return None;
        }
        let mut ranges = Vec::new();
        for region in &context.targets.get(target)?.regions {
            match region {
                AddrRange::Fixed { start, end } => ranges.push((start.0, end.0)),
                AddrRange::Node(node) => {
                    let found = self.recording.report.node_ranges.get(node)?;
                    ranges.extend(found.iter().map(|(start, end)| (start.0, end.0)));
                }
            }
        }
        let aligned = ranges.into_iter().map(|(start, end)| (start / PAGE * PAGE, end.div_ceil(PAGE) * PAGE));
        Some(joined(aligned)).filter(|ranges| !ranges.is_empty())
    }
}

impl Subject for View<'_> {
    /// The guest reported it missing, or it is an event of DAMON and has no format.
    fn is_missing(&self, event: &str) -> bool {
        let name = bare(event);
        let missing = &self.recording.report.missing_events;
        let damons = event.starts_with("damon:") || Event::KNOWN.contains(&name);
        missing.iter().any(|missing| bare(missing) == name) || (damons && name != "*" && !self.exists(name))
    }

    fn properties(&self) -> &[&str] {
        &[KDAMOND]
    }

    fn property(&self, line: &Line, name: &str) -> Option<String> {
        let of = |run: &KdamondRun<'_>| run.pid == line.pid;
        (name == KDAMOND).then(|| {
            self.kdamond_runs
                .iter()
                .find(|run| of(run))
                .map(|run| run.kdamond.to_string())
                .unwrap_or_default()
        })
    }
}

impl<'a> KdamondRun<'a> {
    /// All events of one type, each with its line.
    pub(crate) fn events<E: TypedEvent<Set = Event>>(
        &self,
    ) -> impl DoubleEndedIterator<Item = (&'a Line, &'a E)> {
        events(&self.lines)
    }

    /// The events of one type that name a scheme.
    pub(crate) fn scheme_events<E: SchemeEvent>(
        &self,
        scheme: usize,
    ) -> impl DoubleEndedIterator<Item = (&'a Line, &'a E)> {
        scheme_events(&self.lines, scheme)
    }

    /// The measurements of all goals.
    pub(crate) fn measurements(&self) -> impl Iterator<Item = (&'a Line, Measurement)> {
        self.lines.iter().filter_map(|line| Some((*line, line.event.measurement()?)))
    }

    /// Whether it began with a commit and not with a start.
    pub(crate) fn continues(&self) -> bool {
        self.since.is_some()
    }

    /// The last quota that the kernel emitted for a scheme.
    pub(crate) fn last_esz(&self, scheme: usize) -> Option<(&'a Line, u64)> {
        self.scheme_events::<Esz>(scheme).next_back().map(|(line, event)| (line, event.esz))
    }

    /// An error where a commit removed targets, because the others then have new numbers (`damon_commit_targets`).
    pub(crate) fn need_targets(&self) -> Result<(), Reason> {
        match self.continues() && self.config.context.targets.iter().any(|target| target.obsolete) {
            true => Err("a commit removed targets, and the others have new numbers".to_owned()),
            false => Ok(()),
        }
    }

    /// An error where sizes are not in bytes.
    pub(crate) fn need_bytes(&self) -> Result<(), Reason> {
        if self.config.context.addr_unit == 1 { Ok(()) } else { Err("addr_unit is not 1".to_owned()) }
    }

    /// An error where the kernel tunes the intervals.
    pub(crate) fn need_fixed_intervals(&self) -> Result<(), Reason> {
        match &self.config.context.intervals.goal {
            Some(goal) if goal.aggrs > 0 => Err("intervals are tuned".to_owned()),
            _ => Ok(()),
        }
    }

    /// Whether it begins with the start of the kdamond, that is with counters and ages of 0.
    pub(crate) fn is_from_start(&self) -> bool {
        !self.continues()
    }

    /// `kdamond 0, scheme 1`, for messages.
    pub(crate) fn scheme_name(&self, scheme: usize) -> String {
        format!("kdamond {}, scheme {scheme}", self.kdamond)
    }
}

/// The events of one type among some lines, each with its line.
pub(crate) fn events<'a, E: TypedEvent<Set = Event>>(
    lines: &[&'a Line],
) -> impl DoubleEndedIterator<Item = (&'a Line, &'a E)> {
    lines.iter().filter_map(|line| Some((*line, E::of(&line.event)?)))
}

/// The events of one type among some lines that name a scheme.
pub(crate) fn scheme_events<'a, E: SchemeEvent>(
    lines: &[&'a Line],
    scheme: usize,
) -> impl DoubleEndedIterator<Item = (&'a Line, &'a E)> {
    events::<E>(lines).filter(move |(_, event)| event.scheme() == scheme)
}

/// Whether the regions stay in the ranges of the configuration: an introduced operations set may move them.
pub(crate) fn has_fixed_ranges(context: &Context) -> bool {
    matches!(context.ops.known(), Some(Ops::Fvaddr | Ops::Paddr))
}

/// Joins ranges where one ends and the next begins.
pub(crate) fn joined(ranges: impl Iterator<Item = (u64, u64)>) -> Vec<(u64, u64)> {
    let mut all: Vec<(u64, u64)> = Vec::new();
    for (start, end) in ranges {
        match all.last_mut() {
            Some(last) if last.1 == start => last.1 = end,
            _ => all.push((start, end)),
        }
    }
    all
}

/// An error where the scenario introduces the operations set: what it counts is not known.
pub(crate) fn need_known_ops(context: &Context) -> Result<(), Reason> {
    match context.ops.introduced() {
        None => Ok(()),
        Some(ops) => Err(format!("what the operations set {} counts is not known", foreign(ops))),
    }
}

/// An error where a scheme has an action that the scenario introduces: what it does is not known.
pub(crate) fn need_known_action(scheme: &Scheme) -> Result<(), Reason> {
    match config::is_action(&scheme.action) {
        true => Ok(()),
        false => Err(format!("what the action {} does is not known", foreign(&scheme.action))),
    }
}

/// The goals that reach the kernel: sysfs drops those with a target of 0 (`damos_sysfs_add_quota_score`).
pub(crate) fn goals(scheme: &Scheme) -> impl Iterator<Item = &Goal> {
    scheme.quota.goals.iter().filter(|goal| goal.target_value != 0)
}

/// Whether the configuration limits a scheme (`damos_quota_is_set`, before an effective quota is there).
pub(crate) fn is_limited(scheme: &Scheme) -> bool {
    scheme.quota.bytes > 0 || scheme.quota.ms > 0 || goals(scheme).next().is_some()
}

/// The kdamond of a line: by its pid, or, for one that ran before the last start, by the number in its name
/// (`__damon_start` counts running contexts).
fn owner(recording: &Recording, line: &Line) -> Option<usize> {
    let index = match recording.report.kdamond_pids.iter().position(|pid| *pid == line.pid) {
        Some(index) => index,
        None => line.comm.as_str().strip_prefix("kdamond.")?.parse().ok()?,
    };
    (index < recording.plan.kdamonds.len()).then_some(index)
}
