//! Plots as text: lines over guest time in braille, and pictures of accesses in blocks. Pure: numbers go in, lines come out.

mod cells;
mod chart;
mod goal;
mod picture;
mod table;
mod thin;

pub use cells::PlotStyle;
pub(super) use chart::{Chart, Curve, Look};
pub use goal::{MINI_WIDTH, goal_plots};
pub(super) use goal::{goal_chart, heading, seconds};
pub(super) use picture::{key, picture};
pub(super) use table::table;
