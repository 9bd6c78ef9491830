//! The reference page of all invariants, `docs/checks.md`: written from their table, so it cannot lag behind.

use super::invariant::{INVARIANTS, Kind};
use std::fmt::Write;

const HEAD: &str = "\
# Checks

Every run is judged by these invariants where they apply; `damonlab run` lists those that held and, with the reason, those that were not
asked. Then come the scenario's own expectations (id `expect`). A guest that does not end well has ids of its own: `panic`, `guest-lost`,
`clock` (the clock that ran out is named), `babble` (the console does not stop) and `bad-results`.

This page is written from the table in `harness/src/check/invariant.rs`; `DAMONLAB_BLESS=1 cargo test -p damonlab page` writes it anew.

| id | kind | what must hold | when | source |
|---|---|---|---|---|
";

/// The page's text.
pub fn page() -> String {
    let mut text = String::from(HEAD);
    for invariant in INVARIANTS {
        let kind = match invariant.kind {
            Kind::Exact => "exact",
            Kind::Timed => "timed",
        };
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "| {} | {kind} | {} | {} | {} |",
            invariant.id, invariant.statement, invariant.when, invariant.source
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_checks_is_current() {
        let path = crate::host::paths::project().join("docs/checks.md");
        if std::env::var_os("DAMONLAB_BLESS").is_some() {
            std::fs::write(&path, page()).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap();
        assert!(found == page(), "{} differs; DAMONLAB_BLESS=1 writes it anew", path.display());
    }
}
