//! What a scenario cannot get wrong, because it does not say it: the flags, sums and orders that QEMU wants
//! besides the nodes themselves.

use super::*;
use crate::scenario;

const DRAM: &str = "nodes: [{id: 0, memory: 256M, cpus: [0]}, {id: 1, memory: 384M}]\n";
const SLOW: &str = "nodes: [{id: 0, memory: 256M, cpus: [0]}, {id: 1, memory: 384M, from: {node: 0, \
                    latency: 300ns, bandwidth: 5G}}]\n";
const CXL: &str = "cxl: [{node: 2, size: 256M}]\n";
const PORT: &str = "cxl: [{node: 2, size: 256M, port: {node: 0, latency: 150ns, bandwidth: 8G}}]\n";

fn argv(machine: &str) -> Argv {
    Machine::new(&scenario::machine_of(machine)).unwrap().argv
}

/// The value of the first `-machine`.
fn flags(machine: &str) -> String {
    let argv = argv(machine);
    let at = argv.qemu.iter().position(|argument| argument == "-machine").unwrap();
    argv.qemu[at + 1].clone()
}

#[test]
fn hmat_and_cxl_are_on_where_the_machine_has_them_and_the_type_is_always_q35() {
    for (machine, wanted) in [
        (DRAM.to_owned(), "q35"),
        (SLOW.to_owned(), "q35,hmat=on"),
        (format!("{DRAM}{CXL}"), "q35,cxl=on"),
        (format!("{DRAM}{PORT}"), "q35,hmat=on,cxl=on"),
        (format!("{SLOW}{CXL}"), "q35,hmat=on,cxl=on"),
    ] {
        assert_eq!(flags(&machine), wanted, "{machine}");
    }
}

#[test]
fn the_nodes_add_up_to_the_memory_that_qemu_is_told_of() {
    assert_eq!(argv(DRAM).memory_word(), "640M");
    assert_eq!(argv(&format!("{DRAM}{CXL}")).memory_word(), "640M", "CXL memory does not count in");
}

#[test]
fn a_row_of_hmat_comes_after_every_node() {
    let argv = argv(&format!("{SLOW}{PORT}"));
    let last_node = argv.qemu.iter().rposition(|argument| argument.starts_with("node,")).unwrap();
    let first_row = argv.qemu.iter().position(|argument| argument.starts_with("hmat-lb,")).unwrap();
    assert!(last_node < first_row, "{:?}", argv.qemu);
}

#[test]
fn a_node_without_cpus_in_a_machine_with_hmat_has_an_initiator() {
    let without_one = |argument: &&String| {
        argument.starts_with("node,")
            && argument.contains("memdev=")
            && !argument.contains(",cpus=")
            && !argument.contains(",initiator=")
    };
    let argv = argv(&format!("{DRAM}{PORT}"));
    assert_eq!(argv.qemu.iter().find(without_one), None, "QEMU would take it as it is");
}
