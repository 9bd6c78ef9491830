//! PID 1 of a damonlab guest.

fn main() {}
