//! Whole files: the ones that ship, the ones that must be refused, and what random bytes do.

use super::*;
use miette::{GraphicalReportHandler, GraphicalTheme};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

#[test]
fn every_scenario_that_ships_is_sound() {
    let names: Vec<String> = all(&folder()).unwrap().into_iter().map(|scenario| scenario.name).collect();
    for wanted in ["cxl-promote", "goal-needs-paddr", "idle", "pull-push", "pull-push-consist"] {
        assert!(names.iter().any(|name| name == wanted), "{wanted} is not among {names:?}");
    }
}
