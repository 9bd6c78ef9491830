//! A long recording, made from a short real one by repeating its middle with later times.
//!
//! The repeated part begins and ends where charge windows begin, and in each round the counters grow by as much as in the
//! first. So every invariant applies to the long recording and passes.

use damonlab::recording::{Event, Line, PLAN, SCENARIO, Stat, Trace};
use damonlab::scenario::Scenario;
use damonlab_protocol::record::section;
use serde_json::Value;
use std::fs;
use std::io::{self, BufWriter, Error, Write};
use std::path::Path;

/// The short recording.
const SEED: &str = "tests/recordings/steady";
/// How many seconds its guest ran, and the text of the scenario that says so.
const SEED_SECONDS: u64 = 6;
const SEED_TIME: &str = "for: 6s";
/// The charge windows at which the repeated part begins and ends.
const ROUND: (usize, usize) = (1, 6);

/// Writes a recording of at least `events` events to `dir` and returns their number.
pub fn write(dir: &Path, events: usize) -> io::Result<usize> {
    let seed = Path::new(env!("CARGO_MANIFEST_DIR")).join(SEED);
    for entry in fs::read_dir(&seed)? {
        let path = entry?.path();
        fs::copy(&path, dir.join(path.file_name().unwrap_or_default()))?;
    }
    let lines = Trace::parse(&fs::read_to_string(seed.join(section::TRACE))?).lines;
    let round = Round::of(&lines).ok_or_else(|| Error::other("the seed has too few charge windows"))?;
    let rounds = events.saturating_sub(lines.len()).div_ceil(round.middle.len()) as u64;
    let count = lines.len() + round.middle.len() * rounds as usize;
    write_trace(&dir.join(section::TRACE), &round, rounds, count)?;
    write_report(&dir.join(section::REPORT), count, &round, rounds)?;
    write_samples(&dir.join(section::SAMPLES), &round, rounds)?;
    write_plan(dir, round.time * rounds / 1_000_000_000)?;
    Ok(count)
}

/// The lines of the short recording in three parts, and what one round of the middle adds.
struct Round<'a> {
    head: &'a [Line],
    middle: &'a [Line],
    tail: &'a [Line],
    /// In nanoseconds.
    time: u64,
    /// One entry a scheme.
    growth: Vec<Stat>,
}

impl Round<'_> {
    fn of(lines: &[Line]) -> Option<Round<'_>> {
        let starts = |line: &&(usize, &Line)| matches!(&line.1.event, Event::NodeEligible(goal) if goal.scheme_idx == 0);
        let all: Vec<_> = lines.iter().enumerate().collect();
        let windows: Vec<usize> = all.iter().filter(starts).map(|(at, _)| *at).collect();
        let (begin, end) = (*windows.get(ROUND.0)?, *windows.get(ROUND.1)?);
        let (old, new) = (stats(&lines[..begin]), stats(&lines[..end]));
        Some(Round {
            head: &lines[..begin],
            middle: &lines[begin..end],
            tail: &lines[end..],
            time: lines[end].time.0 - lines[begin].time.0,
            growth: old.iter().zip(&new).map(|(old, new)| sum(*new, *old, |new, old| new - old)).collect(),
        })
    }

    /// A line as it is after this many rounds.
    fn later(&self, line: &Line, rounds: u64) -> Line {
        let mut line = line.clone();
        line.time.0 += self.time * rounds;
        if let Event::Stat(stat) = &mut line.event {
            *stat = sum(*stat, self.growth[stat.scheme_idx as usize], |stat, grown| stat + grown * rounds);
        }
        line
    }
}

/// The last statistics of every scheme.
fn stats(lines: &[Line]) -> Vec<Stat> {
    let mut stats = std::collections::BTreeMap::new();
    for line in lines {
        if let Event::Stat(stat) = &line.event {
            stats.insert(stat.scheme_idx, *stat);
        }
    }
    stats.into_values().collect()
}

fn sum(a: Stat, b: Stat, of: impl Fn(u64, u64) -> u64) -> Stat {
    Stat {
        ctx_idx: a.ctx_idx,
        scheme_idx: a.scheme_idx,
        nr_tried: of(a.nr_tried, b.nr_tried),
        sz_tried: of(a.sz_tried, b.sz_tried),
        nr_applied: of(a.nr_applied, b.nr_applied),
        sz_applied: of(a.sz_applied, b.sz_applied),
        sz_ops_filter_passed: of(a.sz_ops_filter_passed, b.sz_ops_filter_passed),
        qt_exceeds: of(a.qt_exceeds, b.qt_exceeds),
        nr_snapshots: of(a.nr_snapshots, b.nr_snapshots),
    }
}

fn write_trace(path: &Path, round: &Round<'_>, rounds: u64, count: usize) -> io::Result<()> {
    let mut out = BufWriter::new(fs::File::create(path)?);
    writeln!(out, "# tracer: nop\n#\n# entries-in-buffer/entries-written: {count}/{count}   #P:1\n#")?;
    for line in round.head {
        writeln!(out, "{line}")?;
    }
    for nth in 0..=rounds {
        for line in round.middle {
            writeln!(out, "{}", round.later(line, nth))?;
        }
    }
    for line in round.tail {
        writeln!(out, "{}", round.later(line, rounds))?;
    }
    out.flush()
}

/// The guest ran for as much longer as the repeated part takes.
fn write_report(path: &Path, count: usize, round: &Round<'_>, rounds: u64) -> io::Result<()> {
    let mut report: Value = serde_json::from_slice(&fs::read(path)?)?;
    let more = round.time * rounds;
    grow(&mut report["kdamond_stats"], &round.growth, rounds);
    for (step, time) in [(1, "end"), (2, "begin"), (2, "end")] {
        let time = &mut report["steps"][step][time];
        *time = (time.as_u64().unwrap_or_default() + more).into();
    }
    report["trace_stats"][0]["entries"] = count.into();
    fs::write(path, serde_json::to_vec(&report)?)
}

/// Repeats the samples like the trace.
fn write_samples(path: &Path, round: &Round<'_>, rounds: u64) -> io::Result<()> {
    let text = fs::read_to_string(path)?;
    let (begin, end) = (round.middle[0].time.0, round.middle[0].time.0 + round.time);
    let mut out = BufWriter::new(fs::File::create(path)?);
    let mut samples = Vec::new();
    for line in text.lines() {
        let sample: Value = serde_json::from_str(line)?;
        samples.push((sample["time"].as_u64().unwrap_or_default(), sample));
    }
    let mut put = |samples: &[&(u64, Value)], nth: u64| -> io::Result<()> {
        for (time, sample) in samples {
            let mut sample = sample.clone();
            sample["time"] = (time + round.time * nth).into();
            grow(&mut sample["schemes"], &round.growth, nth);
            writeln!(out, "{sample}")?;
        }
        Ok(())
    };
    let (head, rest): (Vec<_>, Vec<_>) = samples.iter().partition(|(time, _)| *time < begin);
    let (middle, tail): (Vec<_>, Vec<_>) = rest.into_iter().partition(|(time, _)| *time < end);
    put(&head, 0)?;
    (0..=rounds).try_for_each(|nth| put(&middle, nth))?;
    put(&tail, rounds)
}

/// The statistics of the only kdamond's schemes, as the trace reports them after so many rounds.
fn grow(schemes: &mut Value, growth: &[Stat], rounds: u64) {
    for (index, grown) in growth.iter().enumerate() {
        let fields = [
            ("nr_tried", grown.nr_tried),
            ("sz_tried", grown.sz_tried),
            ("nr_applied", grown.nr_applied),
            ("sz_applied", grown.sz_applied),
            ("sz_ops_filter_passed", grown.sz_ops_filter_passed),
            ("qt_exceeds", grown.qt_exceeds),
            ("nr_snapshots", grown.nr_snapshots),
        ];
        for (field, by) in fields {
            if let Some(value) = schemes[0][index][field].as_u64() {
                schemes[0][index][field] = (value + by * rounds).into();
            }
        }
    }
}

fn write_plan(dir: &Path, more_seconds: u64) -> io::Result<()> {
    let text = fs::read_to_string(dir.join(SCENARIO))?;
    let text = text.replace(SEED_TIME, &format!("for: {}s", SEED_SECONDS + more_seconds));
    let scenario = Scenario::parse("steady", &text).map_err(Error::other)?;
    fs::write(dir.join(SCENARIO), text)?;
    fs::write(dir.join(PLAN), serde_json::to_vec(&scenario.plan(0, Default::default()))?)
}
