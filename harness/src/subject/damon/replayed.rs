//! What a replay of a scheme shows (`rules/selection`), where the rules about it can share one.

use crate::check::rule::Reason;
use crate::check::violations::Violations;
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// The replay of a scheme, once a rule has needed it; or why there is none.
pub(crate) type Replayed = OnceLock<Result<Replay, Reason>>;

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
