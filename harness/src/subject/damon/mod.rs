//! DAMON: its events, its configuration over time, and the rules that its traces must obey.

pub(crate) mod behaviour;
mod behaviour_words;
pub(crate) mod breakpoints;
pub(crate) mod config;
mod config_periods;
pub(crate) mod damo_report;
pub(crate) mod events;
pub(crate) mod formulas;
pub(crate) mod measures;
mod modules;
pub(crate) mod oracle;
pub(crate) mod plots;
pub(crate) mod races;
pub(crate) mod replayed;
pub(crate) mod rule;
pub(crate) mod rules;
pub(crate) mod scenario_keys;
pub(crate) mod series;
pub(crate) mod view;
pub(crate) mod windows;

#[cfg(test)]
mod must_reject;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod unknown_words;
