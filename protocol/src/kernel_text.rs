//! Parsers for the small texts of `/proc`, `/sys` and tracefs that samples and reports are made of.
//!
//! Each takes the text of one file. Parts that no caller wants are skipped; a line with a malformed
//! number counts as absent. Pure.

use crate::record::TraceStats;
use crate::units::{Addr, Bytes, NodeId};
use std::collections::BTreeMap;
use std::ops::Range;

/// `nodeN/meminfo`: every field that the kernel gives in kB, in bytes.
pub fn node_meminfo(text: &str) -> BTreeMap<String, Bytes> {
    text.lines().filter_map(node_meminfo_line).collect()
}

/// `Node 0 MemTotal:         523704 kB`
fn node_meminfo_line(line: &str) -> Option<(String, Bytes)> {
    let (head, value) = line.split_once(':')?;
    let name = head.split_whitespace().nth(2)?;
    let kilobytes: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some((name.to_owned(), Bytes(kilobytes * 1024)))
}

/// `/proc/vmstat`: the counters whose names begin with one of `prefixes`.
pub fn vmstat(text: &str, prefixes: &[&str]) -> BTreeMap<String, u64> {
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(name, _)| prefixes.iter().any(|prefix| name.starts_with(prefix)))
        .filter_map(|(name, value)| Some((name.to_owned(), value.trim().parse().ok()?)))
        .collect()
}

/// `/proc/PID/numa_maps`: bytes on each node of the mappings that begin inside `within`.
pub fn numa_maps(text: &str, within: Range<Addr>) -> BTreeMap<NodeId, Bytes> {
    let mut nodes: BTreeMap<NodeId, Bytes> = BTreeMap::new();
    for line in text.lines() {
        let mut fields = line.split_ascii_whitespace();
        let start = fields.next().and_then(|field| u64::from_str_radix(field, 16).ok());
        if !start.is_some_and(|start| within.contains(&Addr(start))) {
            continue;
        }
        let page_size = field_value(line, "kernelpagesize_kB=").unwrap_or(4) * 1024;
        for (node, pages) in fields.filter_map(node_pages) {
            nodes.entry(node).or_default().0 += pages * page_size;
        }
    }
    nodes
}

/// `/proc/PID/smaps`: bytes in huge pages of the mappings that begin inside `within`.
pub fn anon_huge_pages(text: &str, within: Range<Addr>) -> Bytes {
    let mut bytes = 0;
    let mut inside = false;
    for line in text.lines() {
        let first = line.split_ascii_whitespace().next().unwrap_or_default();
        if let Some(kib) = line.strip_prefix("AnonHugePages:") {
            let kib = kib.trim().strip_suffix(" kB").and_then(|kib| kib.parse::<u64>().ok());
            bytes += if inside { kib.unwrap_or(0) * 1024 } else { 0 };
        } else if let Some(start) =
            first.split_once('-').and_then(|(start, _)| u64::from_str_radix(start, 16).ok())
        {
            inside = within.contains(&Addr(start));
        }
    }
    Bytes(bytes)
}

/// `N1=4096`
fn node_pages(field: &str) -> Option<(NodeId, u64)> {
    let (node, pages) = field.strip_prefix('N')?.split_once('=')?;
    Some((NodeId(node.parse().ok()?), pages.parse().ok()?))
}

fn field_value(line: &str, key: &str) -> Option<u64> {
    line.split_ascii_whitespace().find_map(|field| field.strip_prefix(key)?.parse().ok())
}

/// `per_cpu/cpuN/stats` of a tracing instance. A counter that is missing counts as 0.
pub fn trace_stats(cpu: u32, text: &str) -> TraceStats {
    let field = |name: &str| {
        text.lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(key, _)| *key == name)
            .and_then(|(_, value)| value.trim().parse().ok())
            .unwrap_or(0)
    };
    TraceStats {
        cpu,
        entries: field("entries"),
        overrun: field("overrun"),
        commit_overrun: field("commit overrun"),
        dropped: field("dropped events"),
    }
}

/// One record of `/dev/kmsg` as a line of [`crate::record::section::DMESG`]: `priority,time-us;message`,
/// without the sequence number, the flags and the dictionary lines that follow the message.
pub fn kmsg_record(record: &str) -> Option<String> {
    let (head, rest) = record.split_once(';')?;
    let mut fields = head.split(',');
    let (priority, _sequence, time) = (fields.next()?, fields.next()?, fields.next()?);
    let message = rest.lines().next().unwrap_or("");
    Some(format!("{priority},{time};{message}"))
}

/// A `format` file of an event without its `ID:` line, which depends on what else the kernel has.
pub fn event_format(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("ID:")).collect();
    lines.join("\n") + "\n"
}

/// A list of ids such as `0-2,5`, as `has_memory` and `online` have them. Backward ranges are empty.
pub fn id_list(text: &str) -> Vec<u16> {
    let mut ids = Vec::new();
    for part in text.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(first), Ok(last)) = (first.parse::<u16>(), last.parse::<u16>()) {
            ids.extend(first..=last);
        }
    }
    ids
}

/// A number in decimal, or in hexadecimal after `0x`: sysfs has both.
pub fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_meminfo_gives_bytes_and_leaves_counts_out() {
        let text = "\nNode 1 MemTotal:         523704 kB\nNode 1 Active(anon):          4 kB\nNode 1 HugePages_Total:     0\n";
        let got = node_meminfo(text);
        assert_eq!(got.len(), 2, "{got:?}");
        assert_eq!(got["MemTotal"], Bytes(523_704 * 1024));
        assert_eq!(got["Active(anon)"], Bytes(4096));
    }

    #[test]
    fn vmstat_keeps_the_counters_with_one_of_the_prefixes() {
        let text = "nr_free_pages 12\npgmigrate_success 7\nnr_isolated_anon 0\nnuma_hit x\n";
        let got = vmstat(text, &["pgmigrate_", "nr_isolated_", "numa_"]);
        assert_eq!(
            got,
            BTreeMap::from([("pgmigrate_success".to_owned(), 7), ("nr_isolated_anon".to_owned(), 0)])
        );
    }

    #[test]
    fn smaps_gives_the_huge_pages_of_one_mapping_alone() {
        let text = "\
7f0000200000-7f0000600000 rw-p 00000000 00:00 0
Size:               4096 kB
AnonHugePages:      2048 kB
7f0000a00000-7f0000c00000 rw-p 00000000 00:00 0
AnonHugePages:      2048 kB
";
        let within = Addr(0x7f00_0020_0000)..Addr(0x7f00_0060_0000);
        assert_eq!(anon_huge_pages(text, within), Bytes(2 << 20));
    }

    #[test]
    fn numa_maps_sums_the_parts_of_one_mapping_and_nothing_else() {
        let text = "\
00400000 default file=/init mapped=90 N0=90 kernelpagesize_kB=4
7f0000001000 default anon=10 dirty=10 N0=4 N1=6 kernelpagesize_kB=4
7f0000005000 default anon=2 dirty=2 N1=2 kernelpagesize_kB=4
7f0000010000 default anon=1 dirty=1 N0=1 kernelpagesize_kB=4
";
        let got = numa_maps(text, Addr(0x7f00_0000_1000)..Addr(0x7f00_0001_0000));
        assert_eq!(got, BTreeMap::from([(NodeId(0), Bytes(4 * 4096)), (NodeId(1), Bytes(8 * 4096))]));
    }

    #[test]
    fn trace_stats_tells_overrun_from_commit_overrun() {
        let text = "entries: 5\noverrun: 1\ncommit overrun: 2\nbytes: 100\noldest event ts:  3.0\nnow ts:  4.0\ndropped events: 3\nread events: 0\n";
        assert_eq!(
            trace_stats(1, text),
            TraceStats { cpu: 1, entries: 5, overrun: 1, commit_overrun: 2, dropped: 3 }
        );
    }

    #[test]
    fn a_kmsg_record_loses_its_sequence_number_and_dictionary() {
        let record = "6,339,5140900,-;NET: a; b\n SUBSYSTEM=pci\n DEVICE=+pci:0\n";
        assert_eq!(kmsg_record(record).as_deref(), Some("6,5140900;NET: a; b"));
    }

    #[test]
    fn an_event_format_has_no_id() {
        assert_eq!(event_format("name: damos_esz\nID: 553\nformat:\n"), "name: damos_esz\nformat:\n");
    }

    #[test]
    fn id_lists_are_spread_out() {
        assert_eq!(id_list("0-2,5\n"), [0, 1, 2, 5]);
        assert!(id_list("\n").is_empty());
    }

    #[test]
    fn numbers_of_sysfs_come_in_two_bases() {
        assert_eq!(number("0x1f\n"), Some(31));
        assert_eq!(number("31"), Some(31));
        assert_eq!(number("(null)"), None);
    }
}
