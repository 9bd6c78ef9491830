//! What can be drawn of DAMON's part of a recording.

mod accesses;
mod all;
mod cost;
mod goals;
mod migrations;
mod quotas;
mod schemes;

pub(crate) use all::{plots, steps};
