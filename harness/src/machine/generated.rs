//! Random machines for property tests: the text of a `machine:`, most of which the grammar takes.

use proptest::collection::vec;
use proptest::option::{of, weighted};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{RngSeed, TestRunner};
use std::fmt;

/// A `machine:` of generated text. Debug prints it as it is, to be pasted.
#[derive(Clone)]
pub(crate) struct Generated(pub String);

impl fmt::Debug for Generated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{}", self.0)
    }
}

/// A runner that meets the same `cases` machines each time.
pub(crate) fn runner(cases: u32) -> TestRunner {
    TestRunner::new(ProptestConfig {
        cases,
        // Most must be such that the grammar takes them, or little is tested.
        max_global_rejects: cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(4),
        ..ProptestConfig::default()
    })
}

/// Any machine.
pub(crate) fn machine() -> impl Strategy<Value = Generated> {
    (1..=8usize, any::<bool>()).prop_flat_map(|(count, hmat)| {
        let nodes = vec(node(hmat), count).prop_map(|parts| nodes(&parts));
        (nodes, distances(count), windows(count, hmat), weighted(0.2, 1..=16u32)).prop_map(
            |(nodes, distances, windows, below)| {
                let below = below.map_or_else(String::new, |units| format!("below_4g: {}M\n", units * 128));
                Generated(format!("{nodes}{distances}{windows}{below}"))
            },
        )
    })
}

/// A node before it knows its number.
#[derive(Debug, Clone)]
struct Node {
    /// How many CPUs it would have among the first nodes.
    cpus: usize,
    /// In blocks of 128 MiB.
    memory: Option<u32>,
    soft_reserved: bool,
    /// Of which CPU node, and how fast.
    from: Option<(usize, String)>,
    cache: Option<String>,
}

fn node(hmat: bool) -> impl Strategy<Value = Node> {
    let from = weighted(0.7, (0..8usize, speed(120..3000)));
    let cache = (1..=4096u32, select(vec![16, 64, 256, 4096]))
        .prop_map(|(size, line)| format!("{{size: {size}K, line: {line}}}"));
    // Linux drops an HMAT with memoryless nodes, and the grammar refuses it.
    let memory = weighted(if hmat { 0.99 } else { 0.8 }, 1..=8u32);
    let cache = weighted(0.2, cache);
    (0..=2usize, memory, weighted(0.2, Just(())), from, cache).prop_map(
        move |(cpus, memory, soft_reserved, from, cache)| Node {
            cpus,
            soft_reserved: memory.is_some() && soft_reserved.is_some(),
            from: from.filter(|_| hmat && memory.is_some()),
            cache: cache.filter(|_| hmat && memory.is_some()),
            memory,
        },
    )
}

/// Usual ones, and what HMAT can just hold.
fn speed(latency: std::ops::Range<u32>) -> impl Strategy<Value = String> {
    let usual = (latency, 1..=10u32).prop_map(|(ns, gib)| (ns, gib * 1024));
    let edge = || select(vec![1, 2, 1000, 65_533, 65_534]);
    prop_oneof![4 => usual, 1 => (edge(), edge())]
        .prop_map(|(ns, mib)| format!("latency: {ns}ns, bandwidth: {mib}M"))
}

/// Nodes with CPUs come first, and the first has one and memory.
fn nodes(parts: &[Node]) -> String {
    let sockets = parts.iter().take_while(|node| node.cpus > 0).count().clamp(1, 4);
    let (mut text, mut cpu) = ("nodes:\n".to_owned(), 0);
    for (id, node) in parts.iter().enumerate() {
        let mut keys = vec![format!("id: {id}")];
        let memory = if id == 0 || id >= sockets { Some(node.memory.unwrap_or(1)) } else { node.memory };
        keys.extend(memory.map(|blocks| format!("memory: {}M", blocks * 128)));
        if id < sockets {
            let cpus: Vec<String> = (cpu..cpu + node.cpus.max(1)).map(|cpu| cpu.to_string()).collect();
            cpu += cpus.len();
            keys.push(format!("cpus: [{}]", cpus.join(", ")));
            // DRAM, and as fast as the other DRAM.
            let from = node.from.as_ref().filter(|_| memory.is_some());
            let speed = |number: &usize| format!("latency: {}ns, bandwidth: 10G", 97 + number);
            keys.extend(from.map(|(number, _)| format!("from: {{node: {id}, {}}}", speed(number))));
        } else {
            let from = node.from.as_ref();
            keys.extend(from.map(|(of, speed)| format!("from: {{node: {}, {speed}}}", of % sockets)));
        }
        keys.extend((node.soft_reserved && id > 0).then(|| "soft_reserved: true".to_owned()));
        keys.extend(node.cache.as_ref().map(|cache| format!("cache: {cache}")));
        text.push_str(&format!("  - {{{}}}\n", keys.join(", ")));
    }
    text
}

/// Some pairs, each once; back and forth may differ.
fn distances(count: usize) -> impl Strategy<Value = String> {
    vec(weighted(0.1, 11..=254u32), count * count).prop_map(move |given| {
        let mut text = String::new();
        for (at, distance) in given.iter().enumerate() {
            let (from, to) = (at / count, at % count);
            if let (Some(distance), true) = (distance, from != to) {
                text.push_str(&format!("  - {{from: {from}, to: {to}, distance: {distance}}}\n"));
            }
        }
        if text.is_empty() { text } else { format!("distances:\n{text}") }
    })
}

fn windows(count: usize, hmat: bool) -> impl Strategy<Value = String> {
    vec(window(hmat), 0..=3).prop_map(move |windows| {
        let lines = windows.iter().enumerate();
        let text: String =
            lines.map(|(at, rest)| format!("  - {{node: {}, {rest}}}\n", count + at)).collect();
        if text.is_empty() { text } else { format!("cxl:\n{text}") }
    })
}

fn window(hmat: bool) -> impl Strategy<Value = String> {
    let across = select(vec!["ports", "bridges", "switch"]);
    let port = weighted(if hmat { 0.5 } else { 0.1 }, speed(50..500));
    (select(vec![1usize, 1, 2, 4]), 1..=2u32, across, of(8..=14u32), port).prop_map(
        |(ways, size, across, granularity, port)| {
            let device = format!("{{size: {}M}}", size * 256);
            let mut keys = vec![format!("devices: [{}]", vec![device; ways].join(", "))];
            if ways > 1 || across != "bridges" {
                keys.push(format!("across: {across}"));
            }
            if ways > 1 {
                keys.extend(granularity.map(|bits| format!("granularity: {}B", 1 << bits)));
            }
            keys.extend(port.map(|speed| format!("port: {{node: 0, {speed}}}")));
            keys.join(", ")
        },
    )
}
