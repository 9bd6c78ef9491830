//! Finds the first patch of a series after which a scenario fails.
//!
//! A [`Search`] says which place to try next, a [`Step`] is the result of one, a [`BisectLog`] has all steps
//! of a search, and a [`Bisection`] builds the kernel of a step, runs the scenario on it and stores the step.

mod bisect_log;
mod bisection;
mod search;
mod series;
mod step;
mod store;

pub use crate::run::Failure;
pub use bisect_log::{BisectLog, Ending};
pub use bisection::Bisection;
pub use search::{EndpointError, Mark, Next, Search, SearchResult};
pub use series::{Series, series};
#[cfg(test)]
pub(crate) use step::tests;
pub use step::{Step, StepVerdict};
