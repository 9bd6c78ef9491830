//! Every target: the one that its binary is named for, of `damonlab::fuzzing::TARGETS`.

#![no_main]

use damonlab::fuzzing::{TARGETS, Target};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let wanted = env!("CARGO_BIN_NAME");
    TARGETS.iter().find(|target| target.name == wanted).expect("no such target")
});

fuzz_target!(|data: &[u8]| (TARGET.read)(data));
