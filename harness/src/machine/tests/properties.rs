//! What holds for every machine that the grammar takes.

use crate::machine::generated::{self, Generated, machine};
use crate::machine::{Feature, Machine, NEEDS, drawing, ranges};
use crate::scenario::{MachineSpec, try_machine_of};
use damonlab_protocol::units::{Addr, NodeId};
use proptest::prelude::*;
use proptest::test_runner::TestError;
use std::collections::BTreeSet;

const CASES: u32 = 256;

/// Runs `check` on machines that the grammar takes.
fn for_all(check: impl Fn(&MachineSpec, &Machine) -> Result<(), TestCaseError>) {
    let outcome = generated::runner(CASES).run(&machine(), |Generated(text)| {
        let Ok(spec) = try_machine_of(&text) else {
            return Err(TestCaseError::reject("the grammar refuses it"));
        };
        let built = Machine::new(&spec).map_err(|error| TestCaseError::fail(error.to_string()))?;
        check(&spec, &built)
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(why, machine)) => panic!("{why}\n{machine:?}"),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn every_id_is_there_once_and_proximity_domains_are_dense() {
    for_all(|_, machine| {
        let ids: Vec<&str> = machine.argv.options().filter_map(|option| option.property("id")).collect();
        prop_assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
        let domains = machine.argv.options().filter_map(|option| option.property("nodeid"));
        let domains: Vec<usize> = domains.map(|domain| domain.parse().unwrap()).collect();
        prop_assert_eq!(&domains, &(0..domains.len()).collect::<Vec<_>>());
        Ok(())
    });
}

#[test]
fn a_table_of_distances_has_all_pairs_or_none() {
    for_all(|_, machine| {
        let number = |option: &crate::machine::QemuOption<'_>, key| option.property(key).map(str::to_owned);
        let domains = machine.argv.options().filter(|option| option.property("nodeid").is_some()).count();
        let rows: Vec<_> = machine.argv.options().filter(|option| option.kind() == Some("dist")).collect();
        let pairs: BTreeSet<_> = rows.iter().map(|row| (number(row, "src"), number(row, "dst"))).collect();
        prop_assert_eq!(pairs.len(), rows.len());
        prop_assert!(rows.is_empty() || rows.len() == domains * (domains - 1), "{} rows", rows.len());
        Ok(())
    });
}

#[test]
fn the_nodes_sizes_add_up_to_the_memory_of_the_machine() {
    for_all(|_, machine| {
        let node = |id: &str| id.starts_with("numa-mem");
        let objects = machine.argv.options().filter(|option| option.property("id").is_some_and(node));
        let mebibytes = objects.map(|object| object.property("size").unwrap().trim_end_matches('M'));
        let sum: u64 = mebibytes.map(|size| size.parse::<u64>().unwrap()).sum();
        prop_assert_eq!(machine.argv.memory_word(), format!("{sum}M"));
        Ok(())
    });
}

#[test]
fn addresses_are_apart_and_as_much_as_the_memory() {
    for_all(|spec, _| {
        let ranges = ranges(spec);
        for node in &spec.nodes {
            let sum: u64 = ranges[&node.id].iter().map(|(start, end)| end.0 - start.0).sum();
            prop_assert_eq!(sum, node.memory.0, "{}", node.id);
        }
        let mut all: Vec<(Addr, Addr)> = ranges.into_values().flatten().collect();
        all.sort();
        prop_assert!(all.windows(2).all(|two| two[0].1 <= two[1].0), "{:?}", all);
        Ok(())
    });
}

#[test]
fn the_wanted_view_has_every_node_and_its_distance_to_every_other() {
    for_all(|spec, machine| {
        let ids: Vec<NodeId> = (0..spec.nodes.len() + spec.cxl.len()).map(|id| NodeId(id as u16)).collect();
        prop_assert_eq!(machine.view.nodes.keys().copied().collect::<Vec<_>>(), ids.clone());
        for (id, node) in &machine.view.nodes {
            prop_assert_eq!(node.distances.keys().copied().collect::<Vec<_>>(), ids.clone(), "{}", id);
            prop_assert_eq!(node.distances[id], 10);
        }
        Ok(())
    });
}

#[test]
fn a_drawing_fits_a_hundred_columns_and_has_every_node_and_device() {
    for_all(|spec, machine| {
        let text = drawing(spec).unwrap();
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
        prop_assert!(widest <= 100, "{} columns:\n{}", widest, text);
        let devices = machine.argv.options().filter(|option| option.kind() == Some("cxl-type3"));
        for device in devices {
            prop_assert!(text.contains(&format!("serial {}\n", device.property("sn").unwrap())), "{}", text);
        }
        for id in machine.view.nodes.keys() {
            prop_assert!(text.contains(&id.to_string()), "{}", text);
        }
        Ok(())
    });
}

/// A feature that is missing in the list of needs would be found out by a refusal of QEMU.
#[test]
fn whatever_a_machine_uses_is_in_the_list_of_needs() {
    let features: BTreeSet<Feature> = NEEDS.iter().map(|need| need.feature).collect();
    let known: BTreeSet<String> = features.iter().map(ToString::to_string).collect();
    for_all(|_, machine| {
        for option in machine.argv.options() {
            let kind = option.kind().unwrap_or_default();
            match option.name {
                "-device" | "-object" => {
                    let used = format!("{} {kind}", option.name.trim_start_matches('-'));
                    prop_assert!(known.contains(&used), "{}", used);
                }
                "-machine" => {
                    for (key, _) in option.properties() {
                        let key = key.split('.').next().unwrap_or_default();
                        prop_assert!(known.contains(&format!("machine property {key}")), "{}", key);
                    }
                }
                // As old as NUMA in QEMU.
                other => prop_assert!(["-numa", "-smp"].contains(&other), "{}", other),
            }
        }
        Ok(())
    });
}
