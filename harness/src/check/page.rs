//! The reference page of all invariants, `docs/checks.md`: written from their table, so it cannot lag behind.

use super::invariant::{INVARIANTS, Kind};
use std::fmt::Write;

const HEAD: &str = "\
# Checks

Every run is judged by these invariants where they apply; `damonlab run` lists those that held and, with the reason, those that were not
asked. Then come the scenario's own expectations (id `expect`). A guest that does not end well has ids of its own: `panic`, `guest-lost`,
`clock` (the clock that ran out is named), `babble` (the console does not stop) and `bad-results`.

`exact` holds for every event of a right kernel. `timed` compares times, up to the granularity of a clock.

On the real clock (`clock: real`) no `timed` invariant is asked, for a guest that its host does not run is late without being wrong; and
every bound of a mean, a count or a growth moves outwards by 10 % of itself, which the report says. A bound of 0 stays, and so does where
memory ends (`resident`). Under TCG on two cores with a load of 8, means over 44 windows were up to 1.7 % off their goals (0.2 % on the
virtual clock) and 8 % of the windows were missing. Snapshots of behaviour are not compared.

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
