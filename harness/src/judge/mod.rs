//! From a recording to a verdict, and from many verdicts to one.
//!
//! [`judge()`] runs every rule that applies and the scenario's own expectations over a recording; [`verdict`] says what
//! that comes to. Nothing here boots anything: stored recordings are judged on a machine without QEMU.

mod busy_host;
pub(crate) mod console_log;
mod coverage;
pub(crate) mod early_end;
mod expected_change;
mod explain;
mod judgement;
mod known;
mod machine;
mod missing_features;
mod page;
mod recording_verdict;
pub(crate) mod reference;
mod report;
mod rule_file_use;
mod rules;
mod seeds;
mod stored;
mod sweep;

#[cfg(test)]
mod stated_tests;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use busy_host::on_busy_host;
pub use coverage::{Coverage, Never};
pub use expected_change::{ChangesSeen, ExpectedChange, not_seen, seen_and_not, seen_before};
pub use explain::{Excerpt, Page, explain, is_in};
pub use judgement::{Judgement, judge};
pub use page::page;
pub use recording_verdict::verdict;
pub use reference::{Applied, Example};
pub use report::{Intended, Repeated, Report, rejudge};
pub use rule_file_use::RuleFileUse;
pub use rules::{all as rules, list, origin, rule, words};
pub use seeds::{OverSeeds, over_seeds};
pub use stored::{Stored, StoredResult, together};
pub use sweep::Sweep;
