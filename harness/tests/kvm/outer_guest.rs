//! Packs and boots the outer guest, and returns what it printed.

use super::outer_kernel::Packages;
use damonlab::host::command::{self, Limits, command_for};
use damonlab::host::logged::LoggedGroup;
use damonlab::host::{memory, paths};
use damonlab::run::RunEnv;
use damonlab_protocol::units::Bytes;
use std::error::Error;
use std::path::Path;
use std::time::Duration;

/// The memory of the outer guest; its initramfs and the inner guest are in it.
const MEMORY: Bytes = Bytes(3 << 30);

/// For QEMU itself, and for packing.
const SPARE: Bytes = Bytes(1 << 30);

/// How long an outer guest may take to boot and to find KVM, and for each scenario. On an idle host it takes 35 s and 15 s.
const BOOT: Duration = Duration::from_secs(240);
const SCENARIO: Duration = Duration::from_secs(120);

/// Why this host cannot run it now.
pub fn does_not_fit() -> Result<Option<String>, Box<dyn Error>> {
    let (free, needed) = (memory::available()?, Bytes(MEMORY.0 + SPARE.0));
    Ok((free < needed).then(|| format!("the outer guest needs {needed} of memory, and {free} are free")))
}

/// Boots an outer guest that runs `scenarios`. Returns its console's output, complete or not.
pub fn run(env: &RunEnv, packages: &Packages, scenarios: &[String]) -> Result<String, Box<dyn Error>> {
    let scratch = paths::scratch(&packages.folder)?;
    let place = scratch.path();
    pack(env, packages, scenarios, place)?;
    let log = place.join("outer.log");
    let mut qemu = command_for(&env.tools.qemu);
    // Without -nodefaults the firmware starts a VGA card and the boot ROM of a network card, and the HPET wakes QEMU's main
    // loop all the time.
    qemu.args(["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio"])
        .args(["-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-machine", "q35,hpet=off"])
        .args(["-m", &(MEMORY.0 >> 20).to_string()])
        .arg("-kernel")
        .arg(&packages.kernel)
        .arg("-initrd")
        .arg(place.join("outer.cpio"))
        .args(["-append", "console=ttyS0 loglevel=4 panic=-1 mitigations=off tsc=reliable"])
        .current_dir(place);
    let mut outer = LoggedGroup::spawn(&mut qemu, &log)?;
    let limit = BOOT + SCENARIO * u32::try_from(scenarios.len())?;
    outer.group.wait_for(limit)?;
    outer.end()?;
    Ok(String::from_utf8_lossy(&std::fs::read(log)?).replace('\r', ""))
}

fn pack(env: &RunEnv, packages: &Packages, scenarios: &[String], place: &Path) -> Result<(), Box<dyn Error>> {
    let cache = paths::cache()?;
    let above = cache.parent().ok_or("damonlab's cache has no parent folder")?.to_string_lossy().into_owned();
    let (cache, project) = (cache.to_string_lossy(), damonlab::bundled::home());
    let variables = [
        ("PATH", "/usr/bin:/bin"),
        ("HOME", "/root"),
        ("XDG_CACHE_HOME", &above),
        ("DAMONLAB_HOME", &project.to_string_lossy()),
        ("SCENARIOS", &scenarios.join(" ")),
    ];
    let exports = variables.map(|(name, value)| format!("export {name}={}\n", paths::quoted(value)));
    let init = place.join("init.sh");
    std::fs::write(&init, format!("#!/bin/sh\n{}{}", exports.concat(), include_str!("init.sh")))?;
    let mut pack = command_for("bash");
    pack.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kvm/pack.sh"))
        .env("OUT", place)
        .env("QEMU", &env.tools.qemu)
        .env("BUSYBOX", &packages.busybox)
        .env("MODULES", &packages.modules)
        .env("DAMONLAB", env!("CARGO_BIN_EXE_damonlab"))
        .env("BZIMAGE", &env.image.bzimage)
        .env("CACHE", &*cache)
        .env("PROJECT", &project)
        .env("INIT", &init);
    Ok(command::succeed(&mut pack, Limits::LOCAL).map(drop)?)
}
