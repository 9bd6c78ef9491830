//! Other programs read what damonlab exports: trace-cmd, damo, and perfetto's own protobuf definitions.
//!
//! Where such a program is not installed, its trials are ignored with what installs it; with `DAMONLAB_REQUIRE=vm` they fail.
//! `DAMONLAB_SETUP=1` installs it first.

mod lines;

use damonlab::export::Format;
use damonlab::host::command::{Limits, capture, command_for};
use damonlab::host::progress::Progress;
use damonlab::host::{paths, variables};
use damonlab::recording::Recording;
use damonlab::setup::{self, Env, Extra};
use damonlab::subject;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tempfile::TempDir;

fn main() -> ExitCode {
    let trials = vec![
        Trial::test("an_export_goes_into_the_current_folder_and_says_where", says_where),
        Trial::test("a_pipe_gets_plots_without_colours", plots_in_a_pipe),
        Trial::ignorable_test("trace_cmd_shows_the_lines_of_every_stored_trace", || {
            with("trace-cmd", Extra::TraceCmd, trace_cmd)
        }),
        Trial::ignorable_test("damo_reads_every_region_of_every_aggregation", || {
            with("damo", Extra::Damo, damo)
        }),
        Trial::ignorable_test("damo_draws_a_heat_map", || with("damo", Extra::Damo, damo_heatmap)),
        Trial::ignorable_test("perfettos_own_definitions_have_every_field_that_is_written", || {
            with("perfetto", Extra::Perfetto, perfetto)
        }),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Runs `test` with the path of a program, if it is installed. Of perfetto that is the Python with its package.
fn with(
    name: &'static str,
    extra: Extra,
    test: fn(&Path) -> Result<(), Failed>,
) -> Result<Completion, Failed> {
    if variables::is(variables::SETUP, "1") {
        let (env, progress) = (Env::machine()?, Progress::stderr());
        setup::install(&env, &progress)?;
        setup::install_extras(&env, &[extra], &progress)?;
    }
    match program(name) {
        Some(path) => test(&path).map(|()| Completion::Completed),
        None => {
            let why = format!("no {name}: `damonlab setup --with {name}` installs it");
            match variables::is(variables::REQUIRE, "vm") {
                true => Err(why.into()),
                false => Ok(Completion::ignored_with(why)),
            }
        }
    }
}

fn program(name: &str) -> Option<PathBuf> {
    let venv = paths::cache().map(|cache| cache.join("venv/bin")).ok();
    if name == "perfetto" {
        let python = venv?.join("python3");
        let mut import = command_for(&python);
        import.args(["-c", "import perfetto.protos.perfetto.trace.perfetto_trace_pb2"]);
        return capture(&mut import, Limits::LOCAL)
            .is_ok_and(|output| output.status.success())
            .then_some(python);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = venv.into_iter().chain(std::env::split_paths(&path));
    folders.map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// The standard output of damonlab in a folder.
fn damonlab(folder: &Path, arguments: &[&str]) -> Result<String, Failed> {
    let mut damonlab = command_for(env!("CARGO_BIN_EXE_damonlab"));
    let output = capture(damonlab.args(arguments).current_dir(folder), Limits::LOCAL)?;
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout)?),
        false => Err(output.stderr.into()),
    }
}

fn stored(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    folder.join(name).to_string_lossy().into_owned()
}

fn says_where() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let said = damonlab(folder.path(), &["export", &stored("truth"), "--to", "csv", "--event", "damos_esz"])?;
    let head = std::fs::read_to_string(folder.path().join(said.trim_end()))?;
    if !head.starts_with("time_ns,cpu,pid,comm,kdamond,ctx_idx,scheme_idx,esz\n") {
        return Err(format!("{said} begins with {head:.80}").into());
    }
    let json =
        damonlab(folder.path(), &["export", &stored("truth"), "--to", "trace.dat", "--format", "json"])?;
    let listing: Value = serde_json::from_str(&json)?;
    let file = listing["data"]["files"][0].as_str().ok_or("no file in the listing")?;
    match folder.path().join(file).is_file() {
        true => Ok(()),
        false => Err(format!("there is no {file}").into()),
    }
}

fn plots_in_a_pipe() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let text = damonlab(folder.path(), &["show", &stored("consist")])?;
    let braille = text.chars().filter(|c| ('\u{2801}'..='\u{28ff}').contains(c)).count();
    match (braille > 100, text.contains('\u{1b}')) {
        (true, false) => Ok(()),
        found => Err(format!("braille and colours: {found:?} in\n{text}").into()),
    }
}

fn recordings() -> Result<Vec<(String, Recording)>, Failed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let mut names = std::fs::read_dir(&folder)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<Vec<String>, std::io::Error>>()?;
    names.sort();
    names.into_iter().map(|name| Ok((name.clone(), Recording::load(&folder.join(name))?))).collect()
}

/// Exports into a folder of its own, which is removed with the result.
fn exported(recording: &Recording, format: Format) -> Result<(TempDir, PathBuf), Failed> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("export");
    format.write(recording, &path, None)?;
    Ok((folder, path))
}

/// The output of a program that succeeds.
fn output(program: &Path, arguments: &[&str]) -> Result<String, Failed> {
    let output = capture(command_for(program).args(arguments), Limits::LOCAL)?;
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout)?),
        false => Err(format!("{} {arguments:?}: {}", program.display(), output.stderr).into()),
    }
}

fn trace_cmd(trace_cmd: &Path) -> Result<(), Failed> {
    let mut compared = 0;
    for (name, mut recording) in recordings()?.into_iter().filter(|(_, one)| !one.trace.lines.is_empty()) {
        let raw = std::mem::take(&mut recording.raw);
        // From the text, and from the ring buffer's own pages where there are some.
        for raw in [Vec::new(), raw] {
            recording.raw = raw;
            let (_folder, file) = exported(&recording, Format::TraceDat)?;
            let report = output(trace_cmd, &["report", "-i", &file.to_string_lossy()])?;
            let shown = lines::of_report(&report);
            let ours = lines::of_trace(&recording);
            if let Some((ours, theirs)) = lines::difference(&ours, &shown) {
                return Err(format!("{name}: trace-cmd shows\n{theirs}\ninstead of\n{ours}").into());
            }
            compared += ours.len();
        }
    }
    match compared {
        0 => Err("no line was compared".into()),
        _ => Ok(()),
    }
}

fn damo(damo: &Path) -> Result<(), Failed> {
    let mut compared = 0;
    for (name, recording) in recordings()? {
        let snapshots = subject::aggregations(&recording);
        if snapshots.is_empty() {
            continue;
        }
        let (_folder, file) = exported(&recording, Format::Damo)?;
        let file = file.to_string_lossy();
        let text = output(damo, &["report", "access", "--input", &file, "--json", "--raw_number"])?;
        let records: Value = serde_json::from_str(&text[text.find('[').ok_or("damo printed no JSON")?..])?;
        let mut ours = Vec::new();
        for one in &snapshots {
            ours.extend(one.regions.iter().map(|region| {
                let key = [one.kdamond as u64, one.target, one.time.0];
                (key, [region.start, region.end, region.nr_accesses.into(), region.age.into()])
            }));
        }
        let mut theirs = regions(&records)?;
        ours.sort_unstable();
        theirs.sort_unstable();
        if ours != theirs {
            let differs = ours.iter().zip(&theirs).find(|(ours, theirs)| ours != theirs);
            let counts = (ours.len(), theirs.len());
            return Err(format!("{name}: damo has other regions: {differs:?}, {counts:?}").into());
        }
        compared += ours.len();
    }
    match compared {
        0 => Err("no region was compared".into()),
        _ => Ok(()),
    }
}

type Region = ([u64; 3], [u64; 4]);

/// The regions that damo printed. Its times are floating point numbers.
fn regions(records: &Value) -> Result<Vec<Region>, Failed> {
    fn list(value: &Value) -> Result<&Vec<Value>, Failed> {
        value.as_array().ok_or_else(|| format!("damo printed {value} instead of a list").into())
    }
    let number = |value: &Value| -> Result<u64, Failed> {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let number = text.trim_end_matches(" ns").replace(',', "");
        let whole = number.parse::<u64>().ok().or_else(|| Some(number.parse::<f64>().ok()? as u64));
        whole.ok_or_else(|| format!("damo printed {value} instead of a number").into())
    };
    let mut all = Vec::new();
    for record in list(records)? {
        for snapshot in list(&record["snapshots"])? {
            let key = [
                number(&record["kdamond_idx"])?,
                number(&record["target_id"])?,
                number(&snapshot["end_time"])?,
            ];
            for region in list(&snapshot["regions"])? {
                let (accesses, age) = (&region["nr_accesses"]["samples"], &region["age"]["aggr_intervals"]);
                let fields =
                    [number(&region["start"])?, number(&region["end"])?, number(accesses)?, number(age)?];
                all.push((key, fields));
            }
        }
    }
    Ok(all)
}

fn damo_heatmap(damo: &Path) -> Result<(), Failed> {
    let recordings = recordings()?;
    let (_, recording) = recordings.iter().find(|(name, _)| name == "picture").ok_or("no recording")?;
    let (_folder, file) = exported(recording, Format::Damo)?;
    let text = output(damo, &["report", "heatmap", "--input", &file.to_string_lossy(), "--output", "raw"])?;
    let heats = text.lines().filter_map(|line| line.split_ascii_whitespace().nth(2)?.parse::<f64>().ok());
    match heats.fold(0.0, f64::max) {
        hottest if hottest > 0.0 => Ok(()),
        _ => Err(format!("damo's heat map has no heat: {text}").into()),
    }
}

fn perfetto(python: &Path) -> Result<(), Failed> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exports/read_back.py");
    for (name, recording) in recordings()? {
        let (_folder, file) = exported(&recording, Format::Perfetto)?;
        let text = output(python, &[&script.to_string_lossy(), &file.to_string_lossy()])?;
        let found: Value = serde_json::from_str(&text)?;
        if found["unknown"] != 0 {
            return Err(format!("{name}: {} fields are none of perfetto's", found["unknown"]).into());
        }
        let events = found["types"]["TYPE_INSTANT"].as_u64().unwrap_or(0);
        if events != recording.trace.lines.len() as u64 {
            return Err(
                format!("{name}: {events} instants for {} events", recording.trace.lines.len()).into()
            );
        }
        let slices = found["slices"].as_array().ok_or("no slices")?;
        let steps: Vec<&str> =
            slices.iter().filter(|slice| slice[0] == "steps").filter_map(|slice| slice[1].as_str()).collect();
        let ours: Vec<&str> =
            recording.plan.steps[..recording.report.steps.len()].iter().map(|step| step.word()).collect();
        if steps != ours {
            return Err(format!("{name}: the steps {steps:?} instead of {ours:?}").into());
        }
    }
    Ok(())
}
