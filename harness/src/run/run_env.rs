//! What all runs of a command share: tools, kernel, agent, and where results and saved guests lie.

use crate::kernel::Image;
use crate::scenario::InstructionCost;
use crate::setup::Tools;
use crate::vm::checkpoint::Store;
use fs_err as fs;
use std::io;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What all runs of a command have in common.
#[derive(Debug, Clone)]
pub struct RunEnv {
    /// QEMU and virtme-ng.
    pub tools: Tools,
    /// The kernel.
    pub image: Image,
    /// The guest's `/init`: [`vm::AGENT`], but in tests of guests that fail.
    pub agent: &'static [u8],
    /// Results go below this folder.
    pub out: PathBuf,
    /// Saved guests; none boots each time.
    pub checkpoints: Option<Store>,
}

impl RunEnv {
    /// How fast a guest's processor is with this kernel, on virtual time.
    pub fn instruction_cost(&self) -> InstructionCost {
        if self.image.is_instrumented() { InstructionCost::Instrumented } else { InstructionCost::Plain }
    }

    /// A lab for a kernel that nobody asks for again: its saved guests lie below `out`, where they do not push out the
    /// user's, and go with the folder that comes with it.
    ///
    /// # Errors
    /// No folder can be made.
    pub fn ephemeral(
        tools: &Tools,
        image: &Image,
        agent: &'static [u8],
        out: &Path,
    ) -> io::Result<(RunEnv, TempDir)> {
        fs::create_dir_all(out)?;
        let saved = tempfile::tempdir_in(out)?;
        let checkpoints = Some(Store::of(saved.path()));
        let (tools, image) = (tools.clone(), image.clone());
        Ok((RunEnv { tools, image, agent, out: out.to_owned(), checkpoints }, saved))
    }
}
