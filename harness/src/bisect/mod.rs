//! Which patch of a series is the first after which a scenario's verdict turns.
//!
//! A [`Search`] says which patches to try next, a [`Step`] is what came of one, [`log()`] goes from step to step, and a
//! [`Bisection`] builds the kernel of a step, runs the scenario on it, and keeps the step for a later call.

mod bisect_log;
mod bisection;
mod search;
mod series;
mod step;
mod store;

pub use bisect_log::{BisectLog, Ending, log};
pub use bisection::Bisection;
pub use search::{BadEnds, End, Next, Search, Turn};
pub use series::{Series, series};
#[cfg(test)]
pub(crate) use step::tests;
pub use step::{Failure, Step, StepVerdict};
