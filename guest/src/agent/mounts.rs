//! The file systems that the kernel shows itself through.

use super::failure::Failure;
use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use std::fs;

/// One file system: its type, where it goes, and whether the guest can do without.
struct Mount {
    kind: &'static str,
    at: &'static str,
    needed: bool,
}

/// In this order: later ones lie inside earlier ones.
const MOUNTS: &[Mount] = &[
    Mount { kind: "devtmpfs", at: "/dev", needed: true },
    Mount { kind: "proc", at: "/proc", needed: true },
    Mount { kind: "sysfs", at: "/sys", needed: true },
    Mount { kind: "tmpfs", at: "/run", needed: true },
    Mount { kind: "tracefs", at: "/sys/kernel/tracing", needed: true },
    Mount { kind: "debugfs", at: "/sys/kernel/debug", needed: false },
    Mount { kind: "cgroup2", at: "/sys/fs/cgroup", needed: false },
];

/// Mounts all of them. A kernel may have mounted some itself (`CONFIG_DEVTMPFS_MOUNT`).
pub fn mount_all() -> Result<(), Failure> {
    let mut missing = Vec::new();
    for entry in MOUNTS {
        // Folders inside sysfs exist or cannot be made; the mount itself fails then.
        let _ = fs::create_dir_all(entry.at);
        let result = mount(Some(entry.kind), entry.at, Some(entry.kind), MsFlags::empty(), None::<&str>);
        match result {
            Ok(()) | Err(Errno::EBUSY) => {}
            Err(errno) if entry.needed => missing.push(format!("{} at {}: {errno}", entry.kind, entry.at)),
            Err(_) => {}
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(format!("cannot mount {}", missing.join("; ")).into()) }
}
