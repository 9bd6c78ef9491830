//! The quotas that goals allow whose values only the samples of the guest bound.

pub(super) mod metrics;
pub(super) mod states;
pub(super) mod turns;
