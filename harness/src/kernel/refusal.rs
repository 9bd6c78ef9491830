//! What `git apply` says of the hunks that it refuses, in one line.

/// The files and hunks that `git apply --reject --verbose` says did not apply.
pub(super) fn problem(told: &str) -> Option<String> {
    let mut problems = Vec::new();
    let mut file = "";
    // Told before the hunks' numbers, one a refused hunk: `error: patch failed: FILE:LINE`.
    let places: Vec<&str> =
        told.lines().filter_map(|line| line.strip_prefix("error: patch failed: ")).collect();
    let mut refused = 0;
    for line in told.lines() {
        if let Some(rest) = line.strip_prefix("Applying patch ") {
            file = rest.split(" with ").next().unwrap_or(rest).trim_end_matches("...");
        } else if let Some(hunk) = line.strip_prefix("Rejected hunk ") {
            let place = places.get(refused).map(|place| format!(", expected at {place}")).unwrap_or_default();
            problems.push(format!("{file}: hunk {}{place}", hunk.trim_end_matches('.')));
            refused += 1;
        } else if let Some(missing) =
            line.strip_prefix("error: ").and_then(|l| l.strip_suffix(": No such file or directory"))
        {
            problems.push(format!("{missing}: no such file in the source"));
        } else if line.starts_with("error: corrupt patch")
            || line.ends_with("already exists in working directory")
        {
            problems.push(line.trim_start_matches("error: ").to_owned());
        }
    }
    (!problems.is_empty()).then(|| problems.join("; "))
}
