//! The key of a checkpoint: a digest of everything that decides the state of a booted guest.

use crate::host::names::Key;
use crate::vm::error::VmError;
use crate::vm::launch::Launch;
use crate::vm::{command, initramfs};
use fs_err as fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The version of the folder's layout and of the key.
const VERSION: u32 = 2;

/// The key of the guest that `launch` would boot: the kernel's bytes, the initramfs, virtme-ng and its arguments (which have
/// the machine and the kernel's command line), the size of the plan, and QEMU by its version and the metadata of its file,
/// which is too large to be read each time.
pub(crate) fn key(launch: &Launch<'_>, plan_size: usize) -> Result<Key, VmError> {
    let mut hasher = blake3::Hasher::new();
    let mut add = |part: &[u8]| {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    };
    add(&VERSION.to_le_bytes());
    add(&fs::read(launch.bzimage)?);
    add(&initramfs::archive(launch.agent)?);
    for argument in command::arguments(launch.machine, Path::new("/run"), &launch.timing, launch.sandbox)? {
        add(argument.as_encoded_bytes());
    }
    add(&(plan_size as u64).to_le_bytes());
    add(launch.tools.qemu_version.as_bytes());
    for program in [&launch.tools.qemu, &launch.tools.vng] {
        let file = fs::metadata(program)?;
        add(program.as_os_str().as_encoded_bytes());
        add(&[file.len().to_le_bytes(), file.mtime().to_le_bytes(), file.mtime_nsec().to_le_bytes()].concat());
    }
    Ok(Key::of(&hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Argv;
    use crate::scenario::{InstructionCost, Scenario};
    use crate::setup::Tools;
    use crate::vm::{Sandbox, Timing};
    use damonlab_protocol::units::Bytes;
    use std::path::PathBuf;

    struct Parts {
        folder: tempfile::TempDir,
        agent: Vec<u8>,
        machine: Argv,
        qemu_version: String,
    }

    impl Parts {
        fn new() -> Parts {
            let folder = tempfile::tempdir().unwrap();
            for name in ["bzImage", "qemu", "vng"] {
                fs::write(folder.path().join(name), name).unwrap();
            }
            let machine = Argv::plain(Bytes(1 << 30));
            Parts { folder, agent: b"agent".to_vec(), machine, qemu_version: "QEMU 10".into() }
        }

        fn key(&self, plan_size: usize) -> Key {
            let at = |name: &str| -> PathBuf { self.folder.path().join(name) };
            let tools = Tools {
                qemu: at("qemu"),
                qemu_version: self.qemu_version.clone(),
                vng: at("vng"),
                path: "/bin".into(),
                home: at("home"),
            };
            let scenario = Scenario::load(&crate::bundled::home().join("scenarios/idle.yaml")).unwrap();
            let launch = Launch {
                tools: &tools,
                bzimage: &at("bzImage"),
                system_map: None,
                agent: &self.agent,
                machine: &self.machine,
                timing: Timing::Virtual(InstructionCost::Plain),
                sandbox: Sandbox::On,
                plan: &scenario.plan(0, Default::default()),
                clocks: &scenario.clocks,
                results: self.folder.path(),
                checkpoints: None,
                describe: "a kernel",
            };
            key(&launch, plan_size).unwrap()
        }
    }

    #[test]
    fn a_changed_kernel_under_the_same_name_has_another_key() {
        let parts = Parts::new();
        let first = parts.key(1);
        assert_eq!(first, parts.key(1));
        fs::write(parts.folder.path().join("bzImage"), "bzimage").unwrap();
        assert_ne!(first, parts.key(1));
    }

    #[test]
    fn agent_machine_qemu_and_the_size_of_the_plan_are_in_the_key() {
        let mut parts = Parts::new();
        let first = parts.key(1);
        assert_ne!(parts.key(2), first, "the plan's size");
        parts.agent = b"other".to_vec();
        let second = parts.key(1);
        assert_ne!(second, first, "the agent");
        parts.machine.qemu.push("-S".into());
        let third = parts.key(1);
        assert_ne!(third, second, "the machine");
        parts.qemu_version = "QEMU 11".into();
        assert_ne!(parts.key(1), third, "QEMU");
    }
}
