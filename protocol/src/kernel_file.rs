//! The kernel files outside DAMON's sysfs that a scenario may write: sysctls, module parameters, memory
//! management, cgroups. Pure.
//!
//! The list is bounded so that a mistyped path is found before anything starts, and so that no scenario turns off
//! what records it.

use serde::{Deserialize, Serialize};

/// What the path of such a file begins with.
pub const ROOTS: &[&str] =
    &["/proc/sys/", "/sys/kernel/", "/sys/module/", "/sys/fs/cgroup/", "/sys/devices/system/node/"];

/// Below [`ROOTS`] and yet not for a scenario, each with the reason.
const OWNED: &[(&str, &str)] = &[
    (
        "/sys/kernel/mm/damon/admin/kdamonds",
        "the files of kdamonds are written by `file:`, relative to /sys/kernel/mm/damon/admin/kdamonds, or by `sysfs:`",
    ),
    ("/sys/kernel/tracing", "the tracing files are damonlab's own; `trace.events` chooses what is recorded"),
    (
        "/sys/kernel/debug/tracing",
        "the tracing files are damonlab's own; `trace.events` chooses what is recorded",
    ),
    ("/proc/sys/kernel/randomize_va_space", "damonlab turns the randomisation of addresses off itself"),
];

/// The longest path, and more than any sysctl needs.
const MAX_LENGTH: usize = 1_000;

/// A value and the kernel file that takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileWrite {
    /// Absolute, as [`check`] accepts it.
    pub path: String,
    /// What is written, without a newline.
    pub value: String,
}

/// Why a scenario may not write a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It is no plain absolute path.
    #[error(
        "a path is absolute and has no '..', no empty part, and no character but letters, digits, '_', '-', '.', ':' and '@'"
    )]
    Shape,
    /// It is none of [`ROOTS`].
    #[error("it is not below {}", ROOTS.join(", "))]
    Elsewhere,
    /// damonlab writes it itself.
    #[error("{0}")]
    Owned(&'static str),
}

/// Whether a scenario may write the file at `path`.
///
/// # Errors
/// The reason why not.
pub fn check(path: &str) -> Result<(), PathError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.:@".contains(c);
    let part = |part: &str| !matches!(part, "" | "." | "..") && part.chars().all(plain);
    if path.len() > MAX_LENGTH || !path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(part)) {
        return Err(PathError::Shape);
    }
    let below =
        |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if let Some((_, why)) = OWNED.iter().find(|(folder, _)| below(folder)) {
        return Err(PathError::Owned(why));
    }
    let Some(root) = ROOTS.iter().find(|root| path.starts_with(*root)) else {
        return Err(PathError::Elsewhere);
    };
    // Of a module only its parameters can be written.
    if *root == "/sys/module/" && path.split('/').nth(4) != Some("parameters") {
        return Err(PathError::Elsewhere);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sysctls_parameters_and_memory_management_can_be_written() {
        for path in [
            "/proc/sys/vm/swappiness",
            "/sys/kernel/mm/numa/demotion_enabled",
            "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages",
            "/sys/module/zswap/parameters/enabled",
            "/sys/fs/cgroup/app/memory.high",
            "/sys/devices/system/node/node1/compact",
            "/sys/kernel/debug/sched/numa_balancing/scan_size_mb",
        ] {
            assert_eq!(check(path), Ok(()), "{path}");
        }
    }

    #[test]
    fn a_path_that_leads_elsewhere_is_refused() {
        for path in ["", "vm/swappiness", "/proc/sys/../sysrq-trigger", "/proc/sys//vm", "/sys/kernel/a b"] {
            assert_eq!(check(path), Err(PathError::Shape), "{path}");
        }
        for path in ["/proc/sysrq-trigger", "/etc/passwd", "/sys/module/zswap/uevent", "/proc/sysx/vm"] {
            assert_eq!(check(path), Err(PathError::Elsewhere), "{path}");
        }
    }

    #[test]
    fn what_records_the_run_is_not_the_scenarios() {
        for path in ["/sys/kernel/tracing/tracing_on", "/sys/kernel/mm/damon/admin/kdamonds/0/state"] {
            assert!(matches!(check(path), Err(PathError::Owned(_))), "{path}");
        }
        assert_eq!(check("/sys/kernel/mm/damon_like"), Ok(()));
        assert_eq!(check("/sys/kernel/mm/damon/admin/new_knob"), Ok(()));
    }
}
