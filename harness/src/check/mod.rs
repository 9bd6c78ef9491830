//! What every check is made of, and the checks that need nothing but a recording.
//!
//! [`finding`](Finding) and [`rule`] are the vocabulary; [`health`], [`text`] and [`log`] judge the recording itself;
//! [`expect`] judges the scenario's expectations. What is about one subject of the kernel stands in
//! [`crate::subject`], and [`crate::judge`] brings all of it to a verdict.

pub(crate) mod expect;
pub(crate) mod finding;
pub(crate) mod findings;
pub(crate) mod health;
pub(crate) mod log;
pub(crate) mod rule;
mod span;
pub(crate) mod text;
mod verdict;

pub use expect::{ExpectationStatus, Measured, Missing};
pub use finding::{EXPECT, Evidence, Finding};
pub use log::kernel_log;
pub use log::ktap::{KTAP, Suite, Tests};
pub use rule::{Kind, REAL_CLOCK};
pub use verdict::Verdict;
