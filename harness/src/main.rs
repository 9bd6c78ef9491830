//! The `damonlab` command.

fn main() {}
