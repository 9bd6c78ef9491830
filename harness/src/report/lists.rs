//! Everything that there is: scenarios and machines, and the kernels and checkpoints in the cache.
//!
//! For programs `list` has `scenarios` and `machines` (`name`, `summary`), `kernel_cache` as `kernel list` has it, and
//! `checkpoints` (`key`, `describe`, `bytes`).

use super::event::Listing;
use super::kernels::KernelCache;
use crate::host::text::{foreign, quote};
use crate::scenario::{NamedMachine, Scenario};
use crate::vm::checkpoint::Listed;
use damonlab_protocol::units::Bytes;
use serde_json::{Value, json};

/// What `list` shows.
#[derive(Debug)]
pub struct Inventory {
    /// Every scenario that comes along.
    pub scenarios: Vec<Scenario>,
    /// Every machine that comes along.
    pub machines: Vec<NamedMachine>,
    /// Kernels.
    pub kernels: KernelCache,
    /// Saved guests.
    pub checkpoints: Vec<Listed>,
    /// How much room checkpoints may take.
    pub checkpoint_limit: Bytes,
}

/// A longer name, in characters, does not push the summaries of the others to the right.
const WIDEST_NAME: usize = 50;

/// A name and a summary.
type Named<'a> = (&'a str, &'a str);

impl Inventory {
    /// All of it.
    pub fn listing(&self) -> Listing {
        let scenarios: Vec<Named<'_>> =
            self.scenarios.iter().map(|one| (&*one.name, &*one.summary)).collect();
        let machines: Vec<Named<'_>> = self.machines.iter().map(|one| (&*one.name, &*one.summary)).collect();
        let checkpoints = self.checkpoints.iter();
        let lines = checkpoints.clone().map(|one| {
            format!(
                "  {}  {:>4} MiB  {}\n",
                foreign(&one.key),
                one.size.0 / Bytes::MIB.0,
                quote(&one.describe)
            )
        });
        let text = format!(
            "scenarios:\n{}machines:\n{}{}checkpoints (at most {}):\n{}",
            columns(&scenarios),
            columns(&machines),
            self.kernels.text(),
            self.checkpoint_limit,
            lines.collect::<String>()
        );
        let checkpoints =
            checkpoints.map(|one| json!({"key": one.key, "describe": one.describe, "bytes": one.size}));
        let data = json!({
            "scenarios": named(&scenarios),
            "machines": named(&machines),
            "kernel_cache": self.kernels.data(),
            "checkpoints": checkpoints.collect::<Vec<_>>(),
        });
        Listing { command: "list", text, data }
    }
}

fn columns(all: &[Named<'_>]) -> String {
    let widths = all.iter().map(|(name, _)| name.chars().count());
    let width = widths.filter(|width| *width <= WIDEST_NAME).max().unwrap_or(0);
    all.iter().map(|(name, summary)| format!("  {:<width$}  {}\n", foreign(name), quote(summary))).collect()
}

fn named(all: &[Named<'_>]) -> Vec<Value> {
    all.iter().map(|(name, summary)| json!({"name": name, "summary": summary})).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::paths;

    #[test]
    fn names_stand_in_one_column_and_summaries_in_another() {
        let folder = paths::project().join("scenarios");
        let machines = crate::scenario::machines(&crate::scenario::shipped_machines()).unwrap();
        let inventory = Inventory {
            scenarios: crate::scenario::all(&folder).unwrap(),
            machines,
            kernels: KernelCache { images: Vec::new(), folders: Vec::new(), limit: Bytes(1) },
            checkpoints: Vec::new(),
            checkpoint_limit: Bytes(4 << 30),
        };
        let listing = inventory.listing();
        let scenarios = listing.text.lines().skip(1).take(inventory.scenarios.len());
        let widest = inventory.scenarios.iter().map(|one| one.name.len()).max().unwrap();
        for (line, scenario) in scenarios.zip(&inventory.scenarios) {
            assert_eq!(line[widest + 4..], scenario.summary, "{line}");
        }
        assert!(listing.text.ends_with("no kernels in the cache\ncheckpoints (at most 4 GiB):\n"));
        assert_eq!(listing.data["machines"].as_array().unwrap().len(), inventory.machines.len());
    }
}
