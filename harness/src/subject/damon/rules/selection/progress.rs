//! How far the replay of a scheme is: what it has shown, and what the kernel keeps from pass to pass.

use super::charge::Charge;
use crate::subject::damon::events::Stat;
use crate::subject::damon::rule::{Reason, Violations};
use std::collections::BTreeSet;

/// What a replay of one scheme shows.
#[derive(Default)]
pub(crate) struct Replay {
    /// In so many passes the actions are compared with what had to be selected.
    pub(crate) selected: u64,
    pub(crate) selection: Violations,
    /// In so many passes the counters are compared.
    pub(crate) counted: u64,
    pub(crate) counters: Violations,
    /// Why other passes are not replayed.
    pub(crate) reasons: BTreeSet<Reason>,
}

/// What the kernel keeps of a scheme from pass to pass.
#[derive(Default)]
pub(super) struct State<'a> {
    /// The possible charges of its quota; none before the first pass, and without a quota.
    pub(super) charges: Vec<Charge>,
    pub(super) stat: Option<&'a Stat>,
    /// Whether it has a quota.
    pub(super) limited: Option<bool>,
}
