//! Compares what sysfs and the trace report about a scheme: S4, Q6.
//!
//! The guest has the kernel bring its files up to date before each sample, and before `off`. The kernel does
//! so between two passes of the schemes (`kdamond_call`), so each file must have what the trace reports about one
//! moment between the sample before and this one.

use super::quota::told_before;
use super::stats::last_before;
use crate::check::finding::{Evidence, Violation};
use crate::check::violations::Violations;
use crate::recording::Line;
use crate::subject::damon::events::{Esz, Stat};
use crate::subject::damon::rule::{
    About, DamonRule, Kind, Reason, Rule, RuleResult, Source, each_scheme, in_core,
};
use crate::subject::damon::view::{KdamondRun, View};
use damonlab_protocol::plan::Step;
use damonlab_protocol::record::{SchemeStats, section};
use damonlab_protocol::units::Nanos;

/// What sysfs said, and between which times of the trace.
struct Reading<'a> {
    /// Not before this.
    after: Nanos,
    /// Not after this.
    until: Nanos,
    /// The place in the samples, from 1; the report's own has none.
    sample: Option<u32>,
    stats: &'a SchemeStats,
}

/// All that sysfs said of one scheme while its kdamond ran.
fn readings<'a>(view: &View<'a>, run: &KdamondRun<'a>, index: usize) -> Result<Vec<Reading<'a>>, Reason> {
    if run.config.refresh_ms != 0 {
        return Err("refresh_ms changes the files while they are read".to_owned());
    }
    if view.recording.plan.steps.iter().any(empties_a_folder) {
        return Err("a step makes folders anew, and their statistics begin at 0".to_owned());
    }
    let (Some(first), Some(last)) = (run.lines.first(), run.lines.last()) else { return Ok(Vec::new()) };
    let mut readings = Vec::new();
    let mut after = Nanos(0);
    for (number, sample) in (1..).zip(&view.recording.samples) {
        let runs = first.time <= sample.time && sample.time <= last.time;
        let complete = run.is_from_start() || after >= first.time;
        let stats = sample.schemes.get(run.kdamond).and_then(|schemes| schemes.get(index));
        if let Some(stats) = stats.filter(|_| runs && complete) {
            readings.push(Reading { after, until: sample.time, sample: Some(number), stats });
        }
        if sample.time <= last.time {
            after = sample.time;
        }
    }
    // They are kept when the kdamond is turned off: they are of its last run.
    let is_last = view.kdamond_runs.iter().rfind(|other| other.kdamond == run.kdamond);
    let is_last = is_last.is_some_and(|other| std::ptr::eq(other, run));
    let stats = view.recording.report.kdamond_stats.get(run.kdamond).and_then(|schemes| schemes.get(index));
    if let Some(stats) = stats.filter(|_| is_last && (run.is_from_start() || after >= first.time)) {
        readings.push(Reading { after, until: last.time, sample: None, stats });
    }
    Ok(readings)
}

/// Writing any number into the file that counts folders creates them again, empty.
fn empties_a_folder(step: &Step) -> bool {
    matches!(step, Step::Write { file, refused: None, .. } if file.rsplit('/').next().is_some_and(|name| name.starts_with("nr_")))
}

/// Compares each reading with all that the trace reported within its time: `said` has the values in order,
/// `zero` is the value before the first of them.
fn compare<T: PartialEq + Copy>(
    name: &str,
    readings: &[Reading<'_>],
    said: &[(&Line, T)],
    zero: T,
    shown: impl Fn(T) -> String,
    read: impl Fn(&SchemeStats) -> T,
) -> Violations {
    let mut findings = Violations::default();
    for reading in readings {
        let from = said.partition_point(|(line, _)| line.time <= reading.after);
        let to = said.partition_point(|(line, _)| line.time <= reading.until).max(from);
        let before = from.checked_sub(1).map_or(zero, |last| said[last].1);
        let seen = read(reading.stats);
        if seen == before || said[from..to].iter().any(|(_, value)| *value == seen) {
            continue;
        }
        findings.push(|| {
            let last = said[..to].last();
            let latest = last.map_or(zero, |(_, value)| *value);
            let expected =
                format!("sysfs to show for {name} what the trace reported last: {}", shown(latest));
            let number = reading.sample.unwrap_or(0);
            let (file, text) = match reading.sample {
                Some(_) => (section::SAMPLES, format!("the sample at {}", reading.until)),
                None => (section::REPORT, "kdamond_stats".to_owned()),
            };
            let mut finding = Violation::new(expected, shown(seen)).at(last.map(|(line, _)| *line));
            finding.evidence.push(Evidence::new(file, number, &text));
            finding
        });
    }
    findings
}

pub(crate) static SYSFS_STATS_MATCH_TRACE: DamonRule = Rule {
    about: About {
        id: "S4",
        name: "sysfs-stats-match-trace",
        kind: Kind::Exact,
        statement: "A scheme's statistics in sysfs are those of its last event.",
        because: "The kernel copies them between two passes, and each pass that may change them ends with the event.",
        source: &[
            Source::function("mm/damon/sysfs.c", "damon_sysfs_upd_schemes_stats"),
            in_core("kdamond_call"),
            in_core("damos_trace_stat"),
        ],
        file: file!(),
        when: "damos_stat_after_apply_interval is recorded and sysfs is read while the kdamond runs",
    },
    judge: sysfs_stats_match_trace,
};

fn sysfs_stats_match_trace(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, _| {
        view.need(&[Stat::NAME])?;
        let counted = run.scheme_events::<Stat>(index);
        let said: Vec<(&Line, Counters)> = counted.map(|(line, stat)| (line, of_event(stat))).collect();
        let readings = some(readings(view, run, index)?)?;
        let name = run.scheme_name(index);
        // A commit keeps the statistics of a scheme.
        let before = last_before(view, run, index).map_or([0; 7], |(_, stat)| of_event(stat));
        Ok(compare(&name, &readings, &said, before, counters_shown, of_sysfs))
    })
}

/// The statistics, in the order of the trace.
type Counters = [u64; 7];

fn of_event(stat: &Stat) -> Counters {
    let Stat { nr_tried, sz_tried, nr_applied, sz_applied, sz_ops_filter_passed, .. } = *stat;
    [nr_tried, sz_tried, nr_applied, sz_applied, sz_ops_filter_passed, stat.qt_exceeds, stat.nr_snapshots]
}

fn of_sysfs(stats: &SchemeStats) -> Counters {
    let SchemeStats { nr_tried, sz_tried, nr_applied, sz_applied, sz_ops_filter_passed, .. } = *stats;
    [nr_tried, sz_tried, nr_applied, sz_applied, sz_ops_filter_passed, stats.qt_exceeds, stats.nr_snapshots]
}

fn counters_shown(counters: Counters) -> String {
    let [tried, sz_tried, applied, sz_applied, passed, exceeds, snapshots] = counters;
    format!(
        "nr_tried {tried} sz_tried {sz_tried} nr_applied {applied} sz_applied {sz_applied} \
         sz_ops_filter_passed {passed} qt_exceeds {exceeds} nr_snapshots {snapshots}"
    )
}

pub(crate) static SYSFS_QUOTA_MATCHES_TRACE: DamonRule = Rule {
    about: About {
        id: "Q6",
        name: "sysfs-quota-matches-trace",
        kind: Kind::Exact,
        statement: "effective_bytes in sysfs is the quota of the last damos_esz.",
        because: "The kernel emits the event whenever the quota changes, and sysfs copies the same field between two passes.",
        source: &[
            Source::function("mm/damon/sysfs-schemes.c", "damos_sysfs_update_effective_quotas"),
            in_core("damos_trace_esz"),
        ],
        file: file!(),
        when: "damos_esz is recorded and sysfs is read while the kdamond runs",
    },
    judge: sysfs_quota_matches_trace,
};

fn sysfs_quota_matches_trace(view: &View<'_>) -> RuleResult {
    each_scheme(view, |run, index, _| {
        view.need(&[Esz::NAME])?;
        let emitted = run.scheme_events::<Esz>(index);
        let said: Vec<(&Line, u64)> = emitted.map(|(line, event)| (line, event.esz)).collect();
        let readings = some(readings(view, run, index)?)?;
        let name = run.scheme_name(index);
        let shown = |esz| format!("effective_bytes {esz}");
        let before = told_before(view, run, index).map_or(0, |(_, esz)| esz);
        Ok(compare(&name, &readings, &said, before, shown, |stats| stats.effective_bytes))
    })
}

fn some<T>(readings: Vec<T>) -> Result<Vec<T>, Reason> {
    match readings.is_empty() {
        true => Err("sysfs was not read while the kdamond ran".to_owned()),
        false => Ok(readings),
    }
}

#[cfg(test)]
mod tests {
    use crate::subject::damon::testing::{found, stored};
    use damonlab_protocol::plan::Step;

    #[test]
    fn s4_takes_a_reading_that_is_one_pass_late_and_none_that_is_older_than_the_sample_before() {
        let mut recording = stored("pull-push-short");
        let samples: Vec<_> = recording.samples.iter().map(|sample| sample.schemes.clone()).collect();
        assert_eq!(found(&recording, "S4"), []);
        let (nth, _) =
            samples.iter().enumerate().skip(3).find(|(nth, now)| **now != samples[nth - 2]).unwrap();
        recording.samples[nth].schemes = samples[nth - 2].clone();
        let findings = found(&recording, "S4");
        assert!(findings[0].evidence.last().unwrap().text.contains("the sample at"), "{findings:?}");
    }

    #[test]
    fn s4_and_q6_do_not_apply_if_a_step_creates_the_folders_again() {
        let mut recording = stored("pull-push-short");
        recording.report.kdamond_stats[0][1].sz_applied += 1;
        assert_eq!(found(&recording, "S4").len(), 1);
        let file = "admin/kdamonds/0/contexts/0/schemes/nr_schemes".to_owned();
        recording.plan.steps.push(Step::Write { file, value: "0".to_owned(), refused: None });
        assert_eq!(found(&recording, "S4"), []);
    }

    #[test]
    fn s4_and_q6_do_not_compare_files_that_change_while_they_are_read() {
        let mut recording = stored("pull-push-short");
        recording.report.kdamond_stats[0][1].sz_applied += 1;
        recording.report.kdamond_stats[0][1].effective_bytes += 1;
        assert_eq!((found(&recording, "S4").len(), found(&recording, "Q6").len()), (1, 1));
        recording.plan.kdamonds[0].refresh_ms = 10;
        assert_eq!((found(&recording, "S4").len(), found(&recording, "Q6").len()), (0, 0));
    }
}
