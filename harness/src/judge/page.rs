//! The reference page of all invariants, `docs/invariants.md`: written from their table, so it cannot lag behind.

use super::rules;
use crate::check::{About, Origin, Source};
use std::fmt::Write;

const HEAD: &str = "\
# Invariants

What every run is held to, where it applies. [checks.md](checks.md) says how verdicts come of it.

- `exact`: holds for every event of a right kernel.
- `conditional`: holds for every event, where something about the run is so; the check looks whether it is.
- `windowed`: is about many events together; a single one may be off.
- `timed`: compares times, up to the granularity of a clock. Not asked on the real clock.

This page is written from the rules themselves, each beside its function; `DAMONLAB_BLESS=1 cargo test -p damonlab page` writes it anew.

| rule | kind | what must hold | because | when | source |
|---|---|---|---|---|---|
";

/// The page's text.
pub fn page() -> String {
    let mut text = String::from(HEAD);
    for invariant in rules::all() {
        let (rule, kind) = (Origin::Rule(invariant), invariant.kind.word());
        let (statement, because) = (invariant.statement, invariant.because);
        let (when, source) = (invariant.when, sources(invariant));
        // Writing to a String does not fail.
        let _ = writeln!(text, "| {rule} | {kind} | {statement} | {because} | {when} | {source} |");
    }
    text
}

fn sources(rule: &About) -> String {
    rule.source.iter().map(Source::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_invariants_is_current() {
        let path = crate::host::paths::project().join("docs/invariants.md");
        if std::env::var_os("DAMONLAB_BLESS").is_some() {
            std::fs::write(&path, page()).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap();
        assert!(found == page(), "{} differs; DAMONLAB_BLESS=1 writes it anew", path.display());
    }
}
