//! The figures of reading and judging a recording of a million events.

use super::figure::{Better, Figure};
use super::{Failure, long};
use damonlab::check::Verdict;
use damonlab::host::budget::Budget;
use damonlab::recording::Trace;
use damonlab_protocol::record::section;
use damonlab_protocol::units::Bytes;
use serde_json::{Value, json};
use std::io::{self, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;
use std::{env, fs, process};

const EVENTS: usize = 1_000_000;

/// The first argument of the process that judges once: its own process, so that its memory can be measured.
pub const CHILD: &str = "--judge";

/// The lines parsed in a second, the seconds to a verdict, and the peak memory.
pub fn measure(runs: usize) -> Result<Vec<Figure>, Failure> {
    let folder = tempfile::tempdir()?;
    let count = long::write(folder.path(), EVENTS)?;
    let (mut lines, mut seconds, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs {
        lines.push(parse(folder.path(), count)? / 1e6);
        let output = Command::new(env::current_exe()?)
            .arg(CHILD)
            .arg(folder.path())
            .stderr(Stdio::inherit())
            .output()?;
        let measured: Value = serde_json::from_slice(&output.stdout)?;
        seconds.extend(measured["seconds"].as_f64());
        memory.extend(measured["memory"].as_f64().map(|bytes| bytes / 1e6));
    }
    Ok(vec![
        Figure::new("trace lines parsed a second", "million", Better::More, lines),
        Figure::new("a million events: load and judge", "s", Better::Less, seconds),
        Figure::new("a million events: most memory (VmHWM)", "MB", Better::Less, memory),
    ])
}

fn parse(dir: &Path, count: usize) -> Result<f64, Failure> {
    let input = BufReader::new(fs::File::open(dir.join(section::TRACE))?);
    let started = Instant::now();
    let trace = Trace::read(input, &mut Budget::new(Bytes(1 << 30)), 0)?;
    let seconds = started.elapsed().as_secs_f64();
    if trace.lines.len() != count || trace.unreadable_count > 0 {
        return Err(format!("{} of {count} lines could be read", trace.lines.len()).into());
    }
    Ok(count as f64 / seconds)
}

/// Judges the recording once and prints the time and the memory.
pub fn child(dir: &Path) -> Result<(), Failure> {
    let started = Instant::now();
    let report = damonlab::judge::rejudge(dir)?;
    let seconds = started.elapsed().as_secs_f64();
    if report.verdict != Verdict::Pass {
        return Err(format!("the recording should pass: {}", report.verdict).into());
    }
    let measured = json!({"seconds": seconds, "memory": peak_memory()});
    writeln!(io::stdout(), "{measured}")?;
    Ok(())
}

/// The peak memory of this process in bytes (`VmHWM`).
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", process::id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
}
