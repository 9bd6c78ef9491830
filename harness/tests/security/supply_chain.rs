//! Where the crates come from and what their licences are, against the lists of `deny.toml`. `cargo deny` checks the same and
//! more, but is not everywhere.

use super::{repository, text};
use damonlab::host::command::{Limits, command_for, succeed};
use serde_json::Value;
use spdx::{Expression, ParseMode};
use std::collections::BTreeSet;

/// The registry that every crate comes from, as cargo names it, whatever mirror the machine uses.
const REGISTRY: &str = "/crates.io-index";

/// The packages that are built for the one target that damonlab has.
fn packages() -> Vec<Value> {
    let mut cargo = command_for(env!("CARGO"));
    cargo.args(["metadata", "--format-version", "1", "--locked", "--offline"]);
    cargo.args(["--filter-platform", "x86_64-unknown-linux-gnu"]).current_dir(repository());
    let output = succeed(&mut cargo, Limits::LOCAL).expect("cargo knows its own workspace");
    let mut all: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = all["packages"].as_array_mut().expect("packages");
    assert!(packages.len() > 50, "only {} packages", packages.len());
    std::mem::take(packages)
}

/// The strings of a list of `deny.toml`.
fn list(name: &str) -> BTreeSet<String> {
    let text = text("deny.toml");
    let (_, rest) = text.split_once(&format!("{name} = [")).expect("the list");
    let (list, _) = rest.split_once(']').expect("its end");
    list.split(',')
        .map(|word| word.trim().trim_matches('"').to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

/// Whether a licence expression can be met with licences of `allowed`.
fn fits(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let parsed = Expression::parse_mode(expression, ParseMode::LAX);
    parsed.is_ok_and(|parsed| parsed.evaluate(|wanted| allowed.contains(&wanted.to_string())))
}

#[test]
fn every_crate_has_a_licence_that_is_allowed() {
    let allowed = list("allow");
    let unfit = packages().into_iter().filter_map(|package| {
        let licence = package["license"].as_str().unwrap_or("none");
        (!fits(licence, &allowed)).then(|| format!("{} {}: {licence}", package["name"], package["version"]))
    });
    let unfit: Vec<String> = unfit.collect();
    assert!(unfit.is_empty(), "deny.toml allows no licence of these:\n{}", unfit.join("\n"));
}

#[test]
fn a_licence_that_is_not_on_the_list_is_found() {
    let allowed = list("allow");
    assert!(allowed.contains("MIT") && !allowed.contains("GPL-3.0-only"), "{allowed:?}");
    for (expression, is_fit) in [
        ("MIT OR GPL-3.0-only", true),
        ("MIT AND GPL-3.0-only", false),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("MIT/Apache-2.0", true),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("none", false),
    ] {
        assert_eq!(fits(expression, &allowed), is_fit, "{expression}");
    }
}

#[test]
fn every_crate_comes_from_the_registry_and_has_its_checksum_in_the_lock() {
    let lock = text("Cargo.lock");
    let mut foreign = Vec::new();
    for package in lock.split("[[package]]").skip(1) {
        let value =
            |key: &str| package.lines().find_map(|line| line.strip_prefix(key)).map(|v| v.trim_matches('"'));
        let own = value("name = ").is_some_and(|name| name.starts_with("damonlab"));
        let registry = value("source = ").is_some_and(|source| source.ends_with(REGISTRY));
        if !(own || registry && value("checksum = ").is_some_and(|sum| sum.len() == 64)) {
            foreign.push(package.trim().to_owned());
        }
    }
    assert!(foreign.is_empty(), "not from the registry, or without a checksum:\n{}", foreign.join("\n"));
}

#[test]
fn no_dependency_takes_any_version() {
    let own = packages().into_iter().filter(|package| package["source"].is_null());
    let any = own.flat_map(|package| package["dependencies"].as_array().cloned().unwrap_or_default());
    let any: Vec<String> = any.filter(|one| one["req"] == "*").map(|one| one["name"].to_string()).collect();
    assert!(any.is_empty(), "{any:?}");
}
