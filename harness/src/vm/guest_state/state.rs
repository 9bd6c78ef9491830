//! What is taken of a guest, as its page is made from it.

use super::activity::Moment;
use super::registers::Cpu;
use super::symbols::Symbols;

/// The state of a guest.
pub(in crate::vm) struct Taken {
    pub(super) symbols: Symbols,
    /// Each CPU's registers, and its moments in order.
    pub(super) cpus: Vec<(Cpu, Vec<Moment>)>,
    /// What could not be found out, and why.
    pub(super) missing: Vec<String>,
    /// How long the console's log was before the request for its tasks, and after it had printed its tasks.
    pub(super) own_words: u64,
    pub(super) tasks_end: u64,
}

impl Taken {
    /// Nothing but symbols.
    pub(super) fn without(symbols: Symbols) -> Taken {
        Taken { symbols, cpus: Vec::new(), missing: Vec::new(), own_words: u64::MAX, tasks_end: u64::MAX }
    }
}
