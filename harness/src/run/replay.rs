//! Runs the plan of a stored recording again, on the same kernel, and compares the two recordings.

use super::ending;
use super::guest_run::run_plan;
use super::run_env::RunEnv;
use super::run_error::RunError;
use super::scenario_source::ScenarioSource;
use crate::host::fault::{Fault, Faulty};
use crate::host::names::Key;
use crate::host::paths::quoted;
use crate::host::text::{foreign, quote, shown};
use crate::judge::Report;
use crate::kernel::{self, Image};
use crate::machine::Machine;
use crate::recording::compare::{Difference, Extent, extent, first_difference};
use crate::recording::{RunInputs, agent_digest};
use crate::setup;
use std::path::{Path, PathBuf};

/// A replay.
#[derive(Debug)]
pub struct Replay {
    /// The new run.
    pub report: Report,
    /// How its recording compares with the stored one.
    pub result: ReplayResult,
}

/// How two recordings compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplayResult {
    /// No byte differs.
    Identical(Extent),
    /// The first difference.
    Different(Box<Difference>),
    /// Both runs ended in this way, without results to be compared.
    SameEnd(String),
    /// The recorded run ended without results, and the new run not in the same way.
    OtherEnd {
        /// How the recorded run ended.
        then: String,
        /// How the new run ended; none if it delivered results.
        now: Option<String>,
    },
    /// The new run has no recording; its verdict says why.
    NoRecording,
}

/// The kernel of a recording does not exist any more.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("the kernel of {dir} is no longer in the cache: {}, key {}", quote(.kernel), foreign(.key), dir = shown(.dir))]
#[diagnostic(help("{how}"))]
pub struct ImageNotFound {
    dir: PathBuf,
    kernel: String,
    key: Key,
    how: String,
}

impl Faulty for ImageNotFound {
    fn fault(&self) -> Fault {
        Fault::BadInput
    }
}

/// The kernel that a recording was made with, from the cache or from the bzImage that it was.
///
/// # Errors
/// No kernel has that key: it was removed from the cache, or the bzImage has changed.
pub fn image(inputs: &RunInputs, cache: &Path) -> Result<Image, ImageNotFound> {
    let meta = &inputs.meta;
    if let Some(image) = kernel::find(cache, &meta.kernel_key) {
        return Ok(image);
    }
    let origin = origin(&meta.kernel);
    if let Some(image) = origin.and_then(|path| kernel::foreign(path).ok())
        && image.key == meta.kernel_key
    {
        return Ok(image);
    }
    let from = origin.map(|path| format!(" --kernel {}", quoted(&path.to_string_lossy())));
    let build = setup::ourselves(&format!("kernel build{}", from.unwrap_or_default()));
    let how = format!(
        "`{build}`, with the same --patch and --config, builds it if the source and the compiler are the same; \
         `--kernel DIR|bzImage` replays on another kernel"
    );
    Err(ImageNotFound {
        dir: inputs.dir.clone(),
        kernel: meta.kernel.clone(),
        key: meta.kernel_key.clone(),
        how,
    })
}

/// The path of the tree or the bzImage in the description of a kernel, as in `~/linux (linux 7.3.4) + 1 patch`. The
/// description of a release has none.
fn origin(describe: &str) -> Option<&Path> {
    let (path, _) = describe.split_once(" (linux ")?;
    Some(Path::new(path))
}

/// What has changed since the recording was made and may explain a difference.
pub fn changed_inputs(inputs: &RunInputs, env: &RunEnv) -> Vec<String> {
    let RunInputs { meta, plan, scenario, .. } = inputs;
    let mut found = Vec::new();
    if env.image.key != meta.kernel_key {
        let (now, then) = (&env.image, meta);
        found.push(format!(
            "another kernel: {} ({}) now, {} ({}) then",
            now.describe, now.key, then.kernel, then.kernel_key
        ));
    }
    if env.tools.qemu_version != meta.qemu {
        found.push(format!("another QEMU: '{}' now, '{}' then", env.tools.qemu_version, meta.qemu));
    }
    let agent = agent_digest(env.agent);
    match &meta.agent {
        Some(then) if *then != agent => {
            found.push(format!("another guest agent: {agent} now, {then} then (another build of damonlab)"));
        }
        Some(_) => {}
        None => found.push("the recording does not name its guest agent".to_owned()),
    }
    if Machine::of(scenario).is_ok_and(|machine| machine.plan(scenario, meta.seed) != *plan) {
        found
            .push("this damonlab would make another plan from the scenario; the stored plan runs".to_owned());
    }
    found
}

/// Runs the plan of a stored recording again and compares.
///
/// # Errors
/// As [`super::run`], and a file of a recording cannot be read.
pub fn replay(env: &RunEnv, inputs: &RunInputs) -> Result<Replay, RunError> {
    let source = ScenarioSource { scenario: inputs.scenario.clone(), text: inputs.scenario_text.clone() };
    let machine = Machine::of(&source.scenario)?;
    let report = run_plan(env, &source, &machine, &inputs.plan)?;
    let result = match &inputs.meta.without_results {
        Some(then) => compare_ends(then, &report),
        None => compare(&inputs.dir, &report).map_err(RunError::Results)?,
    };
    Ok(Replay { report, result })
}

/// Compares with a run that ended without results.
fn compare_ends(then: &str, report: &Report) -> ReplayResult {
    let then = then.to_owned();
    if report.judgement.is_some() {
        return ReplayResult::OtherEnd { then, now: None };
    }
    match ending::without_results(&report.verdict) {
        Some(now) if now == then => ReplayResult::SameEnd(then),
        Some(now) => ReplayResult::OtherEnd { then, now: Some(now.to_owned()) },
        None => ReplayResult::NoRecording,
    }
}

fn compare(stored: &Path, report: &Report) -> std::io::Result<ReplayResult> {
    if report.judgement.is_none() {
        return Ok(ReplayResult::NoRecording);
    }
    Ok(match first_difference(stored, &report.dir)? {
        None => ReplayResult::Identical(extent(stored)?),
        Some(difference) => ReplayResult::Different(Box::new(difference)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Finding, Origin, RunEnd, Verdict};
    use crate::judge::rejudge;
    use crate::recording::testing;
    use crate::setup::Tools;
    use fs_err as fs;

    fn stored() -> PathBuf {
        testing::stored("pull-push-short")
    }

    fn inputs(change: impl FnOnce(&mut RunInputs)) -> RunInputs {
        let mut inputs = RunInputs::load(&stored()).unwrap();
        change(&mut inputs);
        inputs
    }

    /// An environment with the kernel and the QEMU of the stored recording.
    fn env() -> RunEnv {
        let meta = inputs(|_| {}).meta;
        let image = Image {
            facts: kernel::SourceFacts::default(),
            bzimage: PathBuf::new(),
            vmlinux: None,
            config: None,
            key: meta.kernel_key,
            describe: meta.kernel,
            release: None,
            cached: true,
            lease: kernel::Lease::default(),
        };
        let tools = Tools {
            qemu_version: meta.qemu,
            qemu: PathBuf::new(),
            vng: PathBuf::new(),
            path: std::ffi::OsString::new(),
            home: PathBuf::new(),
        };
        RunEnv { tools, image, agent: b"agent", out: PathBuf::new(), checkpoints: None }
    }

    #[test]
    fn nothing_has_changed_if_kernel_qemu_and_agent_are_the_same() {
        let inputs = inputs(|inputs| inputs.meta.agent = Some(agent_digest(b"agent")));
        assert_eq!(changed_inputs(&inputs, &env()), Vec::<String>::new());
    }

    #[test]
    fn an_older_recording_does_not_name_its_agent() {
        assert_eq!(changed_inputs(&inputs(|_| {}), &env()), ["the recording does not name its guest agent"]);
    }

    #[test]
    fn what_has_changed_is_named_with_its_old_and_new_value() {
        let inputs = inputs(|inputs| {
            inputs.meta.agent = Some("another".into());
            inputs.meta.qemu = "QEMU 9".into();
            inputs.meta.kernel_key = Key::new("abc").unwrap();
            inputs.plan.seed = 7;
        });
        let changes = changed_inputs(&inputs, &env());
        for (index, part) in ["abc) then", "'QEMU 9' then", "another then", "another plan"].iter().enumerate()
        {
            assert!(changes[index].contains(part), "{changes:?}");
        }
    }

    #[test]
    fn a_missing_kernel_is_named_with_the_command_that_builds_it() {
        let cache = tempfile::tempdir().unwrap();
        let error = image(&inputs(|_| {}), cache.path()).unwrap_err();
        assert!(error.to_string().ends_with("linux 7.3.4 + 1 patch, key unknown"), "{error}");
        assert!(error.how.contains("kernel build`"), "{}", error.how);
        let tree = inputs(|inputs| inputs.meta.kernel = "/my/linux (linux 7.3.4)".into());
        let how = image(&tree, cache.path()).unwrap_err().how;
        assert!(how.contains("kernel build --kernel /my/linux`"), "{how}");
    }

    #[test]
    fn a_bzimage_is_used_again_if_it_has_not_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bzImage");
        let mut bytes = kernel::bzimage("7.3.4");
        fs::write(&path, &bytes).unwrap();
        let then = kernel::foreign(&path).unwrap();
        let inputs = inputs(|inputs| {
            inputs.meta.kernel = then.describe.clone();
            inputs.meta.kernel_key = then.key.clone();
        });
        assert_eq!(image(&inputs, folder.path()).unwrap(), then);
        bytes[0x385] = b'1';
        fs::write(&path, &bytes).unwrap();
        assert!(image(&inputs, folder.path()).is_err());
    }

    #[test]
    fn a_run_that_hung_is_repeated_by_one_that_hangs_and_by_no_other() {
        let with = |verdict: Option<Verdict>| {
            let report = rejudge(&stored()).unwrap();
            let judgement = report.judgement.clone().filter(|_| verdict.is_none());
            compare_ends("clock", &Report { judgement, verdict: verdict.unwrap_or(Verdict::Pass), ..report })
        };
        let ended = |end: RunEnd| {
            let origin = Origin::RunEnd(end);
            let (expected, seen, evidence) = (String::new(), String::new(), Vec::new());
            Some(Verdict::Fail(vec![Finding {
                origin,
                expected,
                seen,
                evidence,
                scenario_line: None,
                more: 0,
            }]))
        };
        let other = |now: Option<&str>| ReplayResult::OtherEnd {
            then: "clock".to_owned(),
            now: now.map(str::to_owned),
        };
        assert_eq!(with(ended(RunEnd::Clock)), ReplayResult::SameEnd("clock".to_owned()));
        assert_eq!(with(ended(RunEnd::Panic)), other(Some("panic")));
        assert_eq!(with(None), other(None));
        assert_eq!(with(Some(Verdict::Infra("no QEMU".to_owned()))), ReplayResult::NoRecording);
    }

    #[test]
    fn a_recording_is_identical_to_its_copy_and_a_run_without_one_is_not_compared() {
        let report = rejudge(&stored()).unwrap();
        assert!(matches!(compare(&stored(), &report).unwrap(), ReplayResult::Identical(_)));
        let report = Report { judgement: None, ..report };
        assert_eq!(compare(&stored(), &report).unwrap(), ReplayResult::NoRecording);
    }
}
