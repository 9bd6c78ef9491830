//! The commands that a kdamond's `state` takes.

/// Those that bring files up to date and change nothing that a configuration writes.
const UPDATES: [&str; 5] = [
    "update_schemes_stats",
    "update_schemes_tried_bytes",
    "update_schemes_tried_regions",
    "clear_schemes_tried_regions",
    "update_schemes_effective_quotas",
];

/// Whether a command leaves the configuration as it is. `update_tuned_intervals` writes the intervals that were tuned where
/// those of the configuration are.
pub fn is_update(command: &str) -> bool {
    UPDATES.contains(&command)
}
