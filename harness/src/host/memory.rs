//! The host's memory: how much is available, and how much guests use.

use damonlab_protocol::units::Bytes;
use fs_err as fs;
use std::collections::BTreeMap;
use std::io;

/// The kernel's estimate of what is available without swapping (`MemAvailable`).
///
/// # Errors
/// `/proc/meminfo` cannot be read or has no such line.
pub fn available() -> io::Result<Bytes> {
    let text = fs::read_to_string("/proc/meminfo")?;
    kibibytes(&text, "MemAvailable:")
        .ok_or_else(|| io::Error::other("/proc/meminfo has no line MemAvailable in kB"))
}

/// What the QEMU processes below the process `holder` have touched so far. A process that cannot be read counts 0.
pub fn touched_by_guests_of(holder: u32) -> Bytes {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Bytes(0) };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    // A process may end meanwhile.
    let processes = pids.filter_map(|pid| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        Some((pid, Process::of(&status)?))
    });
    guests_below(holder, &processes.collect())
}

/// From `/proc/<pid>/status`.
struct Process {
    parent: u32,
    is_qemu: bool,
    resident: Bytes,
}

impl Process {
    fn of(status: &str) -> Option<Process> {
        Some(Process {
            parent: value(status, "PPid:")?.parse().ok()?,
            is_qemu: value(status, "Name:")?.starts_with("qemu-system"),
            // Kernel threads and zombies have no such line.
            resident: kibibytes(status, "VmRSS:").unwrap_or_default(),
        })
    }
}

fn guests_below(holder: u32, processes: &BTreeMap<u32, Process>) -> Bytes {
    let descends = |process: &Process| {
        let mut parent = process.parent;
        // A walk upwards is short; the bound is for a snapshot that was torn by a reused pid.
        for _ in 0..64 {
            if parent == holder {
                return true;
            }
            let Some(next) = processes.get(&parent) else { return false };
            parent = next.parent;
        }
        false
    };
    let guests = processes.values().filter(|process| process.is_qemu && descends(process));
    Bytes(guests.map(|process| process.resident.0).fold(0, u64::saturating_add))
}

fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(key)).map(str::trim)
}

fn kibibytes(text: &str, key: &str) -> Option<Bytes> {
    let number: u64 = value(text, key)?.strip_suffix("kB")?.trim_end().parse().ok()?;
    Some(Bytes(number.saturating_mul(1 << 10)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_memory_left() {
        assert!(available().unwrap() > Bytes::MIB);
    }

    #[test]
    fn only_the_qemu_processes_below_a_process_are_its_guests() {
        let process = |parent: u32, name: &str, kib: u64| {
            Process::of(&format!("Name:\t{name}\nPPid:\t{parent}\nVmRSS:\t    {kib} kB\n")).unwrap()
        };
        let processes = BTreeMap::from([
            (10, process(1, "damonlab", 5)),
            (11, process(10, "vng", 7)),
            (12, process(11, "qemu-system-x86", 100)),
            (13, process(10, "qemu-system-x86", 20)),
            (20, process(1, "qemu-system-x86", 3000)),
        ]);
        assert_eq!(guests_below(10, &processes), Bytes(120 << 10));
    }

    #[test]
    fn a_zombie_counts_nothing() {
        let zombie = Process::of("Name:\tqemu-system-x86\nState:\tZ (zombie)\nPPid:\t10\n").unwrap();
        assert_eq!(guests_below(10, &BTreeMap::from([(12, zombie)])), Bytes(0));
    }
}
