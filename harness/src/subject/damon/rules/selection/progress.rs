//! How far the replay of a scheme is: what the kernel keeps from pass to pass.

use super::charge::Charge;
use crate::subject::damon::events::Stat;

/// What the kernel keeps of a scheme from pass to pass.
#[derive(Default)]
pub(super) struct State<'a> {
    /// The possible charges of its quota; none before the first pass, and without a quota.
    pub(super) charges: Vec<Charge>,
    pub(super) stat: Option<&'a Stat>,
    /// Whether it has a quota.
    pub(super) limited: Option<bool>,
}
