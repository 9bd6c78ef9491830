//! Builds the guest agent as a static program and passes its path to the crate, and packs the files that the program
//! carries with it (see `src/bundled`).
//!
//! The agent needs its own flags (`crt-static`) and profile, so a second cargo builds it in a target folder of its
//! own, where the first one's lock does not block it. Every profile of the outer build shares that folder, so the
//! agent is built once. `--target` is given even where it equals the host: only then do the flags stay away from
//! build scripts and macros.

#![expect(clippy::disallowed_methods, reason = "cargo ends what a build script starts")]

use cpio::newc::{Builder, trailer};
use flate2::{Compression, GzBuilder};
use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const TARGET: &str = "x86_64-unknown-linux-gnu";
const PROFILE: &str = "guest";

/// The folders of the source tree that the program carries with it.
const BUNDLED: [&str; 5] = ["examples", "kernel-config", "patches", "scenarios", "snapshots"];

/// What of them only tests read.
const LEFT_OUT: &str = "scenarios/invalid";

/// Stands for cargo's home in the agent.
const HOME: &str = "/cargo";

fn main() -> ExitCode {
    let agent = match build() {
        Ok(agent) => agent,
        Err(reason) => {
            println!("cargo::error=cannot build the guest agent: {reason}");
            return ExitCode::FAILURE;
        }
    };
    println!("cargo::rustc-env=DAMONLAB_GUEST={}", agent.display());
    if let Err(cause) = pack() {
        println!("cargo::error=cannot pack the scenarios, patches and configurations: {cause}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Writes `bundled.cpio.gz` into OUT_DIR. Equal files give equal bytes: there are no times and no owners in it.
///
/// In the profile `dev` cargo does not watch the files, because it would build the whole crate again for every edit of a
/// scenario, and what it starts reads the source tree instead (`DAMONLAB_HOME` in `.cargo/config.toml`).
fn pack() -> io::Result<()> {
    let variable = |name: &str| {
        env::var_os(name).map(PathBuf::from).ok_or(io::Error::other(format!("{name} is not set")))
    };
    let harness = variable("CARGO_MANIFEST_DIR")?;
    let root = harness.parent().ok_or(io::Error::other("the crate is not in a workspace"))?;
    let mut files = Vec::new();
    for folder in BUNDLED {
        if variable("PROFILE")?.as_os_str() != "debug" {
            println!("cargo::rerun-if-changed={}", root.join(folder).display());
        }
        collect(root, Path::new(folder), &mut files)?;
    }
    files.sort();
    let out = fs::File::create(variable("OUT_DIR")?.join("bundled.cpio.gz"))?;
    let mut out = GzBuilder::new().write(out, Compression::best());
    for (ino, name) in (1..).zip(&files) {
        let bytes = fs::read(root.join(name))?;
        let size = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        let mut entry = Builder::new(name).ino(ino).mode(0o100_644).write(&mut out, size);
        entry.write_all(&bytes)?;
        entry.finish()?;
    }
    trailer(&mut out)?;
    out.finish()?.sync_all()
}

/// The files below `folder` of `root`, by their names in the archive.
fn collect(root: &Path, folder: &Path, files: &mut Vec<String>) -> io::Result<()> {
    let wrong = |cause: io::Error| io::Error::other(format!("{}: {cause}", root.join(folder).display()));
    for entry in fs::read_dir(root.join(folder)).map_err(wrong)? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        let name = path.to_str().ok_or(io::Error::other("the name of a file is no UTF-8"))?.to_owned();
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        match entry.file_type()? {
            _ if hidden || name == LEFT_OUT => {}
            kind if kind.is_dir() => collect(root, &path, files)?,
            _ => files.push(name),
        }
    }
    Ok(())
}

/// The flags of the agent. A panic names the file that it is in: with the path of cargo's home in it, the agents of two users would
/// differ, and with them all recordings.
fn flags() -> Result<String, String> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home =
        home.or_else(|| env::home_dir().map(|user| user.join(".cargo"))).ok_or("there is no home folder")?;
    let home = home.to_str().ok_or("the path of cargo's home is no UTF-8")?;
    Ok(format!("-Ctarget-feature=+crt-static\x1f--remap-path-prefix={home}={HOME}"))
}

fn build() -> Result<PathBuf, String> {
    let variable = |name: &str| env::var_os(name).map(PathBuf::from).ok_or(format!("{name} is not set"));
    let harness = variable("CARGO_MANIFEST_DIR")?;
    let root = harness.parent().ok_or("the crate is not in a workspace")?;
    // OUT_DIR is <target>/[<triple>/]<profile>/build/<package>/out.
    let out = variable("OUT_DIR")?;
    let profile = out.ancestors().nth(3).ok_or("OUT_DIR is not below a target folder")?;
    let target_dir = profile.parent().ok_or("OUT_DIR is not below a target folder")?.join("guest");
    for watched in
        ["guest/src", "guest/Cargo.toml", "protocol/src", "protocol/Cargo.toml", "Cargo.toml", "Cargo.lock"]
    {
        println!("cargo::rerun-if-changed={}", root.join(watched).display());
    }
    // `include_dir!` does not notice a file that is new.
    println!("cargo::rerun-if-changed={}", root.join("docs").display());
    let status = Command::new(variable("CARGO")?)
        .current_dir(root)
        .args(["build", "--quiet", "--package", "damonlab-guest", "--bin", "damonlab-guest"])
        .args(["--profile", PROFILE, "--target", TARGET, "--target-dir"])
        .arg(&target_dir)
        // The outer build's settings (clippy's wrapper, flags) must not reach this one.
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("RUSTC_WRAPPER")
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_TARGET_DIR")
        .env("CARGO_ENCODED_RUSTFLAGS", flags()?)
        .status()
        .map_err(|cause| format!("cannot start cargo: {cause}"))?;
    let agent = target_dir.join(TARGET).join(PROFILE).join("damonlab-guest");
    match status.success() && agent.is_file() {
        true => Ok(agent),
        false => Err(format!("cargo ended with {status}; the compiler's output is above")),
    }
}
