//! A recording as short text that stays the same as long as the kernel does, for `cargo insta`.
//!
//! [`interface`] is what user space can rely on: the tracepoints and the sysfs tree. [`behaviour`] is the run as text:
//! which sequences occur, which quotas, where the memory is at the end. Counts, times and single measurements are left
//! out, because they change with every rebuilt kernel; the invariants of [`crate::check`] judge those.

mod eligibility;
mod interface;
mod stored;

pub use crate::subject::behaviour;
pub use eligibility::not_compared;
pub use interface::{interface, tree};
pub use stored::{first_difference, stored};

#[cfg(test)]
mod tests;
