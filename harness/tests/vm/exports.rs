//! What a guest sees of its host.

use super::common::{self, ensure, shipped, with_own_results};
use damonlab::run::{self, RunEnv};
use libtest_mimic::Trial;
use std::error::Error;

const TRIALS: &[(&str, common::Check)] =
    &[("a_guest_sees_two_folders_of_the_host_and_neither_has_anything_of_the_user", two_folders)];

pub fn trials() -> Vec<Trial> {
    common::checks(TRIALS)
}

/// The exports of QEMU: an empty folder of the run, and the scripts of virtme-ng.
fn two_folders(env: &RunEnv) -> Result<(), Box<dyn Error>> {
    let (env, _out) = with_own_results(env)?;
    let report = run::run(&env, &shipped("idle")?, 0)?;
    let argv = std::fs::read_to_string(report.dir.join("qemu.argv"))?;
    let lines: Vec<&str> = argv.lines().collect();
    let after =
        |name: &str| lines.windows(2).filter(|pair| pair[0] == name).map(|pair| pair[1]).collect::<Vec<_>>();
    let exports = after("-fsdev");
    ensure(exports.len() == 2, &exports)?;
    ensure(exports.iter().all(|export| export.contains(",readonly=on")), &exports)?;
    let paths: Vec<&str> =
        exports.iter().filter_map(|export| export.split("path=").nth(1)?.split(',').next()).collect();
    ensure(paths[0].ends_with("/root") && paths[0].contains("/damonlab-"), &paths)?;
    ensure(paths[1].ends_with("/site-packages/virtme/guest"), &paths)?;
    // No disk, no network, and the sandbox where this QEMU has one.
    ensure(
        ["-drive", "-hda", "-cdrom", "-virtfs", "-netdev", "-nic"].iter().all(|name| after(name).is_empty()),
        &lines,
    )?;
    ensure(after("-net") == ["none"], after("-net"))?;
    let note = damonlab::vm::machines_note(&damonlab::host::paths::cache()?, &env.tools);
    ensure(after("-sandbox").len() == usize::from(!note.contains("without it")), (after("-sandbox"), note))
}
