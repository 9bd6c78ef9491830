//! What drawn and shrunk scenarios run in: a kernel, its tools, and what this host and its QEMU cannot run.

use super::error::CliError;
use super::expect_change::ExpectChangeArgs;
use super::fit::Fit;
use super::kernel_args::KernelArgs;
use super::repro_command::{ReproCommand, Seeds};
use super::rules_args::RulesArgs;
use crate::host::progress::Progress;
use crate::kernel::{self, Origins, Request};
use crate::report;
use crate::run::RunEnv;
use crate::setup::{self, Env};
use crate::vm;
use crate::vm::checkpoint::Store;
use fs_err as fs;
use std::path::{Path, PathBuf};

/// What scenarios run in, of which not all have to be possible here.
pub(super) struct ExploreEnv {
    pub(super) run: RunEnv,
    pub(super) fit: Fit,
    /// The requested kernel, and where its source is.
    pub(super) request: Request,
    pub(super) origins: Origins,
}

impl ExploreEnv {
    pub(super) fn of(kernel: &KernelArgs, out: PathBuf, progress: &Progress) -> Result<ExploreEnv, CliError> {
        let origins = Origins::of(Env::machine()?);
        let request = kernel.request(&origins, progress)?;
        let tools = setup::tools(&origins.env, request.work())?;
        let fit = Fit::of(&origins.env.cache, &tools)?;
        let image = kernel::obtain(&request, &origins, progress)?;
        report::unknown_to_damonlab(&image).iter().for_each(|note| progress.say(note));
        fs::create_dir_all(&out)?;
        let checkpoints = Some(Store::of(&origins.env.cache));
        let run = RunEnv { tools, image, agent: vm::AGENT, out, checkpoints };
        Ok(ExploreEnv { run, fit, request, origins })
    }
}

/// The command that repeats a file with a seed, on this kernel.
pub(super) fn repeat(kernel: &KernelArgs, changes: &ExpectChangeArgs, scenario: &Path, seed: u64) -> String {
    let rules = RulesArgs::default();
    let repro = ReproCommand { machine: None, introduces: None, rules: &rules, changes, clock: None, kernel };
    repro.command(&scenario.to_string_lossy(), Seeds::One(seed))
}
