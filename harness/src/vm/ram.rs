//! A guest's memory as files: what the saved guest wrote is there at once for those who start from it.
//!
//! Pure words. The guest that is to be saved maps its nodes' memory shared, so the files hold it; later
//! guests map the same files privately and read-only, and nothing that they write reaches the files. Memory
//! of CXL devices stays outside: nobody has touched it before the ready point.

use damonlab_protocol::units::Bytes;
use std::path::Path;

/// How the word of a node's memory begins in [`crate::machine::Argv::qemu`].
const ANONYMOUS: &str = "memory-backend-ram,id=numa-mem";
const IN_FILE: &str = "memory-backend-file,id=numa-mem";
const SHARED: &str = ",share=on";
const PRIVATE: &str = ",share=off,readonly=on,rom=off";

/// A node's memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ram {
    /// The name of its file.
    pub file: String,
    /// Its size.
    pub size: Bytes,
}

/// The memory of all nodes in a machine's words.
pub(super) fn nodes(words: &[String]) -> Vec<Ram> {
    words.iter().filter_map(|word| ram(word)).collect()
}

/// The words with all nodes' memory in files of `folder`, shared with them.
pub(super) fn shared(words: &[String], folder: &Path) -> Vec<String> {
    let in_file = |word: &String| match (word.strip_prefix(ANONYMOUS), ram(word)) {
        (Some(rest), Some(ram)) => {
            format!("{IN_FILE}{rest},mem-path={}/{}{SHARED}", folder.display(), ram.file)
        }
        _ => word.clone(),
    };
    words.iter().map(in_file).collect()
}

/// The words of [`shared`] for a guest that leaves the files as they are.
pub(super) fn private(words: &[String]) -> Vec<String> {
    let private = |word: &String| match word.strip_suffix(SHARED) {
        Some(rest) if word.starts_with(IN_FILE) => format!("{rest}{PRIVATE}"),
        _ => word.clone(),
    };
    words.iter().map(private).collect()
}

/// `memory-backend-ram,id=numa-mem1,size=512M`
fn ram(word: &str) -> Option<Ram> {
    let (id, size) = word.strip_prefix(ANONYMOUS)?.split_once(",size=")?;
    let mebibytes: u64 = size.strip_suffix('M')?.parse().ok()?;
    Some(Ram { file: format!("ram{id}"), size: Bytes(mebibytes * Bytes::MIB.0) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;
    use crate::scenario::Scenario;

    #[test]
    fn every_nodes_memory_goes_to_a_file_and_no_cxl_devices() {
        let path = crate::host::paths::project().join("scenarios/cxl-promote.yaml");
        let words = Machine::new(&Scenario::load(&path).unwrap().machine).unwrap().argv.qemu;
        let ram = nodes(&words);
        assert_eq!(ram.iter().map(|ram| ram.file.as_str()).collect::<Vec<_>>(), ["ram0", "ram1"]);
        let shared = shared(&words, Path::new("/run"));
        let count = |words: &[String], part: &str| words.iter().filter(|word| word.contains(part)).count();
        assert_eq!(count(&shared, "mem-path=/run/ram0,share=on"), 1);
        assert_eq!(count(&shared, "memory-backend-ram,id=cxl-mem0"), 1);
        let private = private(&shared);
        assert_eq!(
            (count(&private, "share=on"), count(&private, "ram0,share=off,readonly=on,rom=off")),
            (0, 1)
        );
    }

    #[test]
    fn sizes_are_read_as_the_machine_writes_them() {
        let words = ["memory-backend-ram,id=numa-mem1,size=512M".to_owned()];
        assert_eq!(nodes(&words), [Ram { file: "ram1".to_owned(), size: Bytes(512 << 20) }]);
    }
}
