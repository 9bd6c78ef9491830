//! What can be drawn of a recording, whoever draws it: lines over guest time, and heat maps of addresses over guest time.
//!
//! Pure numbers with names: no colours, no pixels, no HTML. A subject makes [`Plot`]s of a recording; [`thin`] and [`Grid`]
//! bound what a plot holds, however long the recording is.

mod axis;
mod grid;
mod plot;
mod thin;

pub use axis::{Tick, ticks};
pub use grid::Grid;
pub use plot::{
    Content, HeatMap, Level, Lines, Plot, Point, Section, Series, Shape, Span, Step, Stretch, Unit,
};
pub use thin::thin;
