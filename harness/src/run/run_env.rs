//! What all runs of a command share: tools, kernel, agent, and the folders of results and checkpoints.

use crate::host::paths;
use crate::kernel::Image;
use crate::scenario::InstructionCost;
use crate::setup::Tools;
use crate::vm::checkpoint::Store;
use crate::vm::{Sandbox, VmError};
use fs_err as fs;
use std::io;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What all runs of a command share.
#[derive(Debug, Clone)]
pub struct RunEnv {
    /// QEMU and virtme-ng.
    pub tools: Tools,
    /// The kernel.
    pub image: Image,
    /// The guest's `/init`: [`crate::vm::AGENT`], except in tests of guests that fail.
    pub agent: &'static [u8],
    /// Results go below this folder.
    pub out: PathBuf,
    /// The checkpoints; none: every guest boots.
    pub checkpoints: Option<Store>,
}

impl RunEnv {
    /// How much guest time an instruction takes with this kernel, on the virtual clock.
    pub fn instruction_cost(&self) -> InstructionCost {
        if self.image.is_instrumented() { InstructionCost::Instrumented } else { InstructionCost::Plain }
    }

    /// Whether QEMU confines itself on this host.
    pub(super) fn sandbox(&self) -> Result<Sandbox, VmError> {
        Sandbox::of(&paths::cache()?, &self.tools)
    }

    /// An environment for a kernel that is used only once. Its checkpoints lie in a temporary folder below `out`, which is
    /// removed with the second value, so that they do not displace those of the user.
    ///
    /// # Errors
    /// The folder cannot be created.
    pub fn ephemeral(
        tools: &Tools,
        image: &Image,
        agent: &'static [u8],
        out: &Path,
    ) -> io::Result<(RunEnv, TempDir)> {
        fs::create_dir_all(out)?;
        let folder = tempfile::tempdir_in(out)?;
        let checkpoints = Some(Store::of(folder.path()));
        let (tools, image) = (tools.clone(), image.clone());
        Ok((RunEnv { tools, image, agent, out: out.to_owned(), checkpoints }, folder))
    }
}
