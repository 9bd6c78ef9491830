//! `tools/testing/kunit/kunit.py` of the kernel reads damonlab's KTAP. The script comes from a kernel source in the cache;
//! without one, or without Python, the trial is ignored.

use super::common;
use damonlab::host::command::{Limits, Output, capture, command_for};
use damonlab::host::paths;
use damonlab::kernel::{Origins, VersionRequest};
use damonlab::setup::Env;
use libtest_mimic::{Completion, Failed, Trial};
use std::fs;
use std::path::Path;

#[path = "../common/failing_recording.rs"]
mod failing_recording;

pub fn trials() -> Vec<Trial> {
    vec![Trial::ignorable_test("kunit.py reads the KTAP of a check", reads)]
}

fn reads() -> Result<Completion, Failed> {
    let env = Env::machine()?;
    let python = paths::find_program(&env.path, "python3");
    let newest = Origins::of(env).newest(&VersionRequest::default());
    let script = newest.map(|it| it.dir.join("tools/testing/kunit/kunit.py"));
    let (Some(python), Some(script)) = (python, script.filter(|script| script.is_file())) else {
        let why = "it needs python3, and a kernel source in the cache; `damonlab kernel build` fetches it"
            .to_owned();
        return common::ignored(why);
    };
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("damonlab.ktap");
    write_report(folder.path(), &file)?;
    let mut kunit = command_for(&python);
    let kunit = kunit.arg("-B").arg(script).arg("parse").arg(&file).current_dir(&folder);
    let Output { stdout, stderr, .. } = capture(kunit, Limits::LOCAL)?;
    let text = String::from_utf8_lossy(&stdout);
    let counts =
        text.lines().find_map(|line| Some(line.split_once("Testing complete. ")?.1)).unwrap_or_default();
    let results = fs::read_to_string(&file)?;
    // Innermost tests are those that it counts.
    let count = |begin: &str, skipped: bool| {
        let lines = results.lines().filter_map(|line| line.strip_prefix("        "));
        lines.filter(|line| line.starts_with(begin) && line.contains(" # SKIP ") == skipped).count()
    };
    let (passed, failed, skipped) = (count("ok ", false), count("not ok ", false), count("ok ", true));
    let all = passed + failed + skipped;
    let wanted = format!("Ran {all} tests: passed: {passed}, failed: {failed}, skipped: {skipped}");
    if counts != wanted || failed != 1 || text.contains("[ERROR]") {
        return Err(format!("wanted {wanted}, found {counts}\n{text}\n{stderr}").into());
    }
    Ok(Completion::Completed)
}

/// A run that passes, and one that fails by text with whatever KTAP gives a meaning to.
fn write_report(folder: &Path, file: &Path) -> Result<(), Failed> {
    let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/pull-push-short");
    let fails = folder.join("fails # SKIP not");
    failing_recording::copy(&stored, &fails);
    let mut damonlab = command_for(env!("CARGO_BIN_EXE_damonlab"));
    let mut report = std::ffi::OsString::from("ktap=");
    report.push(file);
    damonlab.arg("check").args([&stored, &fails]).arg("--report").arg(report);
    let Output { status, stderr, .. } = capture(&mut damonlab, Limits::LOCAL)?;
    if status.code() == Some(1) { Ok(()) } else { Err(format!("{status}: {stderr}").into()) }
}
