//! DAMON: its configuration in scenarios and over time, its events, and the rules that its traces must obey.

pub mod config;
mod config_periods;
pub(crate) mod damo_report;
pub(crate) mod events;
pub(crate) mod oracle;
pub(crate) mod rule;
pub(crate) mod rules;
pub(crate) mod view;
pub(crate) mod windows;

#[cfg(test)]
mod must_reject;
#[cfg(test)]
pub(crate) mod testing;
