//! A guest's memory in files, so that guests that start from a checkpoint find in place what the saved guest wrote.
//!
//! The guest that is saved maps the files of its nodes' memory shared, so they have its memory. Later guests map the
//! same files privately and read-only: what they write never reaches the files. The memory of CXL devices stays
//! outside: nothing has touched it before the ready point. Pure: arguments in, arguments out.

use crate::machine::{Argv, NodeMemory};
use std::path::Path;

/// The name of a node's file.
pub(super) fn file(memory: &NodeMemory) -> String {
    format!("ram{}", memory.node.0)
}

/// Whether `name` is that of a node's file.
pub(super) fn is_file(name: &str) -> bool {
    name.strip_prefix("ram")
        .is_some_and(|node| !node.is_empty() && node.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `machine` with the memory of its nodes in files of `folder`, which have what the guest writes.
pub(super) fn shared(machine: &Argv, folder: &Path) -> Argv {
    let in_file = |memory: &NodeMemory| (memory.argument(), shared_argument(memory, folder));
    Argv { qemu: replaced(&machine.qemu, machine.memories.iter().map(in_file)), ..machine.clone() }
}

/// QEMU's arguments `argv` of a guest on [`shared`], for guests that leave the files of `memories` as they are.
pub(super) fn private(argv: &[String], memories: &[NodeMemory], folder: &Path) -> Vec<String> {
    let private = |memory: &NodeMemory| (shared_argument(memory, folder), private_argument(memory, folder));
    replaced(argv, memories.iter().map(private))
}

fn shared_argument(memory: &NodeMemory, folder: &Path) -> String {
    format!("{},share=on", file_argument(memory, folder))
}

fn private_argument(memory: &NodeMemory, folder: &Path) -> String {
    format!("{},share=off,readonly=on,rom=off", file_argument(memory, folder))
}

fn file_argument(memory: &NodeMemory, folder: &Path) -> String {
    format!(
        "memory-backend-file,{},mem-path={}/{}",
        memory.properties(),
        folder.to_string_lossy(),
        file(memory)
    )
}

fn replaced(argv: &[String], pairs: impl Iterator<Item = (String, String)>) -> Vec<String> {
    let mut argv = argv.to_vec();
    for (old, new) in pairs {
        argv.iter_mut().filter(|argument| **argument == old).for_each(|argument| argument.clone_from(&new));
    }
    argv
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;
    use crate::scenario::Scenario;

    #[test]
    fn every_nodes_memory_goes_to_a_file_and_no_cxl_devices() {
        let path = crate::bundled::home().join("scenarios/cxl-promote.yaml");
        let machine = Machine::new(&Scenario::load(&path).unwrap().machine).unwrap().argv;
        assert_eq!(machine.memories.iter().map(file).collect::<Vec<_>>(), ["ram0", "ram1"]);
        let shared = shared(&machine, Path::new("/run")).qemu;
        let count = |argv: &[String], part: &str| argv.iter().filter(|arg| arg.contains(part)).count();
        assert_eq!(
            count(&shared, "memory-backend-file,id=numa-mem0,size=512M,mem-path=/run/ram0,share=on"),
            1
        );
        assert_eq!(count(&shared, "memory-backend-ram,id=cxl-mem0"), 1);
        assert_eq!(count(&shared, "memory-backend-ram,id=numa-mem"), 0);
        let private = private(&shared, &machine.memories, Path::new("/run"));
        assert_eq!(
            (count(&private, "share=on"), count(&private, "ram0,share=off,readonly=on,rom=off")),
            (0, 1)
        );
    }
}
