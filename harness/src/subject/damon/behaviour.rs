//! The behaviour of a run as normalised text.

use super::behaviour_words::{beside, list, many, share};
use super::events::{Aggregated, BeforeApply, Esz, Measurement, Stat};
use super::view::{self, KdamondRun, View};
use super::windows::{ChargeWindows, Window};
use crate::host::text::foreign;
use crate::recording::Recording;
use damonlab_protocol::damon::{GoalTuner, Keyword, Ops, Scheme};
use damonlab_protocol::plan::{Phase, Step};
use damonlab_protocol::units::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// Counters of `/proc/vmstat` of which the text says whether they moved. Failures and the allocator's own counters vary
/// from run to run.
const COUNTERS: &[&str] = &["pgmigrate_success", "pgpromote_", "pgdemote_", "numa_pages_migrated"];

/// The normalised run: a rebuilt kernel of the same behaviour gives the same text.
pub fn behaviour(recording: &Recording) -> String {
    let view = View::new(recording);
    let mut text = Text::default();
    steps(&mut text, recording);
    text.line(0, &format!("missing tracepoints: {}", list(view.missing_events())));
    for run in &view.kdamond_runs {
        kdamond(&mut text, &view, run);
    }
    if view.kdamond_runs.is_empty() {
        text.line(0, "kdamonds: no event");
    }
    memory(&mut text, recording);
    text.0
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, depth: usize, line: &str) {
        self.0.push_str(&"  ".repeat(depth));
        self.0.push_str(line);
        self.0.push('\n');
    }
}

fn steps(text: &mut Text, recording: &Recording) {
    text.line(0, "steps");
    let mut done = recording.report.steps.iter();
    for step in &recording.plan.steps {
        let name = step_name(step);
        let outcome = match done.next().map(|outcome| &outcome.refused) {
            None => "not reached".to_owned(),
            Some(None) => "done".to_owned(),
            Some(Some(refusal)) => format!("refused with {} at {}", refusal.errno, refusal.file),
        };
        text.line(1, &format!("{name}: {outcome}"));
    }
}

/// What a step is called.
pub(crate) fn step_name(step: &Step) -> String {
    match step {
        Step::Start { .. } => "start".to_owned(),
        Step::Run { .. } => "run".to_owned(),
        Step::Offline { node } => format!("{node} offline"),
        Step::Online { node } => format!("{node} online"),
        Step::Stop => "stop".to_owned(),
        Step::Commit { .. } => "commit".to_owned(),
        Step::Retarget { .. } => "retarget".to_owned(),
        Step::Pause { .. } => "pause".to_owned(),
        Step::Resume { .. } => "resume".to_owned(),
        Step::ReadBack => "read_back".to_owned(),
        Step::Write { file, value, .. } => format!("'{value}' into {file}"),
        Step::HostCommand { name, .. } => format!("host command {name}"),
        Step::Selftests { .. } => "selftests".to_owned(),
        Step::Together { tasks, .. } => {
            let names: Vec<String> = tasks.iter().map(|task| step_name(&task.step)).collect();
            format!("at once: {}", names.join("; "))
        }
        Step::Exit { workload } => format!("{workload} ends"),
        Step::Workload { name, phase } => format!("{name} {}", phase_name(*phase)),
    }
}

fn phase_name(phase: Phase) -> String {
    match phase {
        Phase::Hot { hot_bp } => format!("touches {} %", hot_bp.0 as f64 / 100.0),
        Phase::Move { node } => format!("moves to {node}"),
        Phase::Pause => "rests".to_owned(),
        Phase::Resume => "goes on".to_owned(),
    }
}

fn kdamond(text: &mut Text, view: &View<'_>, run: &KdamondRun<'_>) {
    let context = &run.config.context;
    let ops = foreign(context.ops.as_str());
    let since = run.since.map(|step| format!(" after step {}", step + 1)).unwrap_or_default();
    text.line(0, &format!("kdamond {}{since}: {ops}", run.kdamond));
    text.line(1, &format!("iterations end with: {}", list(last_phases(run))));
    if view.traced(Aggregated::NAME) {
        let seen = run.events::<Aggregated>().any(|(_, region)| region.nr_accesses > 0);
        text.line(1, &format!("accesses: {}", if seen { "seen" } else { "none" }));
    }
    for (index, config) in context.schemes.iter().enumerate() {
        scheme(text, view, run, index, config);
    }
}

/// The phases with which an iteration of `kdamond_fn` ends. In an iteration phases only go forward, so
/// every step back begins a new one; a kernel that swaps two of them ends iterations elsewhere.
///
/// The order of all phases would say more, and would change with every jitter: a window without an eligible region, a
/// pass without a window.
fn last_phases(run: &KdamondRun<'_>) -> Vec<String> {
    let all: Vec<_> = run.lines.iter().filter_map(|line| line.event.phase()).collect();
    let last: BTreeSet<_> = all.windows(2).filter(|pair| pair[1] < pair[0]).map(|pair| pair[0]).collect();
    last.into_iter().map(|(_, name)| name.to_owned()).collect()
}

fn scheme(text: &mut Text, view: &View<'_>, run: &KdamondRun<'_>, index: usize, config: &Scheme) {
    let target =
        if config.target_nid < 0 { String::new() } else { format!(" to node {}", config.target_nid) };
    text.line(1, &format!("scheme {index}: {}{target}", config.action));
    let ChargeWindows { goals, windows, .. } = &run.charge_windows[index];
    if !goals.is_empty() {
        text.line(2, &format!("charge windows: {}", many(windows.len())));
        (0..goals.len()).for_each(|place| goal(text, windows, place, &config.quota.goal_tuner));
    }
    if view.traced(Esz::NAME) {
        text.line(2, &format!("quota: {}", quota(run, index, config, windows)));
    }
    if view.traced(BeforeApply::NAME) {
        text.line(2, &format!("acted on: {}", list(acted_on(view, run, index))));
    }
    if let Some((_, stat)) = run.scheme_events::<Stat>(index).next_back() {
        let Stat { sz_tried, sz_applied, qt_exceeds, .. } = stat;
        if *sz_tried > 0 {
            // How much depends on which pages are on an LRU list in that moment.
            let applied = if *sz_applied > 0 { "some" } else { "nothing" };
            text.line(2, &format!("applied: {applied} of what it tried"));
        }
        text.line(2, &format!("quota used up: {}", if *qt_exceeds > 0 { "yes" } else { "never" }));
    }
}

fn goal(text: &mut Text, windows: &[Window<'_>], place: usize, tuner: &Keyword<GoalTuner>) {
    let measured: Vec<Measurement> = windows.iter().map(|window| window.goals[place].1).collect();
    let Some(first) = measured.first() else { return };
    let half = &measured[measured.len() / 2..];
    let mean = half.iter().map(|goal| goal.current.0 as f64).sum::<f64>() / half.len() as f64;
    let share = if measured.iter().all(|goal| goal.current.0 == 0) {
        "nothing eligible there"
    } else {
        // The mean of a few windows is mostly noise, and the consist tuner swings by design: two layouts of one
        // kernel gave means on both sides of its target.
        match (many(half.len()), tuner.known()) {
            ("many", Some(GoalTuner::Temporal)) => beside(mean, first.target.0),
            _ => "something eligible there",
        }
    };
    text.line(2, &format!("goal {place}: {} of 10000 on node {}: {share}", first.target.0, first.nid));
}

fn quota(run: &KdamondRun<'_>, index: usize, config: &Scheme, windows: &[Window<'_>]) -> String {
    let emitted: Vec<u64> = run.scheme_events::<Esz>(index).map(|(_, event)| event.esz).collect();
    let Some(first) = emitted.first() else { return "never emitted".to_owned() };
    let moves = config.quota.ms != 0
        || (config.quota.goal_tuner != GoalTuner::Temporal && view::goals(config).next().is_some());
    if !moves {
        let values: BTreeSet<u64> = emitted.iter().copied().collect();
        return list(values.into_iter().map(|esz| esz.to_string()));
    }
    let mut words = vec![if *first < 4096 { "begins below a page" } else { "begins with a page or more" }];
    if doubles(windows, config.quota.bytes) {
        words.push("doubles while nothing is eligible");
    }
    if emitted.contains(&config.quota.bytes) {
        words.push("reaches its size quota");
    }
    words.push(if emitted.is_sorted() { "never falls" } else { "rises and falls" });
    words.join(", ")
}

/// Whether there are windows with score 0, and each of them doubles the quota of the one before, up to the size quota.
fn doubles(windows: &[Window<'_>], bytes: u64) -> bool {
    let cap = if bytes == 0 { u64::MAX } else { bytes };
    let (mut esz, mut seen) = (1u64, false);
    for window in windows {
        let idle = window.goals.iter().all(|(_, goal)| goal.score() == 0);
        if !idle || esz >= cap {
            break;
        }
        match window.quota() {
            Some(quota) if quota == esz.saturating_mul(2).min(cap) => esz = quota,
            _ => return false,
        }
        seen = true;
    }
    seen
}

/// The nodes of the regions that a scheme acted on.
fn acted_on(view: &View<'_>, run: &KdamondRun<'_>, index: usize) -> Vec<String> {
    let places = run.scheme_events::<BeforeApply>(index).map(|(_, event)| place(view, run, event));
    places.collect::<BTreeSet<_>>().into_iter().collect()
}

fn place(view: &View<'_>, run: &KdamondRun<'_>, event: &BeforeApply) -> String {
    if run.config.context.ops != Ops::Paddr {
        return format!("target {}", event.target_idx);
    }
    let touched: BTreeSet<NodeId> = view
        .recording
        .report
        .node_ranges
        .iter()
        .filter(|(_, ranges)| ranges.iter().any(|(start, end)| event.start < end.0 && start.0 < event.end))
        .map(|(node, _)| *node)
        .collect();
    let names: Vec<String> = touched.iter().map(ToString::to_string).collect();
    if names.is_empty() { "memory of no node".to_owned() } else { names.join(" together with ") }
}

/// Whether a scheme works towards a goal with the consist tuner.
fn swings(recording: &Recording) -> bool {
    let plan = &recording.plan;
    let kdamonds = plan.kdamonds.iter().chain(plan.steps.iter().filter_map(Step::configures).flatten());
    let mut schemes = kdamonds.flat_map(|kdamond| &kdamond.context.schemes);
    schemes
        .any(|scheme| scheme.quota.goal_tuner != GoalTuner::Temporal && view::goals(scheme).next().is_some())
}

fn memory(text: &mut Text, recording: &Recording) {
    let (Some(first), Some(last)) = (recording.samples.first(), recording.samples.last()) else { return };
    let swings = swings(recording);
    text.line(
        0,
        if swings {
            "memory at the end: not shown, because the consist tuner swings"
        } else {
            "memory at the end"
        },
    );
    for workload in recording.plan.workloads.iter().filter(|_| !swings) {
        let name = &workload.name;
        // A workload that has ended has no pages: the last sample with pages counts.
        let pages = recording.samples.iter().rev().find_map(|sample| {
            sample.workloads.get(name).filter(|nodes| nodes.values().any(|bytes| bytes.0 > 0))
        });
        let none = BTreeMap::new();
        let nodes = pages.unwrap_or(&none);
        let whole: u64 = nodes.values().map(|bytes| bytes.0).sum();
        // Whether a handful of pages stays behind varies from run to run.
        let shares = nodes.iter().map(|(node, bytes)| (node, share(bytes.0, whole)));
        let shares = shares.filter(|(_, share)| !share.ends_with("nothing"));
        let places = shares.map(|(node, share)| format!("{share} on {node}"));
        text.line(1, &format!("{name}: {}", list(places)));
    }
    let moved = last.vmstat.iter().filter(|(name, value)| {
        COUNTERS.iter().any(|prefix| name.starts_with(prefix)) && first.vmstat.get(*name) < Some(value)
    });
    text.line(0, &format!("counters that moved: {}", list(moved.map(|(name, _)| name.clone()))));
}
