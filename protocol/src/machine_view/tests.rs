use super::*;

/// Two nodes and a CXL region on the second.
fn view() -> MachineView {
    let node = |memory: u64, tier: u64| NodeView {
        memory: Bytes(memory << 20),
        distances: BTreeMap::from([(NodeId(0), 10), (NodeId(1), 20)]),
        tier: Some(tier),
        ..NodeView::default()
    };
    let boot = NodeView {
        cpus: vec![0],
        ranges: Some(vec![(Addr(0), Addr(512 << 20))]),
        access: Some(AccessView {
            initiators: vec![NodeId(0)],
            speed: SpeedView {
                read_latency: 100,
                write_latency: 100,
                read_bandwidth: 10240,
                write_bandwidth: 10240,
            },
        }),
        caches: BTreeMap::from([(
            1,
            CacheView { size: Bytes(16 << 20), line_size: 64, ..CacheView::default() },
        )]),
        ..node(512, 4)
    };
    let region = RegionView {
        window: Bytes(512 << 20),
        window_ways: 1,
        size: Bytes(512 << 20),
        ways: 2,
        granularity: 256,
        serials: vec![1, 2],
        speed: None,
    };
    MachineView {
        nodes: BTreeMap::from([(NodeId(0), boot), (NodeId(1), node(512, 22))]),
        regions: BTreeMap::from([(NodeId(1), region)]),
    }
}

/// The differences of a machine that was changed, a line each.
fn differences_of(change: impl FnOnce(&mut MachineView)) -> Vec<String> {
    let mut seen = view();
    change(&mut seen);
    let line = |one: Difference| format!("{}: {} / {}", one.what, one.wanted, one.seen);
    differences(&view(), &seen).into_iter().map(line).collect()
}

fn node(view: &mut MachineView, id: u16) -> &mut NodeView {
    view.nodes.entry(NodeId(id)).or_default()
}

#[test]
fn the_machine_that_is_wanted_has_no_difference() {
    assert_eq!(differences(&view(), &view()), []);
}

#[test]
fn another_tier_is_named_with_its_node() {
    assert_eq!(differences_of(|seen| node(seen, 1).tier = Some(4)), ["memory tier of node 1: 22 / 4"]);
    assert_eq!(differences_of(|seen| node(seen, 1).tier = None), ["memory tier of node 1: 22 / none"]);
}

#[test]
fn a_missing_node_is_one_difference_and_not_one_for_each_of_its_facts() {
    let lost = |seen: &mut MachineView| {
        seen.nodes.remove(&NodeId(1));
        node(seen, 0).distances.remove(&NodeId(1));
    };
    assert_eq!(differences_of(lost), ["online nodes: 0-1 / 0"]);
    assert_eq!(differences_of(|seen| node(seen, 3).memory = Bytes(1)), ["online nodes: 0-1 / 0-1,3"]);
}

#[test]
fn a_nodes_facts_come_in_order() {
    let other = |seen: &mut MachineView| {
        let node = node(seen, 0);
        node.cpus = vec![0, 1, 3];
        node.memory = Bytes(384 << 20);
        node.ranges = Some(vec![(Addr(0), Addr(128 << 20)), (Addr(4 << 30), Addr(5 << 30))]);
        node.distances.insert(NodeId(1), 30);
        node.caches.clear();
    };
    let expected = [
        "CPUs of node 0: 0 / 0-1,3",
        "memory of node 0: 512 MiB / 384 MiB",
        "addresses of node 0: 0x0-0x1fffffff / 0x0-0x7ffffff, 0x100000000-0x13fffffff",
        "distance from node 0 to node 1: 20 / 30",
        "memory-side cache of level 1 of node 0: 16 MiB in lines of 64 bytes, direct-mapped, write-back / none",
    ];
    assert_eq!(differences_of(other), expected);
}

#[test]
fn addresses_that_only_the_guest_can_know_are_not_compared() {
    assert!(differences_of(|seen| node(seen, 1).ranges = Some(vec![(Addr(0), Addr(1))])).is_empty());
}

#[test]
fn initiators_latency_and_bandwidth_are_a_fact_each() {
    let slower = |seen: &mut MachineView| {
        if let Some(access) = &mut node(seen, 0).access {
            (access.speed.read_latency, access.speed.write_bandwidth) = (0, 8192);
        }
    };
    let expected =
        ["read latency of node 0: 100 ns / none", "write bandwidth of node 0: 10240 MB/s / 8192 MB/s"];
    assert_eq!(differences_of(slower), expected);
    let lost = differences_of(|seen| node(seen, 0).access = None);
    assert_eq!((lost.len(), lost[0].as_str()), (5, "initiators of node 0: 0 / none"));
}

#[test]
fn devices_in_another_order_differ_by_position() {
    let other = |seen: &mut MachineView| {
        if let Some(region) = seen.regions.get_mut(&NodeId(1)) {
            region.serials = vec![2, 1];
            (region.window_ways, region.granularity) = (2, 4096);
        }
    };
    let expected = [
        "ways of the CXL window of node 1: 1 / 2",
        "granularity of the CXL region of node 1: 256 B / 4 KiB",
        "serial number of device 0 of the CXL region of node 1: 0x1 / 0x2",
        "serial number of device 1 of the CXL region of node 1: 0x2 / 0x1",
    ];
    assert_eq!(differences_of(other), expected);
}

#[test]
fn a_region_that_is_not_there_is_one_difference() {
    assert_eq!(
        differences_of(|seen| seen.regions.clear()),
        ["CXL region of node 1: 512 MiB on 2 devices / none"]
    );
}

#[test]
fn the_speed_of_a_region_is_a_fact_of_the_region() {
    let faster = SpeedView { read_latency: 302, ..SpeedView::default() };
    let slower = |seen: &mut MachineView| {
        seen.regions.entry(NodeId(1)).or_default().speed = Some(faster);
    };
    assert_eq!(differences_of(slower), ["read latency of the CXL region of node 1: none / 302 ns"]);
}
