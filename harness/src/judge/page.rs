//! `docs/invariants.md`, the reference page of all rules: written from the rules themselves, so that it cannot differ
//! from them.

use super::rules;
use crate::check::{About, Kind, Source};
use std::fmt::Write;
use std::path::Path;

const HEAD: &str = "\
# Invariants

Every run is checked against these rules, as far as they apply. [checks.md](checks.md) says how they lead to a verdict,
and `damonlab explain G5` shows one of them with the kernel's source and an example of a violation.

";

const TABLE: &str = "
This page is generated from the rules, each of which stands beside its function;
`DAMONLAB_BLESS=1 cargo test -p damonlab page` writes it again.

| id | name | kind | what must hold | because | when | kernel source | file |
|---|---|---|---|---|---|---|---|
";

/// The page's text.
pub fn page() -> String {
    let kinds = Kind::ALL.map(|kind| format!("- `{}`: {}\n", kind.word(), kind.meaning())).concat();
    rules::all().fold(format!("{HEAD}{kinds}{TABLE}"), |mut text, about| {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{}", row(about));
        text
    })
}

fn row(about: &About) -> String {
    let About { id, name, kind, statement, because, when, source, file } = about;
    let sources = source.iter().map(Source::to_string).collect::<Vec<_>>().join(", ");
    let base = Path::new(file).file_name().unwrap_or_default().to_string_lossy();
    let kind = kind.word();
    format!("| {id} | {name} | {kind} | {statement} | {because} | {when} | {sources} | [{base}](../{file}) |")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_invariants_is_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/invariants.md");
        if crate::host::variables::is(crate::host::variables::BLESS, "1") {
            std::fs::write(&path, page()).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap();
        assert!(found == page(), "{} differs; DAMONLAB_BLESS=1 writes it again", path.display());
    }
}
