//! The plain value of a key: what a person would have written. Data, and its look-up.

/// The plain value for each key; `min` and `max` have the key of their range before them.
const PLAIN: &[(&str, &str)] = &[
    ("machine", "dram2"),
    ("every", "40ms"),
    ("hot", "50%"),
    ("size", "8M"),
    ("swap", "64M"),
    ("for", "1s"),
    ("sample_us", "10 ms"),
    ("aggr_us", "200 ms"),
    ("ops_update_us", "1 s"),
    ("apply_interval_us", "200 ms"),
    ("nr_regions.min", "10"),
    ("nr_regions.max", "100"),
    ("nr_accesses.min", "1 samples"),
    ("nr_accesses.max", "max"),
    ("sz_bytes.min", "4 KiB"),
    ("sz_bytes.max", "max"),
    ("age.min", "0"),
    ("age.max", "max"),
    ("sz_bytes", "1 MiB"),
    ("reset_interval_ms", "400 ms"),
    ("target_value", "5000"),
    ("current_value", "50"),
    ("sz_permil", "0"),
    ("nr_accesses_permil", "500"),
    ("age_permil", "500"),
    ("weight", "1"),
    ("action", "stat"),
    ("node", "0"),
    ("target_nid", "0"),
    ("nid", "0"),
    ("memory", "512M"),
    ("access_bp", "400"),
    ("aggrs", "3"),
    ("times", "5"),
];

/// The plain value, where there is one and it is another.
pub(super) fn plainer(key: &str, value: &str) -> Option<String> {
    let (_, plain) = PLAIN.iter().find(|(known, _)| *known == key)?;
    (*plain != value).then(|| (*plain).to_owned())
}
