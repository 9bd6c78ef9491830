//! What every check is made of, and the checks that need nothing but a recording.
//!
//! [`Finding`] and [`About`] are the vocabulary; `health`, `text`, `whole` and `log` judge the recording itself;
//! `expect` judges the scenario's expectations. What is about one subject of the kernel stands in
//! [`crate::subject`], and [`crate::judge`] brings all of it to a verdict.

mod about;
pub(crate) mod c_function;
pub(crate) mod early_end;
pub(crate) mod expect;
pub(crate) mod fields;
pub(crate) mod finding;
pub(crate) mod health;
pub(crate) mod log;
mod measure;
mod order;
mod rendered;
pub(crate) mod rule;
mod run_end;
mod span;
pub(crate) mod stated;
pub(crate) mod subject;
mod summary;
pub(crate) mod text;
mod verdict;
pub(crate) mod violations;
pub(crate) mod whole;

pub use about::{About, Kind, REAL_CLOCK, Source};
pub use expect::{ExpectationStatus, Measured, Unmeasured};
pub use finding::{EXPECT, Evidence, Finding, KTAP, Origin};
pub use log::kernel_log;
pub use log::ktap::{Suite, Tests};
pub use run_end::RunEnd;
pub use stated::{MissingEvent, StatedResult, StatedStatus};
pub use summary::Summary;
pub use verdict::Verdict;
