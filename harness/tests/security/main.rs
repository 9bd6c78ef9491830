//! What docs/SECURITY.md claims and no other test shows.

mod page;
mod read;
mod supply_chain;

use std::path::Path;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a crate lies in the repository")
}

fn text(name: &str) -> String {
    std::fs::read_to_string(repository().join(name)).expect("a file of the repository")
}
