//! Everything that there is: scenarios and machines, and the kernels and checkpoints in the cache.
//!
//! For programs `list` has `scenarios` and `machines` (`name`, `summary`, `origin`), `kernel_cache` as `kernel list` has it, and
//! `checkpoints` (`key`, `describe`, `bytes`).

use super::event::Listing;
use super::kernels::KernelCache;
use crate::bundled::Origin;
use crate::host::text::{foreign, quote};
use crate::scenario::{NamedMachine, Scenario};
use crate::vm::checkpoint::Listed;
use damonlab_protocol::units::Bytes;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What `list` shows.
#[derive(Debug)]
pub struct Inventory {
    /// Every scenario that needs no path, by name.
    pub scenarios: Vec<(Origin, Scenario)>,
    /// Every machine that needs no path, by name.
    pub machines: Vec<(Origin, NamedMachine)>,
    /// Kernels.
    pub kernels: KernelCache,
    /// Saved guests.
    pub checkpoints: Vec<Listed>,
    /// How much room checkpoints may take.
    pub checkpoint_limit: Bytes,
}

/// A longer name, in characters, does not push the summaries of the others to the right.
const WIDEST_NAME: usize = 50;

/// Where it comes from, a name and a summary.
type Named<'a> = (Origin, &'a str, &'a str);

impl Inventory {
    /// All of it.
    pub fn listing(&self) -> Listing {
        let scenarios: Vec<Named<'_>> =
            self.scenarios.iter().map(|(from, one)| (*from, &*one.name, &*one.summary)).collect();
        let machines: Vec<Named<'_>> =
            self.machines.iter().map(|(from, one)| (*from, &*one.name, &*one.summary)).collect();
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
            "{}{}{}checkpoints (at most {}):\n{}",
            grouped("scenarios", &scenarios),
            grouped("machines", &machines),
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

/// Names and summaries in columns, below a heading for each place that they come from.
fn grouped(kind: &str, all: &[Named<'_>]) -> String {
    let widths = all.iter().map(|(_, name, _)| name.chars().count());
    let width = widths.filter(|width| *width <= WIDEST_NAME).max().unwrap_or(0);
    let origins: BTreeSet<Origin> = all.iter().map(|(origin, ..)| *origin).collect();
    let mut text = String::new();
    for origin in origins {
        text.push_str(&format!("{kind} ({origin}):\n"));
        for (_, name, summary) in all.iter().filter(|(from, ..)| *from == origin) {
            text.push_str(&format!("  {:<width$}  {}\n", foreign(name), quote(summary)));
        }
    }
    text
}

fn named(all: &[Named<'_>]) -> Vec<Value> {
    let one = |(origin, name, summary): &Named<'_>| json!({"name": name, "summary": summary, "origin": origin.to_string()});
    all.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundled;

    fn inventory(mine: &str) -> Inventory {
        let from = |name: &str| if name == mine { Origin::ThisFolder } else { Origin::BuiltIn };
        let folder = bundled::home().join("scenarios");
        let machines = crate::scenario::machines(&crate::scenario::shipped_machines()).unwrap();
        let scenarios = crate::scenario::all(&folder).unwrap();
        Inventory {
            scenarios: scenarios.into_iter().map(|one| (from(&one.name), one)).collect(),
            machines: machines.into_iter().map(|one| (from(&one.name), one)).collect(),
            kernels: KernelCache { images: Vec::new(), folders: Vec::new(), limit: Bytes(1) },
            checkpoints: Vec::new(),
            checkpoint_limit: Bytes(4 << 30),
        }
    }

    #[test]
    fn names_stand_in_one_column_and_summaries_in_another() {
        let inventory = inventory("");
        let listing = inventory.listing();
        let scenarios = listing.text.lines().skip(1).take(inventory.scenarios.len());
        let widest = inventory.scenarios.iter().map(|(_, one)| one.name.len()).max().unwrap();
        for (line, (_, scenario)) in scenarios.zip(&inventory.scenarios) {
            assert_eq!(line[widest + 4..], scenario.summary, "{line}");
        }
        assert!(listing.text.ends_with("no kernels in the cache\ncheckpoints (at most 4 GiB):\n"));
        assert_eq!(listing.data["machines"].as_array().unwrap().len(), inventory.machines.len());
    }

    #[test]
    fn what_is_of_this_folder_stands_apart_from_what_is_built_in() {
        let listing = inventory("idle").listing();
        let lines: Vec<&str> = listing.text.lines().collect();
        assert_eq!(lines[0], "scenarios (this folder):");
        assert!(lines[1].starts_with("  idle "), "{}", lines[1]);
        assert_eq!(lines[2], "scenarios (built in):");
        assert!(lines.contains(&"machines (built in):") && !lines.contains(&"machines (this folder):"));
        let scenarios = listing.data["scenarios"].as_array().unwrap();
        let origin = |name: &str| &scenarios.iter().find(|one| one["name"] == name).unwrap()["origin"];
        assert_eq!((origin("idle"), origin("pull-push")), (&json!("this folder"), &json!("built in")));
    }
}
