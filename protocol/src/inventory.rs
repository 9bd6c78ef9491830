//! What a kernel's DAMON shows of itself: tracepoints, files of sysfs, parameters of modules and sets of operations. The
//! names come from the kernel and may be any. Pure.

use serde::{Deserialize, Serialize};

/// The longest name that is listed, in bytes.
const LONGEST: usize = 120;

/// So many bytes of names a list has at most.
const LIMIT: usize = 12 << 10;

/// The names, each list sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inventory {
    /// Tracepoints of the system `damon`.
    pub tracepoints: Vec<String>,
    /// Files below a kdamond's folder that has one folder of each kind, with 0 for each number.
    pub files: Vec<String>,
    /// Parameters of DAMON's modules, `damon_stat/enabled`.
    pub parameters: Vec<String>,
    /// The operations that `avail_operations` lists.
    pub operations: Vec<String>,
    /// How many names are left out because there are too many, or they are too long.
    pub left_out: usize,
}

impl Inventory {
    /// The inventory within bounds. It is made by a guest, and its reader applies the bounds again.
    pub fn bounded(mut self) -> Inventory {
        let mut left_out = self.left_out;
        for list in [&mut self.tracepoints, &mut self.files, &mut self.parameters, &mut self.operations] {
            list.sort();
            list.dedup();
            let (before, mut size) = (list.len(), 0);
            list.retain(|name| {
                let fits = name.len() <= LONGEST && size + name.len() <= LIMIT;
                size += if fits { name.len() } else { 0 };
                fits
            });
            left_out = left_out.saturating_add(before - list.len());
        }
        Inventory { left_out, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_what_is_too_long_or_too_much_is_counted() {
        let many = (0..4_000).map(|number| format!("file{number:04}"));
        let files = many.chain(["x".repeat(121), "a".into(), "a".into()]).collect();
        let inventory = Inventory { files, ..Inventory::default() }.bounded();
        assert_eq!(inventory.files[..2], ["a", "file0000"]);
        assert_eq!(inventory.files.len() + inventory.left_out, 4_002);
        assert!(inventory.files.iter().map(String::len).sum::<usize>() <= LIMIT);
        assert_eq!(inventory.clone().bounded(), inventory);
    }
}
