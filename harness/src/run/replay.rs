//! A stored recording's run once more: the same plan on the same kernel, and the two recordings compared.

use super::{RunEnv, RunError, ScenarioSource, run_plan};
use crate::host::paths::quoted;
use crate::judge::Report;
use crate::kernel::{self, Image};
use crate::machine::Machine;
use crate::recording::compare::{Difference, Extent, extent, first_difference};
use crate::recording::{RunInputs, agent_digest};
use crate::setup;
use std::path::{Path, PathBuf};

/// What came of a replay.
#[derive(Debug)]
pub struct Replay {
    /// The new run.
    pub report: Report,
    /// How it compares with the stored one.
    pub outcome: ReplayResult,
}

/// How two recordings compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplayResult {
    /// Not a byte differs.
    Identical(Extent),
    /// They part here.
    Different(Box<Difference>),
    /// The new run ended without a recording; its verdict says how.
    NoRecording,
}

/// The kernel of a recording is not to be had.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("the kernel of {dir} is not in the cache any more: {kernel}, key {key}", dir = .dir.display())]
#[diagnostic(help("{how}"))]
pub struct ImageNotFound {
    dir: PathBuf,
    kernel: String,
    key: String,
    how: String,
}

/// The kernel that a recording was made with: from the cache, or from the file that it was.
///
/// # Errors
/// There is none with that key, or the file is another by now.
pub fn image(recipe: &RunInputs, cache: &Path) -> Result<Image, ImageNotFound> {
    let meta = &recipe.meta;
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
        "`{build}`, with the --patch and --config that it had, builds it if source and compiler are the same; \
         `--kernel DIR|bzImage` replays on another kernel"
    );
    Err(ImageNotFound {
        dir: recipe.dir.clone(),
        kernel: meta.kernel.clone(),
        key: meta.kernel_key.clone(),
        how,
    })
}

/// The tree or the file in a description of a kernel: `~/linux (linux 7.3.4) + 1 patch`. A release has none.
fn origin(describe: &str) -> Option<&Path> {
    let (path, _) = describe.split_once(" (linux ")?;
    Some(Path::new(path))
}

/// What is not as it was when the recording was made, and would explain another result.
pub fn unlike(recipe: &RunInputs, lab: &RunEnv) -> Vec<String> {
    let RunInputs { meta, plan, scenario, .. } = recipe;
    let mut found = Vec::new();
    if lab.image.key != meta.kernel_key {
        let (now, then) = (&lab.image, meta);
        found.push(format!(
            "another kernel: {} ({}) now, {} ({}) then",
            now.describe, now.key, then.kernel, then.kernel_key
        ));
    }
    if lab.tools.qemu_version != meta.qemu {
        found.push(format!("another QEMU: '{}' now, '{}' then", lab.tools.qemu_version, meta.qemu));
    }
    let agent = agent_digest(lab.agent);
    match &meta.agent {
        Some(then) if *then != agent => {
            found.push(format!("another guest agent: {agent} now, {then} then (another build of damonlab)"));
        }
        Some(_) => {}
        None => found.push("the recording does not say which guest agent it had".to_owned()),
    }
    if Machine::of(scenario).is_ok_and(|machine| machine.plan(scenario, meta.seed) != *plan) {
        found
            .push("this damonlab would make another plan of the scenario; the stored plan is run".to_owned());
    }
    found
}

/// Runs the plan of a stored recording again and compares.
///
/// # Errors
/// As [`super::run`]; a file of one of the recordings that cannot be read.
pub fn replay(lab: &RunEnv, recipe: &RunInputs) -> Result<Replay, RunError> {
    let loaded = ScenarioSource { scenario: recipe.scenario.clone(), text: recipe.scenario_text.clone() };
    let machine = Machine::of(&loaded.scenario)?;
    let report = run_plan(lab, &loaded, &machine, &recipe.plan)?;
    let outcome = outcome(&recipe.dir, &report).map_err(RunError::Results)?;
    Ok(Replay { report, outcome })
}

fn outcome(stored: &Path, report: &Report) -> std::io::Result<ReplayResult> {
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
    use crate::judge::rejudge;
    use crate::setup::Tools;
    use fs_err as fs;

    fn stored() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/pull-push-short")
    }

    fn recipe(change: impl FnOnce(&mut RunInputs)) -> RunInputs {
        let mut recipe = RunInputs::load(&stored()).unwrap();
        change(&mut recipe);
        recipe
    }

    /// A lab with the kernel and the QEMU of the stored recording.
    fn lab() -> RunEnv {
        let meta = recipe(|_| {}).meta;
        let image = Image {
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
    fn nothing_is_unlike_where_kernel_qemu_and_agent_are_the_same() {
        let recipe = recipe(|recipe| recipe.meta.agent = Some(agent_digest(b"agent")));
        assert_eq!(unlike(&recipe, &lab()), Vec::<String>::new());
    }

    #[test]
    fn an_older_recording_loads_and_does_not_know_its_agent() {
        assert_eq!(unlike(&recipe(|_| {}), &lab()), ["the recording does not say which guest agent it had"]);
    }

    #[test]
    fn what_is_not_as_it_was_is_named_with_both_sides() {
        let recipe = recipe(|recipe| {
            recipe.meta.agent = Some("another".into());
            recipe.meta.qemu = "QEMU 9".into();
            recipe.meta.kernel_key = "abc".into();
            recipe.plan.seed = 7;
        });
        let said = unlike(&recipe, &lab());
        for (index, part) in ["abc) then", "'QEMU 9' then", "another then", "another plan"].iter().enumerate()
        {
            assert!(said[index].contains(part), "{said:?}");
        }
    }

    #[test]
    fn a_kernel_that_is_gone_is_named_with_the_command_that_builds_it() {
        let cache = tempfile::tempdir().unwrap();
        let error = image(&recipe(|_| {}), cache.path()).unwrap_err();
        assert!(error.to_string().ends_with("linux 7.3.4 + 1 patch, key unknown"), "{error}");
        assert!(error.how.contains("kernel build`"), "{}", error.how);
        let tree = recipe(|recipe| recipe.meta.kernel = "/my/linux (linux 7.3.4)".into());
        let how = image(&tree, cache.path()).unwrap_err().how;
        assert!(how.contains("kernel build --kernel /my/linux`"), "{how}");
    }

    #[test]
    fn a_bzimage_is_taken_from_where_it_was_if_it_is_still_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bzImage");
        let mut bytes = vec![0; 0x400];
        bytes[0x202..0x206].copy_from_slice(b"HdrS");
        bytes[0x20e..0x210].copy_from_slice(&0x180u16.to_le_bytes());
        bytes[0x380..0x385].copy_from_slice(b"7.3.4");
        fs::write(&path, &bytes).unwrap();
        let then = kernel::foreign(&path).unwrap();
        let recipe = recipe(|recipe| {
            recipe.meta.kernel = then.describe.clone();
            recipe.meta.kernel_key = then.key.clone();
        });
        assert_eq!(image(&recipe, folder.path()).unwrap(), then);
        bytes[0x385] = b'1';
        fs::write(&path, &bytes).unwrap();
        assert!(image(&recipe, folder.path()).is_err());
    }

    #[test]
    fn a_recording_is_identical_to_its_copy_and_a_run_without_one_has_no_answer() {
        let report = rejudge(&stored()).unwrap();
        assert!(matches!(outcome(&stored(), &report).unwrap(), ReplayResult::Identical(_)));
        let report = Report { judgement: None, ..report };
        assert_eq!(outcome(&stored(), &report).unwrap(), ReplayResult::NoRecording);
    }
}
