//! The kernel and the shell of the outer guest: packages of this Debian release, unpacked in damonlab's cache.

use damonlab::host::command::{self, Limits, command_for};
use damonlab::host::paths;
use damonlab::setup::apt::Apt;
use damonlab::setup::{Archives, Env};
use std::error::Error;
use std::path::{Path, PathBuf};

/// The package that depends on the newest kernel. Debian's `-cloud` kernels have no KVM.
const KERNEL: &str = "linux-image-amd64";

/// What the outer guest boots.
pub struct Packages {
    pub folder: PathBuf,
    pub kernel: PathBuf,
    /// `lib/modules/VERSION/kernel`.
    pub modules: PathBuf,
    pub busybox: PathBuf,
}

/// The packages, fetched if `DAMONLAB_SETUP=1` allows it; otherwise the reason why there are none.
pub fn packages() -> Result<Result<Packages, String>, Box<dyn Error>> {
    let env = Env::machine()?;
    let folder = env.cache.join("kvm-test");
    if let Some(found) = find(&folder) {
        return Ok(Ok(found));
    }
    if std::env::var_os("DAMONLAB_SETUP").is_none_or(|value| value != "1") {
        let what = format!("no kernel of Debian's with KVM is in {}", folder.display());
        return Ok(Err(format!("{what}; DAMONLAB_SETUP=1 fetches it (70 to 110 MB)")));
    }
    fetch(&env, &folder)?;
    find(&folder).map(Ok).ok_or_else(|| format!("{} has no kernel with KVM", folder.display()).into())
}

fn find(folder: &Path) -> Option<Packages> {
    let packages = folder.join("packages");
    let named = |folder: PathBuf, start: &str| {
        let entries = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
        entries
            .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(start)))
            .max()
    };
    let kernel = named(packages.join("boot"), "vmlinuz-")?;
    let modules = ["lib/modules", "usr/lib/modules"]
        .into_iter()
        .find_map(|place| named(packages.join(place), ""))?
        .join("kernel");
    let busybox = ["usr/bin/busybox", "bin/busybox"].map(|place| packages.join(place));
    let busybox = busybox.into_iter().find(|path| path.is_file())?;
    Some(Packages { folder: folder.to_owned(), kernel, modules, busybox })
}

fn fetch(env: &Env, folder: &Path) -> Result<(), Box<dyn Error>> {
    let apt = Apt::prepare(&env.cache.join("apt/tools"), &Archives::of_machine(&env.root)?.for_tools())?;
    apt.update()?;
    let scratch = paths::scratch(folder)?;
    let inside = scratch.path().join("packages");
    for package in [&*newest_kernel(&apt)?, "busybox-static"] {
        let file = apt.download(package, scratch.path())?;
        command::succeed(command_for("dpkg-deb").arg("-x").arg(&file).arg(&inside), Limits::LOCAL)?;
        std::fs::remove_file(file)?;
    }
    Ok(std::fs::rename(inside, folder.join("packages"))?)
}

/// The name of the package that [`KERNEL`] depends on.
fn newest_kernel(apt: &Apt) -> Result<String, Box<dyn Error>> {
    let mut depends = command_for("apt-cache");
    depends.arg("-c").arg(apt.configuration_file()).args(["depends", KERNEL]).env("LC_ALL", "C.UTF-8");
    let output = command::succeed(&mut depends, Limits::LOCAL)?.stdout;
    let text = String::from_utf8_lossy(&output).into_owned();
    let named = |line: &str| line.trim().strip_prefix("Depends: linux-image-").map(str::to_owned);
    let version =
        text.lines().find_map(named).ok_or_else(|| format!("{KERNEL} depends on no kernel:\n{text}"))?;
    Ok(format!("linux-image-{version}"))
}
