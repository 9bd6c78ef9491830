//! What may be typed: the verbs, in the order in which `damonlab help` lists them.

use super::error::VerbResult;
use super::output::Color;
use super::{
    bisect, check, compare, completions, coverage, doctor, explain, explore, export, export_data, kernel, list,
    machine, merge, mutants, replay, run, schema, series, setup, show, shrink,
