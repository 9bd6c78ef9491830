//! Physical address ranges of a node: its memory blocks, as far as System RAM fills them.
//!
//! A memory block is as large as memory hotplug wants it (128 MiB and up), also where the firmware
//! keeps the end of it for itself. DAMON walks every page of a range it is given, so the ranges here are
//! what `/proc/iomem` calls System RAM and nothing more. Pure.

use crate::units::Addr;

/// The first MiB of a PC is never handed out (`trim_bios_range`, `reserve_real_mode`); left in, it would
/// give node 0 a second range for a few kilobytes.
const LOW_MEMORY_END: u64 = 1 << 20;

const PAGE: u64 = 4096;

/// `start` and one past the end.
pub type AddrRange = (Addr, Addr);

/// The System RAM of `/proc/iomem`, at any depth: memory that a driver brought (`System RAM (kmem)`)
/// hangs below the window of its device. Sorted and merged.
pub fn system_ram(iomem: &str) -> Vec<AddrRange> {
    merged(iomem.lines().filter_map(system_ram_line).collect())
}

fn system_ram_line(line: &str) -> Option<AddrRange> {
    let (range, name) = line.trim().split_once(" : ")?;
    if name != "System RAM" && !name.starts_with("System RAM (") {
        return None;
    }
    let (start, last) = range.split_once('-')?;
    let start = u64::from_str_radix(start, 16).ok()?;
    let end = u64::from_str_radix(last, 16).ok()?.checked_add(1)?;
    (start < end).then_some((Addr(start), Addr(end)))
}

/// Sorted, with touching and overlapping ranges made one.
pub fn merged(mut ranges: Vec<AddrRange>) -> Vec<AddrRange> {
    ranges.sort();
    let mut out: Vec<AddrRange> = Vec::new();
    for (start, end) in ranges {
        match out.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => out.push((start, end)),
        }
    }
    out
}

/// What of a node's memory blocks is System RAM: whole pages above the first MiB. Both lists sorted and
/// merged; so is the result.
pub fn usable(blocks: &[AddrRange], ram: &[AddrRange]) -> Vec<AddrRange> {
    let mut out = Vec::new();
    for block in blocks {
        for part in ram {
            let start = block.0.0.max(part.0.0).max(LOW_MEMORY_END).next_multiple_of(PAGE);
            let end = block.1.0.min(part.1.0) / PAGE * PAGE;
            if start < end {
                out.push((Addr(start), Addr(end)));
            }
        }
    }
    merged(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const IOMEM: &str = "\
00001000-0009fbff : System RAM
0009fc00-0009ffff : Reserved
00100000-1ffdffff : System RAM
  01000000-017fffff : Kernel code
1ffe0000-1fffffff : Reserved
290000000-38fffffff : CXL Window 0
  290000000-29fffffff : region0
    290000000-29fffffff : dax0.0
      290000000-29fffffff : System RAM (kmem)
";

    fn range(start: u64, end: u64) -> AddrRange {
        (Addr(start), Addr(end))
    }

    #[test]
    fn system_ram_is_found_at_any_depth_and_its_parts_are_not() {
        assert_eq!(
            system_ram(IOMEM),
            [range(0x1000, 0x9fc00), range(0x10_0000, 0x1ffe_0000), range(0x2_9000_0000, 0x2_a000_0000)]
        );
    }

    #[test]
    fn iomem_without_rights_to_see_addresses_gives_nothing() {
        assert_eq!(system_ram("00000000-00000000 : System RAM\n"), [range(0, 1)]);
        assert_eq!(usable(&[range(0, 1 << 27)], &system_ram("00000000-00000000 : System RAM\n")), []);
    }

    #[test]
    fn a_node_keeps_neither_its_reserved_tail_nor_the_first_mebibyte() {
        let blocks = merged(vec![range(0x1000_0000, 0x2000_0000), range(0, 0x1000_0000)]);
        assert_eq!(blocks, [range(0, 0x2000_0000)]);
        assert_eq!(usable(&blocks, &system_ram(IOMEM)), [range(0x10_0000, 0x1ffe_0000)]);
    }

    #[test]
    fn blocks_with_a_hole_between_them_stay_two_ranges() {
        let ram = [range(0, 1 << 32)];
        let blocks = [range(1 << 27, 2 << 27), range(3 << 27, 4 << 27)];
        assert_eq!(usable(&blocks, &ram), blocks);
    }
}
